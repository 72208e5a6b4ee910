//! `mockforge connect`.

use std::io::Write;
use std::process::{Output, Stdio};

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
    for (address, expected) in
        [("ws://127.0.0.1:1/ws", "nothing listens there"), ("http://127.0.0.1:1/", "begin with ws://")]
    {
        let output = run(&["connect", address], &[]);
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.contains(expected) && log.contains(address) && log.lines().count() == 1, "{log}");
    }
}

#[test]
fn a_refused_handshake_shows_the_answer() {
    let server = Serving::start(&["--ws-port", "0"], &[]);
    let output = run(&["connect", &server.url.replace("/ws", "/metrics")], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("refused the handshake with HTTP 200"), "{}", text(&output.stderr));
}
