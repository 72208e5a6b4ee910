//! Whoever takes a message says so by a name.

use ws_patterns::{MessagePattern, MessageRouter};

use super::*;
use crate::answering::{answer, play_and_answer};
use crate::talking::hear;

/// By whom the messages were taken, in order.
async fn takers(server: &TestServer, count: u64) -> Vec<String> {
    let waited = wait_for(server, json!({ "handled": "matched" }), count).await;
    let name = |event| serde_json::to_value(event).unwrap()["matched_by"].as_str().unwrap().to_owned();
    waited.events.iter().map(name).collect()
}

#[tokio::test]
async fn rules_by_file_line_and_name() {
    let server =
        answer("rules:\n  - { name: greet, match: hello, response: hi }\n  - { match: bye, response: bye }\n").await;
    let mut client = server.connect("/ws").await.unwrap();
    say(&mut client, "hello", &["hi"]).await;
    say(&mut client, "bye", &["bye"]).await;
    let takers = takers(&server, 2).await;
    assert!(takers[0].ends_with(".yaml:2: greet"), "{takers:?}");
    assert!(takers[1].ends_with(".yaml:3"), "{takers:?}");
    wait_for(&server, json!({ "matched_by": "greet" }), 1).await;
}

#[tokio::test]
async fn machines_by_their_names() {
    let machine = r#"
machines:
  door:
    initial: closed
    states:
      closed: { on: [{ match: ^open$, to: open, response: opened }] }
      open: {}"#;
    let server = answer(machine).await;
    let mut client = server.connect("/ws").await.unwrap();
    say(&mut client, "open", &["opened"]).await;
    let takers = takers(&server, 1).await;
    assert!(takers[0].ends_with(".yaml: machine door"), "{takers:?}");
}

/// The wait of a script, and rules beside it.
#[tokio::test]
async fn waits_by_file_and_line() {
    let script =
        "{\"text\":\"hello\"}\n{\"waitFor\":\"^go$\",\"text\":\"gone\"}\n{\"waitFor\":\"^never$\",\"text\":\"\"}";
    let server = play_and_answer(WsServer::builder(), script, "rules: [{ match: ^rule$, response: by rule }]").await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &["hello"]).await;
    say(&mut client, "rule", &["by rule"]).await;
    say(&mut client, "go", &["gone"]).await;
    let takers = takers(&server, 2).await;
    assert!(takers[0].ends_with(".yaml:1"), "{takers:?}");
    assert!(takers[1].ends_with(".jsonl:2"), "{takers:?}");
}

#[tokio::test]
async fn routes_by_their_patterns() {
    let mut router = MessageRouter::new();
    router.on(MessagePattern::exact("ping"), |_| Some("pong".to_owned()));
    let server = serve_handler(router).await;
    let mut client = server.connect("/ws").await.unwrap();
    say(&mut client, "ping", &["pong"]).await;
    let takers = takers(&server, 1).await;
    assert!(takers[0].starts_with("route `") && takers[0].contains("ping"), "{takers:?}");
}

#[cfg(feature = "js")]
#[tokio::test]
async fn scripts_by_their_files() {
    let source = "export function onMessage(ctx, msg) { ctx.markMatched(); ctx.send('yes'); }";
    let (_files, live) = crate::scripted::serve(&[("taker.js", source)]).await;
    // Answers go out while the script still runs; a client that left then would cut it short.
    let mut client = live.connect("/ws").await;
    say(&mut client, "x", &["yes"]).await;
    assert_eq!(takers(&live.server, 1).await, ["taker.js"]);
}
