//! Rooms, and broadcasting to them.

use serde_json::json;
use ws_core::{HandlerResult, WsContext, WsHandler, WsMessage};
use ws_server::WsServer;

use super::{Api, serve_admin};

/// Joins what it is told.
struct Joining;

#[async_trait::async_trait]
impl WsHandler for Joining {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        if let WsMessage::Text(room) = msg {
            ctx.join_room(&room).await?;
            ctx.send_text("joined").await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn rooms_are_listed_and_reached() {
    let server = serve_admin(WsServer::builder().handler(Joining)).await;
    let api = Api::of(&server);
    assert_eq!(api.get("/rooms").await, json!({ "rooms": [] }));
    let mut clients = Vec::new();
    for rooms in [&["a/../b", "z"][..], &["z"], &[]] {
        let mut client = server.connect("/ws").await.unwrap();
        for room in rooms {
            client.send_text(room).await.unwrap();
            client.recv_text().await.unwrap();
        }
        clients.push(client);
    }
    let room = |name: &str, members: usize| json!({ "name": name, "test": null, "members": members });
    assert_eq!(api.get("/rooms").await["rooms"], json!([room("a/../b", 1), room("z", 2)]));
    assert_eq!(api.get("/rooms?limit=1").await["rooms"], json!([room("a/../b", 1)]));
    let first = api.get("/connections").await["connections"][0].clone();
    assert_eq!(first["rooms"], json!(["a/../b", "z"]));
    assert_eq!(api.get("/rooms/members?room=a%2F..%2Fb").await["members"], json!([first["id"]]));
    assert_eq!(api.get("/rooms/members?room=nowhere").await["members"], json!([]));
    api.ask("GET", "/rooms/members", None).await.problem(400);

    let reached = api.post("/rooms/broadcast", json!({ "room": "z", "message": { "text": "to z" } })).await;
    assert_eq!(reached, json!({ "sent": 2, "full": 0, "closed": 0 }));
    let body = json!({ "filter": { "room": "a/../b" }, "message": { "text": "to a" } });
    assert_eq!(api.post("/connections/send", body).await["sent"], 1);
    assert_eq!(
        api.post("/connections/send", json!({ "filter": {}, "message": { "text": "to all" } })).await["sent"],
        3
    );
    let expected = [&["to z", "to a", "to all"][..], &["to z", "to all"], &["to all"]];
    for (client, expected) in clients.iter_mut().zip(expected) {
        for text in expected {
            assert_eq!(client.recv_text().await.unwrap(), *text);
        }
    }
    // What was sent so is told as ours.
    let sent = api.get("/messages?origin=admin").await;
    assert_eq!(sent["events"].as_array().unwrap().len(), 6, "{sent}");
}
