//! Tests that run on one server at the same time, each in a realm of its own.

mod ends;
mod isolation;
mod limits;
mod tags;
mod uploads;

use serde_json::Value;
use ws_core::{CloseFrame, WsMessage};
use ws_server::{TestRealm, WsServer};
use ws_testing::{TestClient, TestServer};

use crate::programmed::Programmed;
use crate::reloading::{PATIENCE, written};
use crate::serving::serve;

/// Serves a configuration, written as in files.
async fn serve_config(config: Value) -> TestServer {
    serve(WsServer::builder().config(written(config))).await
}

/// A client of a test.
async fn connect_to(server: &TestServer, test: &str, path: &str) -> TestClient {
    let client = TestClient::builder().patience(PATIENCE).header("x-mockforge-test", test);
    client.connect(&server.url_of(path)).await.unwrap()
}

/// What a client of a test is refused with, in words.
async fn refused(server: &TestServer, test: &str, path: &str) -> String {
    let client = TestClient::builder().patience(PATIENCE).header("x-mockforge-test", test);
    client.connect(&server.url_of(path)).await.unwrap_err().to_string()
}

fn test(server: &TestServer, id: &str) -> TestRealm {
    server.handle().unwrap().test(id).unwrap()
}

/// Rules that answer `who` with a name.
fn saying(name: &str) -> String {
    format!("rules: [{{ match: ^who$, response: {name} }}]")
}

/// Waits for the Close frame, over whatever else comes first.
async fn closed(client: &mut TestClient) -> CloseFrame {
    client.recv_close().await.unwrap().unwrap()
}

/// Joins the room `all` and tells everybody in it what it is told; `who` says the test, `members` how many there are.
fn in_a_room() -> Programmed {
    Programmed::new().on_connect(|ctx| Box::pin(async move { ctx.join_room("all").await })).on_message(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) if text == "who" => {
                    let test = ctx.test_id().unwrap_or("none").to_owned();
                    ctx.send_text(&test).await
                }
                WsMessage::Text(text) if text == "members" => {
                    let members = ctx.get_room_members("all").await.len();
                    ctx.send_text(&members.to_string()).await
                }
                WsMessage::Text(text) => ctx.broadcast_to_room("all", &text).await,
                _ => Ok(()),
            }
        })
    })
}
