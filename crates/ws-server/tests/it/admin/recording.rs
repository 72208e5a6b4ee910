//! Recordings that are begun and ended over the API.

use serde_json::{Value, json};
use ws_replay::{RecordOptions, Redaction, ReplayScript};
use ws_server::{WsConfig, WsServer};
use ws_testing::TestClient;

use super::{Api, serve_admin};

#[tokio::test]
async fn what_is_said_while_a_recording_runs_is_read_from_it() {
    let server = serve_admin(WsServer::builder()).await;
    let api = Api::of(&server);
    let none = api.get("/recording").await;
    assert_eq!((&none["running"], &none["started_at"]), (&json!(false), &Value::Null));
    api.ask("POST", "/recording/stop", None).await.problem(409);
    api.ask("GET", "/recording/download", None).await.problem(409);

    let mut early = server.connect("/ws/early").await.unwrap();
    early.send_text("before").await.unwrap();
    early.recv_text().await.unwrap();
    assert_eq!(api.post("/recording/start", Value::Null).await["running"], true);
    api.ask("POST", "/recording/start", None).await.problem(409);
    let mut late = server.connect("/ws/late").await.unwrap();
    for (client, text) in [(&mut early, "one"), (&mut late, "two")] {
        client.send_text(text).await.unwrap();
        client.recv_text().await.unwrap();
    }
    let stopped = api.post("/recording/stop", Value::Null).await;
    assert_eq!((&stopped["connections"], &stopped["entries"]), (&json!(2), &json!(4)), "{stopped}");
    early.send_text("after").await.unwrap();
    early.recv_text().await.unwrap();
    assert_eq!(api.get("/recording").await, stopped);

    let text = api.ask("GET", "/recording/download", None).await.response.body;
    let script = ReplayScript::parse(&text, "recording.jsonl").unwrap();
    assert_eq!(script.summary().entries, 4, "{text}");
    for (part, is_there) in
        [("one", true), ("echo: two", true), ("/ws/early", true), ("before", false), ("after", false)]
    {
        assert_eq!(text.contains(part), is_there, "{part}: {text}");
    }
    let har: Value =
        serde_json::from_str(&api.ask("GET", "/recording/download?format=har", None).await.response.body).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    // They were recorded on this server, whatever its port is.
    assert_eq!(entries[0]["request"]["url"], format!("ws://{}/ws/early", server.address()));
    api.ask("GET", "/recording/download?format=pcap", None).await.problem(400);

    // What the last one left is gone.
    api.post("/recording/start", Value::Null).await;
    assert_eq!(api.get("/recording").await["entries"], 0);
}

#[tokio::test]
async fn a_recording_of_a_test_has_its_connections_alone() {
    let server = serve_admin(WsServer::builder()).await;
    let api = Api::of(&server);
    api.post("/recording/start?test=mine", Value::Null).await;
    for path in ["/ws/mine?mockforge-test=mine", "/ws/other?mockforge-test=other", "/ws/none"] {
        let mut client = server.connect(path).await.unwrap();
        client.send_text("hello").await.unwrap();
        client.recv_text().await.unwrap();
    }
    assert_eq!(api.post("/recording/stop", Value::Null).await["connections"], 1);
    let text = api.ask("GET", "/recording/download", None).await.response.body;
    assert!(text.contains("/ws/mine") && !text.contains("mockforge-test"), "{text}");
}

/// What the configuration wants redacted is told by nobody here: no recording, no journal, no list.
#[tokio::test]
async fn what_is_redacted_is_told_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let redact = vec![Redaction::regex(r"\d{16}").unwrap().with("(card)")];
    let record = Some(RecordOptions { redact, ..RecordOptions::to(folder.path().join("all.jsonl")) });
    let server = serve_admin(WsServer::builder().config(WsConfig { record, ..WsConfig::default() })).await;
    let api = Api::of(&server);
    api.post("/recording/start", Value::Null).await;
    let card = "1234567812345678";
    let client = TestClient::builder().header("x-card", card);
    let mut client = client.connect(&server.url_of(&format!("/ws/{card}?card={card}"))).await.unwrap();
    client.send_text(card).await.unwrap();
    client.recv_text().await.unwrap();
    let id = api.only_connection().await;
    api.post("/recording/stop", Value::Null).await;
    for path in
        ["/connections", &format!("/connections/{id}"), "/messages?kind=open&kind=message", "/recording/download"]
    {
        let told = api.ask("GET", path, None).await.response.body;
        assert!(told.contains("(card)") && !told.contains(card), "{path}: {told}");
    }
    let one = api.get(&format!("/connections/{id}")).await;
    assert_eq!((&one["query"], &one["headers"]["x-card"]), (&json!("card=(card)"), &json!("(card)")), "{one}");
}
