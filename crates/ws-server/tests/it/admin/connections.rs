//! Looking at connections, and doing something to them.

use serde_json::json;

use ws_core::{Message, handler_fn};
use ws_server::WsServer;
use ws_testing::TestClient;

use super::{Api, serve_admin};
use crate::eventually::eventually;
use crate::raw_client::{Frame, RawClient};

#[tokio::test]
async fn open_connections_are_listed() {
    let (api, server) = Api::of_echo().await;
    assert_eq!(api.get("/connections").await, json!({ "connections": [], "total": 0 }));
    let url = server.url_of("/ws/chat?token=secret");
    let mut client = TestClient::builder().subprotocols("v1, v2").connect(&url).await.unwrap();
    client.send_text("hello").await.unwrap();
    client.recv_text().await.unwrap();
    let _other = server.connect("/ws").await.unwrap();

    let listed = api.get("/connections").await;
    assert_eq!(listed["total"], 2);
    let first = &listed["connections"][0];
    assert_eq!(
        (&first["path"], &first["subprotocol"], &first["test"]),
        (&json!("/ws/chat"), &json!("v1"), &json!(null))
    );
    assert_eq!(first["received"], json!({ "frames": 1, "bytes": 5 }));
    assert_eq!(first["sent"], json!({ "frames": 1, "bytes": 11 }));
    assert!(first["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(first["opened_at"].as_str().unwrap().ends_with('Z'));
    assert!(!listed.to_string().contains("secret"));
    let id = first["id"].as_str().unwrap();
    let one = api.get(&format!("/connections/{id}")).await;
    assert_eq!(one["id"], first["id"]);

    let some = api.get("/connections?path=/ws/*").await;
    assert_eq!((&some["total"], &some["connections"][0]["id"]), (&json!(1), &first["id"]));
    let some = api.get("/connections?limit=1").await;
    assert_eq!((some["connections"].as_array().unwrap().len(), &some["total"]), (1, &json!(2)));
    api.ask("GET", "/connections/nobody", None).await.problem(404);
}

#[tokio::test]
async fn messages_are_sent_to_a_connection() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    let path = format!("/connections/{}/send", api.only_connection().await);
    for (message, expected) in [
        (json!({ "text": "grüß" }), Message::text("grüß")),
        (json!({ "base64": "AAH/" }), Message::binary(vec![0, 1, 255])),
        (json!({ "json": { "b": 1, "a": null } }), Message::text(r#"{"b":1,"a":null}"#)),
        (json!({ "json": null }), Message::text("null")),
    ] {
        assert_eq!(api.post(&path, message).await, json!({ "sent": 1 }));
        assert_eq!(client.recv().await.unwrap(), Some(expected));
    }
    api.ask("POST", "/connections/nobody/send", Some(json!({ "text": "x" }))).await.problem(404);
}

#[tokio::test]
async fn messages_are_sent_to_all_that_fit() {
    let (api, server) = Api::of_echo().await;
    let mut one = server.connect("/ws/one").await.unwrap();
    let mut two = server.connect("/ws/two").await.unwrap();
    let send = async |filter, text: &str| {
        api.post("/connections/send", json!({ "filter": filter, "message": { "text": text } })).await
    };
    assert_eq!(send(json!({}), "all").await, json!({ "sent": 2, "full": 0, "closed": 0 }));
    assert_eq!(send(json!({ "path": "/ws/one" }), "one").await["sent"], 1);
    let id = api.get("/connections?path=/ws/two").await["connections"][0]["id"].clone();
    assert_eq!(send(json!({ "ids": [id, "nobody"] }), "two").await["sent"], 1);
    assert_eq!(send(json!({ "ids": [id], "path": "/ws/one" }), "nobody").await["sent"], 0);
    assert_eq!(send(json!({ "room": "nowhere" }), "nobody").await["sent"], 0);
    for (client, own) in [(&mut one, "one"), (&mut two, "two")] {
        assert_eq!(client.recv_text().await.unwrap(), "all");
        assert_eq!(client.recv_text().await.unwrap(), own);
    }
}

#[tokio::test]
async fn a_connection_is_closed() {
    let (api, server) = Api::of_echo().await;
    for (body, expected) in [
        (None, (1000, String::new())),
        (Some(json!({})), (1000, String::new())),
        (Some(json!({ "code": 4001, "reason": "go" })), (4001, "go".to_owned())),
        (Some(json!({ "code": 1001, "reason": "ä".repeat(100) })), (1001, "ä".repeat(61))),
    ] {
        let mut client = server.connect("/ws").await.unwrap();
        let path = format!("/connections/{}/close", api.only_connection().await);
        assert_eq!(api.ask("POST", &path, body).await.done(), json!({ "closing": true }));
        let frame = client.recv_close().await.unwrap().unwrap();
        assert_eq!((frame.code, frame.reason.to_string()), expected);
        drop(client);
        none_is_open(&server).await;
    }
    let _client = server.connect("/ws").await.unwrap();
    let path = format!("/connections/{}/close", api.only_connection().await);
    api.ask("POST", &path, Some(json!({ "code": 1005 }))).await.problem(422);
    api.ask("POST", &path, Some(json!({ "code": 999 }))).await.problem(422);
}

/// Waits until the server knows that every client is gone.
async fn none_is_open(server: &ws_testing::TestServer) {
    crate::scrape::all_ended(server).await;
}

/// However much waits for a client that does not read, a fault and an end take effect at once.
#[tokio::test]
async fn a_connection_is_broken_at_once() {
    let flooding = handler_fn(|ctx, _| {
        Box::pin(async move {
            loop {
                ctx.send_text(&"x".repeat(100_000)).await?;
            }
        })
    });
    let server = serve_admin(WsServer::builder().handler(flooding)).await;
    let api = Api::of(&server);
    for broken in ["drop", "reset", "disconnect"] {
        let mut client = RawClient::open(server.address(), "/ws").await;
        client.send(Frame::text("flood")).await;
        let id = api.only_connection().await;
        let sent = async || api.get(&format!("/connections/{id}")).await["sent"]["frames"].as_u64().unwrap();
        // It stands still: the client does not read.
        let mut before = 0;
        while before == 0 || sent().await != before {
            before = sent().await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        if broken == "drop" {
            api.ask("DELETE", &format!("/connections/{id}"), None).await.done();
        } else {
            let answer = api.post(&format!("/connections/{id}/fault"), json!({ "fault": broken })).await;
            assert_eq!(answer, json!({ "fault": broken }));
        }
        none_is_open(&server).await;
        assert_eq!(api.get("/connections").await["total"], 0, "{broken}");
    }
}

#[tokio::test]
async fn faults_are_what_they_say() {
    let (api, server) = Api::of_echo().await;
    let mut client = RawClient::open(server.address(), "/ws").await;
    let path = format!("/connections/{}/fault", api.only_connection().await);
    api.ask("POST", &path, Some(json!({ "fault": "reset", "code": 1000 }))).await.problem(422);
    api.ask("POST", &path, Some(json!({ "fault": "nothing" }))).await.problem(422);
    api.post(&path, json!({ "fault": "close", "code": 1006, "reason": "x" })).await;
    assert_eq!(client.recv_close().await, Some(1006));
    drop(client);
    none_is_open(&server).await;

    let mut client = RawClient::open(server.address(), "/ws").await;
    let path = format!("/connections/{}/fault", api.only_connection().await);
    api.post(&path, json!({ "fault": "half_open" })).await;
    client.send(Frame::text("is anybody there?")).await;
    // It stays, and nothing is answered: what comes next is the reset, not an echo.
    let id = api.only_connection().await;
    assert_eq!(api.get(&format!("/connections/{id}")).await["sent"]["frames"], 0);
    client.reset();
    eventually("the connection has ended", || crate::scrape::value(&server, crate::scrape::ACTIVE) == 0.0).await;
}
