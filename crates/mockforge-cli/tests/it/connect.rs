//! `mockforge connect`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Output, Stdio};

use futures_util::{SinkExt, StreamExt};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

use crate::process::{Serving, file, mockforge, run, text};

fn talk(arguments: &[&str], input: &str) -> Output {
    let mut child = mockforge(&[&["connect"], arguments].concat(), &[]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn lines_go_in_and_messages_come_out() {
    let server = Serving::start(&["--ws-port", "0"], &[]);
    let output = talk(&[&server.url], "a\nb\n");
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("echo: a\necho: b\n", Some(0)));
}

#[test]
fn a_close_by_the_server_is_reported() {
    let (_folder, path) = file("{\"text\":\"bye\"}\n{\"close\":true,\"code\":4002,\"reason\":\"done\"}");
    let server = Serving::start(&["--ws-port", "0", "--ws-replay-file", path.to_str().unwrap()], &[]);
    let output = talk(&[&server.url, "--wait", "30s"], "");
    assert_eq!(text(&output.stdout), "bye\n");
    assert_eq!(text(&output.stderr), "closed by the server: 4002 done\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_cannot_be_reached_is_one_line() {
    for (typed, address) in
        [("ws://127.0.0.1:1/ws", "ws://127.0.0.1:1/ws"), ("1", "ws://127.0.0.1:1/ws"), (":1", "ws://127.0.0.1:1/ws")]
    {
        let output = run(&["connect", typed], &[]);
        assert_eq!(output.status.code(), Some(1));
        let log = text(&output.stderr);
        assert_eq!(log, format!("error: cannot connect to {address}: nothing listens there\n"));
    }
}

#[test]
fn a_port_is_enough_of_an_address() {
    let server = Serving::start(&["--ws-port", "0"], &[]);
    let port = server.url.strip_prefix("ws://127.0.0.1:").unwrap().strip_suffix("/ws").unwrap();
    for typed in [port.to_owned(), format!(":{port}")] {
        assert_eq!(text(&talk(&[&typed], "a\n").stdout), "echo: a\n");
    }
}

/// Answers one handshake with this body instead of an upgrade.
fn refusing(body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        // The whole request is read, else the answer may be lost in a reset.
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        socket.write_all(answer.as_bytes()).unwrap();
    });
    url
}

/// What a server says of a refusal is shown, but not a whole page.
#[test]
fn a_refused_handshake_shows_the_first_line_of_the_answer() {
    let page = format!("\n  <html>{}\n<p>no</p>\n", "x".repeat(300));
    for (body, shown) in [
        ("add a token\nor not\n", ": add a token".to_owned()),
        ("", String::new()),
        (&page, format!(": <html>{}...", "x".repeat(194))),
    ] {
        let url = refusing(body);
        let output = run(&["connect", &url], &[]);
        assert_eq!(output.status.code(), Some(1));
        let expected = format!("error: {url} refused the handshake with HTTP 403 Forbidden{shown}\n");
        assert_eq!(text(&output.stderr), expected);
    }
}

/// A client that has read one line from its server, and so is in the middle of its talk.
fn talking(url: &str) -> (Child, ChildStdin) {
    let mut child = mockforge(&["connect", url], &[]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"hello\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "echo: hello\n");
    (child, stdin)
}

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

/// Echoes, and tells the first Close frame that a client sends. If it is `stubborn`, it does not answer it.
async fn echo_server(stubborn: bool) -> (String, oneshot::Receiver<Option<u16>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut stream = tokio_tungstenite::accept_async(socket).await.unwrap();
        while let Some(Ok(message)) = stream.next().await {
            match message {
                Message::Text(text) => stream.send(Message::text(format!("echo: {text}"))).await.unwrap(),
                Message::Close(frame) => {
                    sender.send(frame.map(|frame| frame.code.into())).unwrap();
                    if stubborn {
                        std::future::pending::<()>().await;
                    }
                    // The answer goes out as the stream is read to its end.
                    while let Some(Ok(_)) = stream.next().await {}
                    return;
                }
                _ => {}
            }
        }
    });
    (url, receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_closes_politely() {
    let (url, closed) = echo_server(false).await;
    let (mut child, _stdin) = tokio::task::spawn_blocking(move || talking(&url)).await.unwrap();
    interrupt(&child);
    assert_eq!(closed.await.unwrap(), Some(1000));
    assert_eq!(tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap().code(), Some(0));
}

/// A server that does not answer the Close frame holds nobody for long, and nobody at all who interrupts again.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_interrupt_ends_at_once() {
    for (interrupts, code) in [(1, 0), (2, 130)] {
        let (url, closed) = echo_server(true).await;
        let (mut child, _stdin) = tokio::task::spawn_blocking(move || talking(&url)).await.unwrap();
        interrupt(&child);
        assert_eq!(closed.await.unwrap(), Some(1000));
        if interrupts == 2 {
            interrupt(&child);
        }
        assert_eq!(tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap().code(), Some(code));
    }
}
