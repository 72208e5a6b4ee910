//! Y08, O04: the end of one side is the end of the other, soon, with the same words.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message as Wire;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use ws_core::{CloseFrame, Message};
use ws_testing::TestServer;

use crate::eventually::eventually;
use crate::raw_client::{HANDSHAKE, RawClient};
use crate::scrape::{ERRORS, all_ended, ended_with, value};
use crate::serving::proxy_to;
use crate::upstream::{TestUpstream, close, say};

const SECOND: Duration = Duration::from_secs(1);

/// How upstream connections ended, as the upstream saw it.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<String>>>);

impl Ends {
    /// An upstream that reads, and keeps in mind how its connections end.
    async fn upstream(&self) -> TestUpstream {
        let ends = self.clone();
        TestUpstream::start(move |mut socket| {
            let ends = ends.clone();
            async move {
                let mut read = 0;
                let end = loop {
                    match socket.next().await {
                        Some(Ok(Wire::Close(Some(frame)))) => break format!("{} {}", frame.code, frame.reason),
                        Some(Ok(Wire::Close(None))) => break "no code".to_owned(),
                        Some(Ok(_)) => read += 1,
                        Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_)))
                        | None => {
                            break "gone".to_owned();
                        }
                        Some(Err(error)) => break error.to_string(),
                    }
                };
                ends.0.lock().unwrap().push(format!("{end} after {read}"));
                while let Some(Ok(_)) = socket.next().await {}
            }
        })
        .await
    }

    #[track_caller]
    fn has(&self, end: &str) -> impl Future<Output = ()> {
        let seen = self.0.clone();
        eventually(format!("{end:?} is seen"), {
            let end = end.to_owned();
            move || seen.lock().unwrap().contains(&end)
        })
    }
}

#[tokio::test]
async fn the_clients_code_goes_up() {
    let ends = Ends::default();
    let upstream = ends.upstream().await;
    let server = proxy_to(upstream.url()).await;
    for (code, reason) in [(1000, ""), (1001, "leaving"), (4001, "bye"), (3000, "x")] {
        let client = server.connect("/ws").await.unwrap();
        let begun = Instant::now();
        client.close(code, reason).await.unwrap();
        ends.has(&format!("{code} {reason} after 0")).await;
        upstream.has_open(0).await;
        assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    }
    all_ended(&server).await;
    assert_eq!(ended_with(&server, "client_close"), 4.0);
}

#[tokio::test]
async fn a_close_frame_without_a_code_goes_up_without_one() {
    let ends = Ends::default();
    let upstream = ends.upstream().await;
    let server = proxy_to(upstream.url()).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send(Message::Close(None)).await.unwrap();
    ends.has("no code after 0").await;
}

#[tokio::test]
async fn a_client_that_is_gone_leaves_an_upstream_that_sees_just_that() {
    let ends = Ends::default();
    let upstream = ends.upstream().await;
    let server = proxy_to(upstream.url()).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("1").await.unwrap();
    upstream.has_open(1).await;
    let begun = Instant::now();
    drop(client);
    ends.has("gone after 1").await;
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    upstream.has_open(0).await;
}

/// All that a client said before its Close frame goes up before it.
#[tokio::test]
async fn what_was_said_before_the_close_goes_up_before_it() {
    let ends = Ends::default();
    let upstream = ends.upstream().await;
    let server = proxy_to(upstream.url()).await;
    let mut client = server.connect("/ws").await.unwrap();
    for n in 0..10_000 {
        client.send_text(&n.to_string()).await.unwrap();
    }
    client.close(4000, "done").await.unwrap();
    ends.has("4000 done after 10000").await;
}

#[tokio::test]
async fn a_shutdown_goes_up_as_1001() {
    let ends = Ends::default();
    let upstream = ends.upstream().await;
    let server = proxy_to(upstream.url()).await;
    // It answers no Close frame.
    let _client = server.connect("/ws").await.unwrap();
    let begun = Instant::now();
    let shutdown = tokio::spawn(server.shutdown(Duration::from_secs(3)));
    ends.has("1001 the server shuts down after 0").await;
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    shutdown.abort();
}

#[tokio::test]
async fn the_upstreams_code_comes_down_behind_what_it_said() {
    for (code, reason, status) in [(1000, "", "normal"), (4001, "bye", "normal"), (1012, "restart", "normal")] {
        let upstream = TestUpstream::start(move |mut socket| async move {
            for n in 0..1000 {
                socket.feed(Wire::text(n.to_string())).await.unwrap();
            }
            close(socket, code, reason).await;
        })
        .await;
        let server = proxy_to(upstream.url()).await;
        let mut client = server.connect("/ws").await.unwrap();
        for n in 0..1000 {
            assert_eq!(client.recv_text().await.unwrap(), n.to_string());
        }
        assert_eq!(client.recv_close().await.unwrap(), Some(CloseFrame { code, reason: reason.into() }));
        upstream.has_open(0).await;
        all_ended(&server).await;
        assert_eq!(ended_with(&server, status), 1.0);
    }
}

#[tokio::test]
async fn an_upstream_that_closes_without_a_code_does_so_to_the_client() {
    let upstream = TestUpstream::start(|mut socket| async move {
        let _ = socket.close(None).await;
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let server = proxy_to(upstream.url()).await;
    assert_eq!(server.connect("/ws").await.unwrap().recv_close().await.unwrap(), None);
}

/// The upstream has the answer to its Close frame at once, however long the client takes for its own.
#[tokio::test]
async fn the_upstream_does_not_wait_for_the_clients_answer() {
    let answered = Arc::new(Notify::new());
    let upstream = TestUpstream::start({
        let answered = Arc::clone(&answered);
        move |socket| {
            let answered = Arc::clone(&answered);
            async move {
                close(socket, 4001, "bye").await;
                answered.notify_one();
            }
        }
    })
    .await;
    let server = proxy_to(upstream.url()).await;
    // It never reads.
    let _client = server.connect("/ws").await.unwrap();
    timeout(SECOND, answered.notified()).await.unwrap();
}

async fn is_told_1014(server: &TestServer, expected: &str) {
    let begun = Instant::now();
    let mut client = RawClient::open(server.address()).await;
    let (code, reason) = client.recv_close().await;
    assert_eq!(code, 1014, "{reason}");
    assert!(reason.contains(expected), "{reason}");
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    drop(client);
    all_ended(server).await;
    assert_eq!(ended_with(server, "proxy_error"), 1.0);
    assert_eq!(value(server, ERRORS), 1.0);
}

/// O04.
#[tokio::test]
async fn an_upstream_that_is_lost_is_a_proxy_error() {
    let upstream = TestUpstream::start(|socket| async move { drop(socket) }).await;
    is_told_1014(&proxy_to(upstream.url()).await, "gone without a Close frame").await;
}

#[tokio::test]
async fn an_upstream_that_breaks_the_protocol_is_told_so_and_is_a_proxy_error() {
    let told = Arc::new(Mutex::new(None));
    let upstream = TestUpstream::start({
        let told = Arc::clone(&told);
        move |mut socket| {
            let told = Arc::clone(&told);
            async move {
                // A reserved opcode.
                socket.get_mut().write_all(&[0x83, 0x00]).await.unwrap();
                if let Some(Ok(Wire::Close(Some(frame)))) = socket.next().await {
                    *told.lock().unwrap() = Some(u16::from(frame.code));
                }
                while let Some(Ok(_)) = socket.next().await {}
            }
        }
    })
    .await;
    is_told_1014(&proxy_to(upstream.url()).await, "opcode").await;
    assert_eq!(*told.lock().unwrap(), Some(1002));
}

#[tokio::test]
async fn both_sides_closing_at_once_end_in_peace() {
    let upstream = TestUpstream::start(|mut socket| async move {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() {
                say(&mut socket, "closing").await;
                return close(socket, 4001, "crossing").await;
            }
        }
    })
    .await;
    let server = proxy_to(upstream.url()).await;
    for _ in 0..20 {
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text("go").await.unwrap();
        let _ = client.close(4002, "crossing too").await;
    }
    upstream.has_open(0).await;
    all_ended(&server).await;
    assert_eq!(value(&server, ERRORS), 0.0);
}

/// A client that goes while its handshake is at the upstream takes the upstream's connection with it.
#[tokio::test]
async fn a_handshake_that_nobody_waits_for_is_given_up() {
    let silent = crate::upstream::listen(0).await;
    let server = proxy_to(format!("ws://{}", silent.local_addr().unwrap())).await;
    let mut client = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    client.write_all(HANDSHAKE.as_bytes()).await.unwrap();
    let (mut socket, _) = silent.accept().await.unwrap();
    drop(client);
    let mut head = Vec::new();
    timeout(SECOND, socket.read_to_end(&mut head)).await.unwrap().unwrap();
    assert!(head.starts_with(b"GET / HTTP/1.1\r\n"));
}
