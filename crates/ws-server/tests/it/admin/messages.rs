//! The journal over HTTP: what was said, counting it, and waiting for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;
use ws_server::{AdminConfig, JournalConfig, WsConfig};

use super::Api;

fn texts(found: &Value) -> Vec<&str> {
    found["events"].as_array().unwrap().iter().map(|event| event["text"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn messages_are_found_and_counted() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws/a").await.unwrap();
    for text in ["one", "two", "three"] {
        client.send_text(text).await.unwrap();
        client.recv_text().await.unwrap();
    }
    assert_eq!(texts(&api.get("/messages?direction=inbound").await), ["one", "two", "three"]);
    let newest = api.get("/messages?direction=inbound&order=desc&limit=2").await;
    assert_eq!((texts(&newest), &newest["more"]), (vec!["three", "two"], &json!(true)));
    assert_eq!(texts(&api.get("/messages?pattern=%5Et&path=/ws/a&type=text").await), ["two", "three"]);
    assert_eq!(texts(&api.get("/messages?path=/ws/b").await), [""; 0]);
    let events = api.get("/messages?kind=open&kind=message&limit=2").await;
    assert_eq!((&events["events"][0]["kind"], &events["events"][1]["kind"]), (&json!("open"), &json!("message")));

    let filter = json!({ "direction": "outbound", "origin": "handler" });
    let found = api.post("/messages/find", json!({ "filter": filter, "limit": 1, "order": "desc" })).await;
    assert_eq!(texts(&found), ["echo: three"]);
    assert_eq!(api.post("/messages/count", json!({ "filter": filter })).await["count"], 3);
    let since = found["events"][0]["seq"].clone();
    assert_eq!(api.post("/messages/count", json!({ "filter": { "since": since } })).await["count"], 0);

    let deleted = api.ask("DELETE", "/messages", None).await.done()["deleted"].as_u64().unwrap();
    assert!(deleted >= 6, "{deleted}");
    assert_eq!(api.get("/messages").await["events"], json!([]));
}

#[tokio::test]
async fn filters_that_make_no_sense_are_refused_with_every_mistake() {
    let (api, _server) = Api::of_echo().await;
    let filter = json!({ "path": "ws", "pattern": "(", "from": "yesterday" });
    for path in ["find", "count", "wait"] {
        let detail =
            api.ask("POST", &format!("/messages/{path}"), Some(json!({ "filter": filter }))).await.problem(422);
        assert!(detail.contains("path: ") && detail.contains("pattern: ") && detail.contains("from: "), "{detail}");
    }
    api.ask("GET", "/messages?path=ws", None).await.problem(422);
    for query in ["direction=in", "kind=frame", "since=-1", "since=x", "nothing=1", "limit=1001", "order=up"] {
        api.ask("GET", &format!("/messages?{query}"), None).await.problem(400);
    }
}

#[tokio::test]
async fn a_wait_ends_with_the_message() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    let filter = json!({ "direction": "inbound", "pattern": "^order" });
    let wait = api.post("/messages/wait-for-count", json!({ "filter": filter, "count": 2, "timeout_ms": 60_000 }));
    let send = async {
        for text in ["order 1", "else", "order 2"] {
            client.send_text(text).await.unwrap();
            client.recv_text().await.unwrap();
        }
    };
    let (waited, ()) = tokio::join!(wait, send);
    assert_eq!((&waited["matched"], &waited["count"]), (&json!(true), &json!(2)));
    assert_eq!(texts(&waited), ["order 1", "order 2"]);
    // What is there counts.
    assert_eq!(api.post("/messages/wait", json!({ "filter": filter })).await["matched"], true);
    let waited = api.post("/messages/wait-for-count", json!({ "filter": filter, "count": 0, "timeout_ms": 0 })).await;
    assert_eq!(waited["matched"], true);
}

/// A wait that comes to nothing is no error, and says what came nearest.
#[tokio::test]
async fn a_wait_that_comes_to_nothing_says_what_came_nearest() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_json(&json!({ "type": "order", "item": "tea" })).await.unwrap();
    client.recv_text().await.unwrap();
    let filter = json!({ "direction": "inbound", "pattern": "$.item:\"coffee\"" });
    let waited = api.post("/messages/wait", json!({ "filter": filter, "timeout_ms": 1 })).await;
    assert_eq!((&waited["matched"], &waited["count"]), (&json!(false), &json!(0)));
    assert!(waited["nearest"][0]["difference"].as_str().unwrap().contains("tea"), "{waited}");
}

/// Nobody waits longer than the server lets them, and a shutdown ends all waits.
#[tokio::test]
async fn waits_are_bounded() {
    let admin = AdminConfig { longest_wait: Duration::from_millis(10), ..AdminConfig::default() };
    let (api, _server) = Api::of_config(WsConfig { admin, ..WsConfig::default() }).await;
    let begin = Instant::now();
    let waited = api.post("/messages/wait", json!({ "filter": {}, "timeout_ms": 3_600_000 })).await;
    assert_eq!(waited["matched"], false);
    assert!(begin.elapsed() < Duration::from_secs(60));

    let (api, server) = Api::of_echo().await;
    api.get("/openapi.json").await;
    let wait = api.ask("POST", "/messages/wait", Some(json!({ "filter": {}, "timeout_ms": 3_600_000 })));
    let stop = async {
        // The wait begins first: it is asked for on a socket that the server has taken by then.
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text("x").await.unwrap();
        client.recv_text().await.unwrap();
    };
    let (waited, ()) = tokio::join!(wait, stop);
    assert_eq!(waited.done()["matched"], true);
    let wait =
        api.ask("POST", "/messages/wait", Some(json!({ "filter": { "pattern": "never" }, "timeout_ms": 3_600_000 })));
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        timeout(Duration::from_secs(20), server.shutdown(Duration::from_secs(60))).await.expect("the server ends");
    };
    let (waited, ()) = tokio::join!(wait, stop);
    assert!(waited.problem(503).contains("shuts down"));
}

/// So many wait at once and no more; who has gone does not wait any longer.
#[tokio::test]
async fn those_who_wait_are_bounded() {
    let (api, _server) = Api::of_echo().await;
    let (api, mut waits) = (Arc::new(api), JoinSet::new());
    let ask = async |api: &Api, timeout_ms: u64| {
        let body = json!({ "filter": { "pattern": "never" }, "timeout_ms": timeout_ms }).to_string();
        api.send("POST", "/messages/wait", "Content-Type: application/json\r\n", &body).await
    };
    for _ in 0..=256 {
        let api = Arc::clone(&api);
        waits.spawn(async move { ask(&api, 60_000).await });
    }
    let refused = waits.join_next().await.unwrap().unwrap();
    assert_eq!(refused.response.headers["retry-after"], "1");
    refused.problem(503);
    assert!(waits.try_join_next().is_none(), "the others wait on");
    waits.shutdown().await;
    timeout(Duration::from_secs(20), async {
        while ask(&api, 0).await.status() == 503 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("there is a place again");
}

#[tokio::test]
async fn unmatched_messages_are_told_with_what_came_nearest() {
    let dir = tempfile::TempDir::new().unwrap();
    let rules = dir.path().join("rules.yaml");
    std::fs::write(&rules, "rules: [{ match: ^hello$, response: hi }]").unwrap();
    let (api, server) = Api::of_config(WsConfig { rules_file: Some(rules), ..WsConfig::default() }).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["hullo", "hello"] {
        client.send_text(text).await.unwrap();
    }
    assert_eq!(client.recv_text().await.unwrap(), "hi");
    let filter = json!({ "handled": "unmatched" });
    assert_eq!(api.post("/messages/wait", json!({ "filter": filter })).await["matched"], true);
    let unmatched = api.get("/unmatched").await;
    let unmatched = unmatched["unmatched"].as_array().unwrap();
    assert_eq!((unmatched.len(), &unmatched[0]["text"]), (1, &json!("hullo")));
    assert!(unmatched[0]["near_misses"][0]["expected_by"].as_str().unwrap().contains("rules.yaml"), "{unmatched:?}");
}

#[tokio::test]
async fn a_server_without_a_journal_says_so() {
    let journal = JournalConfig { enabled: false, ..JournalConfig::default() };
    let (api, _server) = Api::of_config(WsConfig { journal, ..WsConfig::default() }).await;
    for path in ["/messages", "/unmatched", "/events"] {
        assert!(api.ask("GET", path, None).await.problem(501).contains("journal.enabled"));
    }
    api.ask("POST", "/messages/wait", Some(json!({}))).await.problem(501);
}
