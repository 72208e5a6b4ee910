//! The journal of a server: what it tells of what clients did.

mod matched_by;
mod million;
mod modes;

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use ws_conditions::Conditions;
use ws_core::{HandlerError, HandshakeDecision, Message, Refusal, WsMessage};
use ws_replay::{RecordOptions, Redaction};
use ws_server::{EventFilter, EventName, Journal, JournalConfig, JournalQuery, Waited, WsConfig, WsServer};
use ws_testing::{TestClient, TestServer};

use crate::programmed::Programmed;
use crate::raw_client::{RawClient, handshake};
use crate::reloading::{Files, Live};
use crate::serving::{serve, serve_handler};
use crate::talking::say;

/// How long anything may take; it costs only where a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn journal(server: &TestServer) -> &Journal {
    server.handle().unwrap().journal().unwrap()
}

/// A query as requests have it.
fn query(filter: Value) -> JournalQuery {
    serde_json::from_value::<EventFilter>(filter).unwrap().compile(None).unwrap()
}

/// Waits until there are so many events like that.
async fn wait_for(server: &TestServer, filter: Value, count: u64) -> Waited {
    let waited = journal(server).wait_for(&query(filter.clone()), count, PATIENCE).await;
    assert!(waited.matched, "{filter}: {waited:?}");
    waited
}

/// Waits for one event of this kind; gives back what it says.
async fn told(server: &TestServer, kind: EventName) -> Value {
    let waited = wait_for(server, json!({ "kind": [kind] }), 1).await;
    serde_json::to_value(&waited.events[0]).unwrap()
}

/// From the handshake to the end, in the order in which it happened, without secrets.
#[tokio::test]
async fn a_session_is_told_from_its_beginning_to_its_end() {
    let server = serve(WsServer::builder()).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut client = TestClient::builder()
        .header("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01"))
        .header("Authorization", "Bearer SECRET")
        .header("Cookie", "session=SECRET")
        .subprotocols("v2, v1")
        .connect(&server.url_of("/ws/chat?token=SECRET&room=lobby"))
        .await
        .unwrap();
    say(&mut client, "hello", &["echo: hello"]).await;
    client.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(client.recv_binary().await.unwrap(), [1, 2]);
    client.close(4000, "done").await.unwrap();

    let all = json!({ "kind": ["open", "message", "end"] });
    wait_for(&server, json!({ "kind": ["end"] }), 1).await;
    let events = journal(&server).find(&query(all)).await.events;
    assert!(!format!("{events:?}").contains("SECRET"), "{events:?}");
    let events: Vec<_> = events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], number as u64 + 1);
        assert_eq!(event["connection"], events[0]["connection"]);
        assert_eq!((&event["path"], &event["trace_id"]), (&json!("/ws/chat"), &json!(trace)));
    }
    let open = &events[0];
    assert_eq!((&open["subprotocol"], &open["query"]), (&json!("v2"), &json!("token=[redacted]&room=lobby")));
    assert_eq!(open["headers"]["authorization"], "[redacted]");
    assert!(open["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{open}");
    let messages: Vec<_> = events[1..events.len() - 1]
        .iter()
        .map(|event| {
            assert_eq!(event["handled_us"].is_null(), event["handled"].is_null());
            json!([
                event["direction"],
                event["origin"],
                event["number"],
                event["type"],
                event["text"],
                event["handled"]
            ])
        })
        .collect();
    assert_eq!(
        messages,
        [
            json!(["inbound", "client", 1, "text", "hello", "answered"]),
            json!(["outbound", "handler", 1, "text", "echo: hello", null]),
            json!(["inbound", "client", 2, "binary", null, "answered"]),
            json!(["outbound", "handler", 2, "binary", null, null]),
            json!(["inbound", "client", 3, "close", null, null]),
        ]
    );
    let end = &events[events.len() - 1];
    assert_eq!((&end["status"], &end["code"], &end["reason"]), (&json!("client_close"), &json!(4000), &json!("done")));
}

/// Handshakes that come to nothing, with an answer and without.
#[tokio::test]
async fn refused_handshakes_are_told() {
    let conditions: Conditions =
        serde_json::from_str(r#"{ "faults": [{ "fault": "drop_handshake", "connections": 1 }] }"#).unwrap();
    let forbidding = Programmed::new().on_handshake(|handshake| {
        Ok(match handshake.path() {
            "/ws/forbidden" => HandshakeDecision::Refuse(Refusal::new(StatusCode::FORBIDDEN)),
            _ => HandshakeDecision::Pass,
        })
    });
    let server = serve(WsServer::builder().conditions(conditions).handler(forbidding)).await;
    TestClient::connect(&server.url()).await.unwrap_err();
    // No WebSocket handshake at all: a browser that looks at the address.
    let looked = RawClient::connect(server.address()).await.request("GET /ws HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(looked.status, StatusCode::UPGRADE_REQUIRED);
    let refused = RawClient::connect(server.address()).await.request(&handshake("/ws/forbidden")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let waited = wait_for(&server, json!({ "kind": ["refused"] }), 2).await;
    let refused: Vec<_> = waited.events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert_eq!((&refused[0]["status"], &refused[0]["path"]), (&Value::Null, &json!("/ws")));
    assert_eq!((&refused[1]["status"], &refused[1]["path"]), (&json!(403), &json!("/ws/forbidden")));
    assert!(refused.iter().all(|event| event["connection"].is_null()));
}

#[tokio::test]
async fn faults_and_errors_are_told() {
    let conditions: Conditions =
        serde_json::from_str(r#"{ "faults": [{ "fault": "disconnect", "direction": "in", "matching": "^crash$" }] }"#)
            .unwrap();
    let failing = Programmed::new().on_message(|ctx, msg| {
        Box::pin(async move {
            if msg == WsMessage::Text("fail".into()) {
                return Err(HandlerError::Generic("on purpose".into()));
            }
            ctx.send(msg).await
        })
    });
    let server = serve(WsServer::builder().conditions(conditions).handler(failing)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("fail").await.unwrap();
    let error = told(&server, EventName::Error).await;
    assert!(error["text"].as_str().unwrap().contains("on purpose"), "{error}");
    client.send_text("crash").await.unwrap();
    assert_eq!(told(&server, EventName::Fault).await["name"], "disconnect");
    wait_for(&server, json!({ "kind": ["end"] }), 1).await;
}

/// What nobody takes is told with what came nearest; the message itself says so, too.
#[tokio::test]
async fn what_nobody_takes_is_told_with_what_came_nearest() {
    let server = crate::answering::answer("rules: [{ name: greet, match: ^hello$, response: hi }]").await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("helo").await.unwrap();
    say(&mut client, "hello", &["hi"]).await;
    let unmatched = told(&server, EventName::Unmatched).await;
    assert_eq!((&unmatched["number"], &unmatched["text"]), (&json!(1), &json!("helo")));
    assert!(unmatched["near_misses"][0]["expected_by"].as_str().unwrap().ends_with(":1: greet"), "{unmatched}");
    let missed = wait_for(&server, json!({ "handled": "unmatched" }), 1).await;
    assert_eq!(missed.events[0].text(), Some("helo"));
}

/// Reloads, whether they come to something or not.
#[tokio::test]
async fn reloads_are_told() {
    let files = Files::new();
    files.write("rules.yaml", "rules: [{ match: a, response: b }]");
    let live = Live::start(json!({ "rules_file": files.path("rules.yaml") })).await;
    let handle = live.server.handle().unwrap();
    files.write("rules.yaml", "rules: [{ match: a, response: c }]");
    handle.reload().await.unwrap();
    files.write("rules.yaml", "rules: 7");
    handle.reload().await.unwrap_err();
    let waited = wait_for(&live.server, json!({ "kind": ["reload"] }), 2).await;
    let told: Vec<_> = waited.events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(told[0]["outcome"], "ok");
    assert!(told[0]["changed"][0].as_str().unwrap().ends_with("rules.yaml"), "{}", told[0]);
    assert_eq!(told[1]["outcome"], "failed");
    assert!(told[1]["errors"][0].as_str().unwrap().contains("rules.yaml:1"), "{}", told[1]);
}

/// It is as large as the configuration says, or not there at all.
#[tokio::test]
async fn the_configuration_says_how_large_it_is() {
    let none = JournalConfig { enabled: false, ..JournalConfig::default() };
    let server = serve(WsServer::builder().config(WsConfig { journal: none, ..WsConfig::default() })).await;
    assert!(server.handle().unwrap().journal().is_none());
    say(&mut server.connect("/ws").await.unwrap(), "x", &["echo: x"]).await;

    let config: WsConfig = serde_json::from_value(json!({ "journal": { "events": 3, "body": "1 KiB" } })).unwrap();
    let server = serve(WsServer::builder().config(config)).await;
    let mut client = server.connect("/ws").await.unwrap();
    let long = "x".repeat(2_000);
    for text in ["1", "2", "3", &long] {
        say(&mut client, text, &[&format!("echo: {text}")]).await;
    }
    let found = journal(&server).find(&query(json!({ "direction": "inbound" }))).await;
    let sizes: Vec<_> = found.events.iter().map(|event| event.text().unwrap().len()).collect();
    assert_eq!((sizes, found.evicted), (vec![1, 1, 1024], 2));
    for bad in [json!({ "events": 0 }), json!({ "bytes": "a lot" }), json!({ "size": 1 })] {
        assert!(serde_json::from_value::<WsConfig>(json!({ "journal": bad })).is_err(), "{bad}");
    }
}

/// What is not to be recorded is not told either.
#[tokio::test]
async fn what_recordings_redact_is_not_told() {
    let dir = tempfile::tempdir().unwrap();
    let redact = vec![Redaction::jsonpath("$.password").unwrap()];
    let record = RecordOptions { redact, ..RecordOptions::to(dir.path().join("session.jsonl")) };
    let server = serve(WsServer::builder().config(WsConfig { record: Some(record), ..WsConfig::default() })).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text(r#"{"password":"SECRET"}"#).await.unwrap();
    client.recv_text().await.unwrap();
    let waited = wait_for(&server, json!({ "direction": "inbound" }), 1).await;
    assert_eq!(waited.events[0].text(), Some(r#"{"password":"[redacted]"}"#));
}

/// Who waits is woken by what comes, and a message counts before its handler is done with it.
#[tokio::test]
async fn a_wait_ends_with_the_message() {
    let server = serve_handler(Programmed::new().on_message(|_, _| Box::pin(std::future::pending()))).await;
    let mut client = server.connect("/ws").await.unwrap();
    let wait = wait_for(&server, json!({ "pattern": "$.type:\"order\"", "direction": "inbound" }), 2);
    let (waited, ()) = tokio::join!(wait, async {
        for n in 0..3 {
            client.send_json(&json!({ "type": "order", "n": n })).await.unwrap();
        }
    });
    assert!(waited.events[0].text().unwrap().contains("\"n\":0"), "{waited:?}");
    let handled = journal(&server).count(&query(json!({ "handled": "ignored" }))).await;
    assert_eq!(handled.count, 0);
}
