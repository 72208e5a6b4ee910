//! Looking at connections, and doing something to them.

use serde_json::json;

use ws_core::{Message, handler_fn};
use ws_server::{WsConfig, WsServer};
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
    let all = json!({ "message": { "text": "really all" } });
    assert_eq!(api.post("/connections/send", all).await["sent"], 2);
    for (client, own) in [(&mut one, "one"), (&mut two, "two")] {
        assert_eq!(client.recv_text().await.unwrap(), "all");
        assert_eq!(client.recv_text().await.unwrap(), own);
        assert_eq!(client.recv_text().await.unwrap(), "really all");
    }
}

#[tokio::test]
async fn a_connection_is_closed() {
    let (api, server) = Api::of_echo().await;
    for (body, expected) in [
        (None, (1000, String::new())),
        (Some(json!({})), (1000, String::new())),
        (Some(json!({ "code": 4001, "reason": "go" })), (4001, "go".to_owned())),
        (Some(json!({ "code": 1001, "reason": "ä".repeat(61) })), (1001, "ä".repeat(61))),
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
    let fault = path.replace("/close", "/fault");
    for (path, body) in
        [(&path, json!({ "reason": "ä".repeat(62) })), (&fault, json!({ "fault": "close", "reason": "ä".repeat(62) }))]
    {
        let detail = api.ask("POST", path, Some(body)).await.problem(422);
        assert!(detail.contains("124 bytes") && detail.contains("123"), "{detail}");
    }
    api.ask("POST", &path, Some(json!({ "code": 1005 }))).await.problem(422);
    api.ask("POST", &path, Some(json!({ "code": 999 }))).await.problem(422);
}

/// Waits until the server knows that every client is gone.
async fn none_is_open(server: &ws_testing::TestServer) {
    crate::scrape::all_ended(server).await;
}

/// While a client leaves a Close frame unanswered, nothing more can be done to its connection but to end it.
#[tokio::test]
async fn a_connection_that_closes_takes_nothing_more() {
    let (api, server) = Api::of_echo().await;
    let mut client = RawClient::open(server.address(), "/ws").await;
    let of_it = format!("/connections/{}", api.only_connection().await);
    api.ask("POST", &format!("{of_it}/close"), None).await.done();
    assert_eq!(client.recv_close().await, Some(1000));
    for (action, body) in
        [("send", json!({ "text": "x" })), ("close", json!({})), ("fault", json!({ "fault": "half_open" }))]
    {
        let detail = api.ask("POST", &format!("{of_it}/{action}"), Some(body)).await.problem(409);
        assert!(detail.contains("closing"), "{action}: {detail}");
    }
    let to_all = json!({ "filter": {}, "message": { "text": "x" } });
    assert_eq!(api.post("/connections/send", to_all).await, json!({ "sent": 0, "full": 0, "closed": 1 }));
    api.ask("DELETE", &of_it, None).await.done();
    none_is_open(&server).await;
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
        // There is no room for what the handler waits to send, nor for as much again.
        let more = json!({ "text": "x".repeat(100_000) });
        api.ask("POST", &format!("/connections/{id}/send"), Some(more.clone())).await.problem(503);
        let to_all = json!({ "filter": {}, "message": more });
        assert_eq!(api.post("/connections/send", to_all).await, json!({ "sent": 0, "full": 1, "closed": 0 }));
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

/// Who made a connection half-open gets rid of it, whatever its client does; until then it is said what it is.
#[tokio::test]
async fn a_half_open_connection_is_ended() {
    let (api, server) = Api::of_echo().await;
    let mut client = RawClient::open(server.address(), "/ws").await;
    let path = format!("/connections/{}", api.only_connection().await);
    assert_eq!(api.get(&path).await["state"], "open");
    let fault = format!("{path}/fault");
    api.post(&fault, json!({ "fault": "half_open" })).await;
    while api.get(&path).await["state"] != "half_open" {
        tokio::task::yield_now().await;
    }
    for (what, body) in [("send", json!({ "text": "x" })), ("close", json!({})), ("fault", json!({ "fault": "reset" }))]
    {
        let detail = api.ask("POST", &format!("{path}/{what}"), Some(body)).await.problem(409);
        assert!(detail.contains("half-open") && detail.contains("DELETE"), "{what}: {detail}");
    }
    api.ask("DELETE", &path, None).await.done();
    none_is_open(&server).await;
    assert_eq!(client.recv().await, None);
}

/// A client that never answers our Close frame is not waited for by who ends its connection.
#[tokio::test]
async fn a_closing_connection_is_ended() {
    let config = WsConfig { close_timeout: std::time::Duration::from_secs(3600), ..WsConfig::default() };
    let (api, server) = Api::of_config(config).await;
    let mut client = RawClient::open(server.address(), "/ws").await;
    let path = format!("/connections/{}", api.only_connection().await);
    api.post(&format!("{path}/close"), json!({})).await;
    assert_eq!(client.recv_close().await, Some(1000));
    while api.get(&path).await["state"] != "closing" {
        tokio::task::yield_now().await;
    }
    api.ask("DELETE", &path, None).await.done();
    none_is_open(&server).await;
}
