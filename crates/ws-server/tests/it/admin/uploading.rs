//! Tests that run at the same time, and what each brings along.

use serde_json::json;
use ws_testing::{TestClient, TestServer};

use super::Api;
use crate::talking::say;

async fn put(api: &Api, path: &str, text: &str) -> serde_json::Value {
    api.ask_with("PUT", path, "Content-Type: application/yaml\r\n", text).await.done()
}

async fn ask(server: &TestServer, path: &str, text: &str) -> String {
    let mut client = server.connect(path).await.unwrap();
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

#[tokio::test]
async fn a_test_has_rules_and_a_journal_of_its_own() {
    let (api, server) = Api::of_echo().await;
    for id in ["a", "b"] {
        let rules = format!("rules: [{{ match: ^ping$, response: pong of {id} }}]");
        let applied = put(&api, &format!("/rules?test={id}"), &rules).await["applied"].clone();
        assert_eq!(
            (&applied["entries"], &applied["warnings"], &applied["open_connections"]),
            (&json!(1), &json!([]), &json!(0))
        );
        let uploaded = api.get(&format!("/rules?test={id}")).await;
        assert_eq!((&uploaded["uploaded"], &uploaded["files"]), (&json!({ "text": rules }), &json!([])));
        assert_eq!(uploaded["rules"][0]["id"], "rule-1");
    }
    assert_eq!(ask(&server, "/ws?mockforge-test=a", "ping").await, "pong of a");
    assert_eq!(ask(&server, "/ws?mockforge-test=b", "ping").await, "pong of b");
    assert_eq!(ask(&server, "/ws", "ping").await, "echo: ping");
    let inbound = json!({ "filter": { "direction": "inbound" } });
    for (query, count) in [("?test=a", 1), ("?mockforge-test=b", 1), ("", 1), ("?test=*", 3)] {
        assert_eq!(api.post(&format!("/messages/count{query}"), inbound.clone()).await["count"], count, "{query}");
        let found = api
            .get(&format!(
                "/messages{}direction=inbound",
                if query.is_empty() { "?".to_owned() } else { format!("{query}&") }
            ))
            .await;
        assert_eq!(found["events"].as_array().unwrap().len(), count, "{found}");
    }
    // Each forgets its own.
    api.ask("DELETE", "/messages?test=a", None).await.done();
    assert_eq!(api.post("/messages/count?test=*", inbound).await["count"], 2);
    api.ask("DELETE", "/rules?test=a", None).await.done();
    assert_eq!(api.get("/rules?test=a").await["uploaded"], json!(null));
    assert_eq!(ask(&server, "/ws?mockforge-test=a", "ping").await, "echo: ping");
    assert_eq!(ask(&server, "/ws?mockforge-test=b", "ping").await, "pong of b");
}

#[tokio::test]
async fn mistakes_in_uploads_are_named_with_their_places() {
    let (api, _server) = Api::of_echo().await;
    let text = "rules:\n  - match: (\n    response: x\n  - mtach: y\n    response: y\n";
    let answer = api.ask_with("PUT", "/rules", "Content-Type: application/yaml\r\n", text).await;
    let problem = answer.json();
    assert_eq!((&problem["errors"][0]["line"], &problem["errors"][1]["line"]), (&json!(2), &json!(4)), "{problem}");
    answer.problem(422);
    // An upload names no file.
    let text = r#"{"waitFor": {"schema_file": "../../etc/passwd"}}"#;
    api.ask_with("PUT", "/replay", "Content-Type: application/x-ndjson\r\n", text).await.problem(422);
    api.ask_with("PUT", "/rules", "Content-Type: application/xml\r\n", "<rules/>").await.problem(415);
    let faults = json!({ "faults": [{ "fault": "reset", "probability": 7 }] });
    let problem = api.ask("PUT", "/conditions", Some(faults)).await.problem(422);
    assert!(problem.contains("faults[0].probability"), "{problem}");
    assert_eq!(api.get("/rules").await["uploaded"], json!(null));
    assert_eq!(api.get("/conditions").await, json!({ "uploaded": null }));
}

#[tokio::test]
async fn a_script_and_conditions_of_handshakes_are_for_connections_that_come() {
    let (api, server) = Api::of_echo().await;
    let mut open = server.connect("/ws").await.unwrap();
    let applied = put(&api, "/replay", r#"{"text": "welcome"}"#).await["applied"].clone();
    assert_eq!((&applied["entries"], &applied["open_connections"]), (&json!(1), &json!(1)));
    assert!(applied["applies_to"].as_str().unwrap().contains("from now on"));
    assert_eq!(server.connect("/ws").await.unwrap().recv_text().await.unwrap(), "welcome");
    open.send_text("x").await.unwrap();
    assert_eq!(open.recv_text().await.unwrap(), "echo: x");
    api.ask("DELETE", "/replay", None).await.done();

    let refusing = json!({ "faults": [{ "fault": "refuse", "status": 418 }] });
    assert_eq!(api.ask("PUT", "/conditions?reconnect=true", Some(refusing)).await.done()["applied"]["entries"], 1);
    assert_eq!(open.recv_close().await.unwrap().unwrap().code, 1012);
    assert!(server.connect("/ws").await.is_err());
    assert_eq!(api.get("/conditions").await["uploaded"]["faults"][0]["status"], 418);
    api.ask("DELETE", "/conditions", None).await.done();
    server.connect("/ws").await.unwrap();
}

/// What the network does to messages, it does to those of open connections, too.
#[tokio::test]
async fn open_connections_come_under_new_conditions() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    let mut other = server.connect("/ws?mockforge-test=t").await.unwrap();
    let dropping = json!({ "faults": [{ "fault": "drop", "matching": "^lost$", "direction": "in" }] });
    let applied = api.ask("PUT", "/conditions", Some(dropping)).await.done()["applied"].clone();
    assert!(applied["applies_to"].as_str().unwrap().contains("all connections"), "{applied}");
    client.send_text("lost").await.unwrap();
    say(&mut client, "x", &["echo: x"]).await;
    say(&mut other, "lost", &["echo: lost"]).await;
    api.ask("DELETE", "/conditions", None).await.done();
    say(&mut client, "lost", &["echo: lost"]).await;
}

#[tokio::test]
async fn tests_begin_and_end() {
    let (api, server) = Api::of_echo().await;
    // Looking for a test does not make it.
    api.ask("GET", "/tests/a", None).await.problem(404);
    api.ask("POST", "/reset?test=a", None).await.problem(404);
    assert_eq!(api.get("/messages?test=a").await["events"], json!([]));
    assert_eq!(api.get("/rules?test=a").await["uploaded"], json!(null));
    api.ask("DELETE", "/rules?test=a", None).await.done();
    api.ask("DELETE", "/messages?test=a", None).await.done();
    assert_eq!(api.get("/tests").await, json!({ "tests": [] }));

    let mut client = server.connect("/ws?mockforge-test=a").await.unwrap();
    let test =
        json!({ "id": "a", "connections": 1, "uploaded": { "rules": false, "replay": false, "conditions": false } });
    assert_eq!(api.get("/tests").await, json!({ "tests": [test] }));
    assert_eq!(api.get("/tests/a?test=a").await, test);
    api.ask("GET", "/tests/a?test=b", None).await.problem(404);
    let id = api.only_connection().await;
    assert_eq!(api.get("/connections").await["total"], 0);
    assert_eq!(api.get(&format!("/connections/{id}")).await["test"], "a");
    api.ask("GET", &format!("/connections/{id}?test=b"), None).await.problem(404);

    api.ask("POST", "/reset?test=a&keep=true", None).await.done();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: x");
    let closed = async { client.recv_close().await.unwrap().unwrap() };
    let (ended, frame) = tokio::join!(api.ask("DELETE", "/tests/a?test=a", None), closed);
    ended.done();
    assert_eq!((frame.code, &*frame.reason), (1001, "the test ended"));
    // Whoever cleans up twice, or what was never begun, has done nothing wrong.
    for id in ["a", "never"] {
        api.ask("DELETE", &format!("/tests/{id}"), None).await.done();
    }
    api.ask("DELETE", "/tests/a?test=b", None).await.problem(404);
    // Who waits may be earlier than who connects.
    let wait = api.post("/messages/wait?test=b", json!({ "filter": {}, "timeout_ms": 60_000 }));
    let send = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        ask(&server, "/ws?mockforge-test=b", "x").await
    };
    assert_eq!(tokio::join!(wait, send).0["matched"], true);
}

#[tokio::test]
async fn the_server_is_reset() {
    let (api, server) = Api::of_echo().await;
    put(&api, "/rules", "rules: [{ match: x, response: y }]").await;
    let mut client = server.connect("/ws").await.unwrap();
    let mut other = server.connect("/ws?mockforge-test=a").await.unwrap();
    client.send_text("x, before").await.unwrap();
    client.recv_text().await.unwrap();
    api.ask("POST", "/reset", None).await.done();
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1012);
    let before = json!({ "filter": { "pattern": "before" } });
    assert_eq!(api.post("/messages/count", before).await["count"], 0);
    assert_eq!(api.get("/rules").await["uploaded"], json!(null));
    assert_eq!(ask(&server, "/ws", "x").await, "echo: x");
    other.send_text("I am still here").await.unwrap();
    assert_eq!(other.recv_text().await.unwrap(), "echo: I am still here");
}

/// Who is refused in the name of a test is in its journal, if it is there.
#[tokio::test]
async fn who_is_refused_is_in_the_journal_of_its_test() {
    let (api, server) = Api::of_echo().await;
    let _mine = server.connect("/ws?mockforge-test=a").await.unwrap();
    for path in ["/ws?mockforge-test=a", "/ws?mockforge-test=unknown"] {
        let foreign = TestClient::builder().header("origin", "https://evil.example");
        assert!(foreign.connect(&server.url_of(path)).await.unwrap_err().to_string().contains("403"));
    }
    for query in ["kind=refused&test=a", "kind=refused"] {
        let found = api.get(&format!("/messages?{query}")).await;
        assert_eq!(
            (found["events"].as_array().unwrap().len(), &found["events"][0]["status"]),
            (1, &json!(403)),
            "{found}"
        );
    }
}
