//! Where replay files come from, how they may be written, and what happens with those that have mistakes.

use std::time::Duration;

use ws_server::{ServerError, WsConfig, WsServer, router, try_router};
use ws_testing::{ClientError, TestServer};

use crate::log_lines::LogLines;
use crate::own_process;
use crate::playing::{file, play};

const FILE: &str = "MOCKFORGE_WS_REPLAY_FILE";
const EXPAND: &str = "MOCKFORGE_RESPONSE_TEMPLATE_EXPAND";

/// M07: a file with mistakes refuses to play, and all of them are named with file, line and column.
#[test]
fn mistakes_are_named_with_their_places() {
    let file = file(
        r#"{"ts":0,"text":"fine"}
{"ts":10,"txt":"a slip"}
{"ts":20,"text":"fine"}
{"ts":5,"text":"going back"}
{"ts":30,"text":"broken
{"ts":40,"waitFor":"[","text":"no regex"}"#,
    );
    let config = WsConfig { replay_file: Some(file.path().to_owned()), ..WsConfig::default() };
    let refused = WsServer::builder().config(config).build().err().unwrap();
    assert!(matches!(refused, ServerError::Replay(_)));
    let text = refused.to_string();
    let name = file.path().display();
    for (place, what) in [("2:10", "`txt`"), ("4:7", "`ts`"), ("5:23", "JSON"), ("6:20", "regular expression")] {
        let found = text.lines().any(|line| line.starts_with(&format!("{name}:{place}")) && line.contains(what));
        assert!(found, "no {place} {what} in:\n{text}");
    }
    assert_eq!(text.lines().count(), 4, "{text}");
}

/// M08: a file that is missing refuses to play, and is named.
#[test]
fn a_missing_file_is_named() {
    let config = WsConfig { replay_file: Some("no/such/file.jsonl".into()), ..WsConfig::default() };
    let refused = WsServer::builder().config(config).build().err().unwrap().to_string();
    assert!(refused.contains("no/such/file.jsonl"), "{refused}");
}

/// M16: comments, blank lines, a byte order mark, other line ends, and a JSON array instead of lines.
#[tokio::test]
async fn files_may_be_written_in_several_ways() {
    let lines = "{\"ts\":0,\"text\":\"a\"}\n{\"ts\":5,\"text\":\"b // # \"}";
    for text in [
        lines.to_owned(),
        format!("\n\n# a comment\n{}\n\n// another\n", lines.replace('\n', "\n\n   # more\n\n")),
        format!("\u{feff}{}\r\n", lines.replace('\n', "\r\n")),
        format!("[{}]", lines.replace('\n', ",\n")),
        format!("// first\n[\n{}\n]\n", lines.replace('\n', "\n,\n# between\n")),
    ] {
        let server = play(&text).await;
        let mut client = server.connect("/ws").await.unwrap();
        for expected in ["a", "b // # "] {
            assert_eq!(client.recv_text().await.unwrap(), expected, "{text}");
        }
        client.expect_silence(Duration::from_millis(20)).await.unwrap();
    }
}

/// Says what the environment of its process makes of a router: what the first message is, or how two handshakes are
/// refused and how often that is logged.
#[tokio::test]
#[ignore = "run by the next tests, in processes of its own"]
async fn say_what_a_router_does() {
    let log = LogLines::capture();
    let server = TestServer::new(router()).await;
    for path in ["/ws", "/ws/b"] {
        match server.connect(path).await {
            Ok(mut client) => {
                client.send_text("anybody?").await.unwrap();
                println!("first: {}", client.recv_text().await.unwrap());
            }
            Err(ClientError::Refused { status, body }) => println!("refused: {} {body}", status.as_u16()),
            Err(other) => panic!("{other}"),
        }
    }
    println!("errors logged: {}", log.with("ERROR").len());
    println!("try_router: {}", try_router().err().map_or("fine".to_owned(), |error| error.to_string()));
}

fn router_with(variables: &[(&str, Option<&str>)]) -> String {
    own_process::run("replay_files::say_what_a_router_does", variables)
}

/// M08: a router whose file is missing, or has mistakes, refuses every handshake with 500 and says why; it is logged
/// once.
#[test]
fn a_router_without_its_file_refuses_every_handshake() {
    let broken = file("{\"ts\":0,\"text\":\"fine\"}\n{\"ts\":0,\"texd\":\"a slip\"}");
    let broken = broken.path().to_str().unwrap();
    for (path, what) in [("no/such/file.jsonl", "no/such/file.jsonl".to_owned()), (broken, format!("{broken}:2:9"))] {
        let said = router_with(&[(FILE, Some(path))]);
        assert_eq!(said.matches("refused: 500 ").count(), 2, "{said}");
        assert!(said.matches(&what).count() >= 3, "{said}");
        assert!(said.contains("errors logged: 1\n"), "{said}");
        assert!(!said.contains("try_router: fine"), "{said}");
    }
    let mistaken = router_with(&[("MOCKFORGE_WS_HEARTBEAT_INTERVAL", Some("soon")), (FILE, None)]);
    assert_eq!(mistaken.matches("refused: 500 MOCKFORGE_WS_HEARTBEAT_INTERVAL=soon: ").count(), 2, "{mistaken}");
}

/// M14 in part: the environment chooses the file; without one, or with an empty name, there is an echo.
#[test]
fn the_environment_chooses_the_file() {
    let file = file(r#"{"ts":0,"text":"from the file"}"#);
    let playing = router_with(&[(FILE, file.path().to_str())]);
    assert_eq!(playing.matches("first: from the file\n").count(), 2, "{playing}");
    assert!(playing.contains("errors logged: 0\n") && playing.contains("try_router: fine\n"), "{playing}");
    for no_file in [None, Some("")] {
        let echo = router_with(&[(FILE, no_file)]);
        assert_eq!(echo.matches("first: echo: anybody?\n").count(), 2, "{echo}");
    }
}

/// M15: expansion is on unless the environment switches it off.
#[test]
fn the_environment_switches_templates_off() {
    let file = file(r#"{"ts":0,"text":"{{randInt 7 7}} sins"}"#);
    for (value, expected) in [
        (None, "7 sins"),
        (Some("1"), "7 sins"),
        (Some("true"), "7 sins"),
        (Some(""), "7 sins"),
        (Some("0"), "{{randInt 7 7}} sins"),
        (Some("FALSE"), "{{randInt 7 7}} sins"),
    ] {
        let said = router_with(&[(FILE, file.path().to_str()), (EXPAND, value)]);
        assert!(said.contains(&format!("first: {expected}\n")), "{value:?}: {said}");
    }
}
