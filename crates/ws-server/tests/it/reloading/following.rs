//! Files and configurations that change: new connections get the new, and open ones what they may.

use std::net::SocketAddr;

use serde_json::{Value, json};
use ws_core::Message;
use ws_server::{WsConfig, WsServer};

use super::{Files, Live, connect, written};
use crate::raw_client::{RawClient, handshake};
use crate::scrape::{ERRORS, TOTAL, value};
use crate::serving::serve;
use crate::talking::{hear, say};

/// L03: new rules answer the next message of an open connection; what it and its room remember stays.
#[tokio::test]
async fn an_open_connection_is_answered_by_new_rules() {
    let files = Files::new();
    let old = "
rules:
  - match: ^NAME (.+)$
    room: all
    set: { name: '{{1}}' }
    set_room: { visits: '{{room.visits + 1}}' }
    response: 'old {{state.name}}'";
    let rules = files.write("rules.yaml", old);
    let live = Live::start(json!({ "rules_file": rules })).await;
    let mut open = live.connect("/ws").await;
    say(&mut open, "NAME Ann", &["old Ann"]).await;

    files.write("rules.yaml", "rules: [{ match: ^who$, room: all, response: 'new {{state.name}} {{room.visits}}' }]");
    let report = live.reload().await.unwrap();
    assert_eq!(report.changed, [rules.display().to_string()]);
    assert!(report.needs_restart.is_empty() && report.warnings.is_empty(), "{report:?}");
    assert_eq!(live.server.handle().unwrap().last_reload(), Some(Ok(report)));
    say(&mut open, "NAME Bob", &[]).await;
    say(&mut open, "who", &["new Ann 1"]).await;
    let mut new = live.connect("/ws").await;
    say(&mut new, "who", &["new  1"]).await;
    assert_eq!(value(&live.server, TOTAL), 2.0);
    assert_eq!(live.reloads("ok"), 1.0);
}

/// L03: rules that were not there before answer open connections, and when they are gone there is the echo again.
#[tokio::test]
async fn rules_may_come_and_go() {
    let files = Files::new();
    let rules = files.write("rules.yaml", "rules: [{ match: ^a$, response: rule }]");
    let live = Live::start(json!({})).await;
    let mut open = live.connect("/ws/deep").await;
    say(&mut open, "a", &["echo: a"]).await;
    live.becomes(json!({ "paths": [{ "path": "/ws/deep", "rules_file": rules }] })).await;
    say(&mut open, "a", &["rule"]).await;
    live.becomes(json!({ "raw_echo": true })).await;
    say(&mut open, "a", &["a"]).await;
    assert_eq!(value(&live.server, ERRORS), 0.0);
}

/// L03: a schema is a file of the rules that name it.
#[tokio::test]
async fn a_new_schema_decides_the_next_message() {
    let files = Files::new();
    files.write("number.json", r#"{ "type": "number" }"#);
    let rules = "
rules:
  - { match: { schema_file: number.json }, response: valid }
  - { response: invalid }";
    let rules = files.write("rules.yaml", rules);
    let live = Live::start(json!({ "rules_file": rules })).await;
    let mut open = live.connect("/ws").await;
    say(&mut open, "1", &["valid"]).await;
    let schema = files.write("number.json", r#"{ "type": "string" }"#);
    let report = live.reload().await.unwrap();
    assert_eq!(report.changed, [schema.display().to_string()]);
    say(&mut open, "1", &["invalid"]).await;
    say(&mut open, r#""x""#, &["valid"]).await;
}

/// L03: new connections get the new replay file.
#[tokio::test]
async fn a_new_script_plays_to_new_connections() {
    let files = Files::new();
    let script = files.write("hello.jsonl", r#"{"text":"old"}"#);
    // Without a source, the configuration stays, and the files that it names are read again.
    let config = WsConfig { replay_file: Some(script.clone()), ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config)).await;
    hear(&mut connect(&server, "/ws").await, &["old"]).await;
    files.write("hello.jsonl", r#"{"text":"new"}"#);
    let report = server.handle().unwrap().reload().await.unwrap();
    assert_eq!(report.changed, [script.display().to_string()]);
    hear(&mut connect(&server, "/ws").await, &["new"]).await;
}

async fn status(server: SocketAddr, target: &str) -> u16 {
    RawClient::connect(server).await.request(&handshake(target)).await.status.as_u16()
}

/// L03: paths come and go with the configuration, also those outside of `/ws`.
#[tokio::test]
async fn paths_come_and_go() {
    let files = Files::new();
    let script = files.write("hello.jsonl", r#"{"text":"hello"}"#);
    let live = Live::start(json!({})).await;
    let address = live.server.address();
    assert_eq!(status(address, "/graphql").await, 404);
    live.becomes(json!({ "paths": [
        { "path": "/graphql", "replay_file": script },
        { "path": "/ws/closed", "handshake": [{ "refuse": { "status": 401 } }] },
    ] }))
    .await;
    let mut open = live.connect("/graphql").await;
    hear(&mut open, &["hello"]).await;
    assert_eq!(status(address, "/ws/closed").await, 401);
    live.becomes(json!({})).await;
    assert_eq!(status(address, "/graphql").await, 404);
    assert_eq!(status(address, "/ws/closed").await, 101);
    // Who is in stays in.
    open.send(Message::Ping(vec![1].into())).await.unwrap();
    assert_eq!(open.recv().await.unwrap(), Some(Message::Pong(vec![1].into())));
}

/// L03: limits, sizes and subprotocols are for new connections; those of an open one are decided at its handshake.
#[tokio::test]
async fn a_connection_keeps_what_its_handshake_decided() {
    let live = Live::start(json!({})).await;
    let mut open = live.connect("/ws").await;
    say(&mut open, "before", &["echo: before"]).await;
    let strict = json!({
        "max_message_size": 10,
        "rate_limit": { "messages": 1, "per_ms": 3_600_000, "over": "close" },
        "server_rate_limit": { "messages": 1_000, "per_ms": 3_600_000, "over": "close" },
        "subprotocols": { "require": ["v2"] },
        "allowed_origins": ["http://localhost"],
        "conditions": { "faults": [{ "fault": "close", "code": 4001, "reason": "", "matching": "^fault$", "direction": "in" }] },
    });
    live.becomes(strict).await;

    say(&mut open, "a long message, and no limit", &["echo: a long message, and no limit"]).await;

    let mut new = live.connect("/ws").await;
    new.send_text("a long message").await.unwrap();
    assert_eq!(new.recv_close().await.unwrap().unwrap().code, 1009);
    let mut new = live.connect("/ws").await;
    new.send_text("fault").await.unwrap();
    assert_eq!(new.recv_close().await.unwrap().unwrap().code, 4001);
    let mut new = live.connect("/ws").await;
    say(&mut new, "one", &["echo: one"]).await;
    new.send_text("two").await.unwrap();
    assert_eq!(new.recv_close().await.unwrap().unwrap().code, 1008);
    let url = live.server.url();
    let offering = ws_testing::TestClient::builder().subprotocols("v1").connect(&url).await;
    assert!(offering.unwrap_err().to_string().contains("400"));
    let elsewhere = ws_testing::TestClient::builder().header("origin", "http://elsewhere").connect(&url).await;
    assert!(elsewhere.unwrap_err().to_string().contains("403"));

    live.becomes(json!({})).await;
    let mut new = live.connect("/ws").await;
    say(&mut new, "fault", &["echo: fault"]).await;
    say(&mut open, "after", &["echo: after"]).await;
}

/// L03: what the network does, it does to open connections, too.
#[tokio::test]
async fn open_connections_come_under_new_conditions() {
    let live = Live::start(json!({})).await;
    let mut open = live.connect("/ws").await;
    say(&mut open, "lost", &["echo: lost"]).await;
    let losing = json!({ "faults": [{ "fault": "drop", "matching": "^lost$", "direction": "in" }] });
    live.becomes(json!({ "conditions": losing })).await;
    open.send_text("lost").await.unwrap();
    say(&mut open, "found", &["echo: found"]).await;
    live.becomes(json!({})).await;
    say(&mut open, "lost", &["echo: lost"]).await;
}

/// What a running server cannot change is named, and stays; the rest is taken.
#[tokio::test]
async fn what_needs_a_restart_is_named() {
    let files = Files::new();
    let live = Live::start(json!({ "max_connections": 2 })).await;
    let other = json!({
        "host": "0.0.0.0",
        "port": 4000,
        "max_connections": 1,
        "record": { "file": files.path("never.jsonl") },
        "slow_member": "skip",
        "tls": { "self_signed": true },
        "raw_echo": true,
    });
    let report = live.becomes(other.clone()).await;
    let expected = ["host", "port", "max_connections", "record", "slow_member", "tls"];
    assert_eq!(report.needs_restart, expected);
    let (mut one, mut other_one) = (live.connect("/ws").await, live.connect("/ws").await);
    say(&mut one, "x", &["x"]).await;
    say(&mut other_one, "x", &["x"]).await;
    assert!(live.server.connect("/ws").await.unwrap_err().to_string().contains("503"));
    assert!(!files.path("never.jsonl").exists());
    assert!(live.server.handle().unwrap().url().starts_with("ws://"));
    // It is still so when something else changes.
    let Value::Object(mut fields) = other else { unreachable!() };
    fields.remove("raw_echo");
    assert_eq!(live.becomes(Value::Object(fields)).await.needs_restart, expected);
    say(&mut one, "x", &["echo: x"]).await;
    assert!(live.becomes(json!({ "max_connections": 2 })).await.needs_restart.is_empty());
}

/// A reload that finds nothing new says so, and one that finds another configuration does not.
#[tokio::test]
async fn nothing_new_is_told_apart_from_something_new() {
    let live = Live::start(json!({})).await;
    let report = live.reload().await.unwrap();
    assert!(report.changed.is_empty(), "{report:?}");
    assert_eq!((live.reloads("unchanged"), live.reloads("ok")), (1.0, 0.0));
    // No file says so: the program's own source does.
    let report = live.becomes(json!({ "raw_echo": true })).await;
    assert_eq!(report.changed, ["the configuration"]);
    assert_eq!((live.reloads("unchanged"), live.reloads("ok")), (1.0, 1.0));
    live.set(written(json!({ "raw_echo": true })));
    assert!(live.reload().await.unwrap().changed.is_empty());
}
