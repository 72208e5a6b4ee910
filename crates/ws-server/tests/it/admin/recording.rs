//! Recordings that are begun and ended over the API.

use serde_json::{Value, json};
use ws_replay::ReplayScript;
use ws_server::WsServer;

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
    assert_eq!(har["log"]["entries"].as_array().unwrap().len(), 2);
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
