//! Starting a script on a connection that is open.

use serde_json::{Value, json};
use ws_core::handler_fn;
use ws_server::{WsConfig, WsServer};
use ws_testing::TestClient;

use super::{Api, serve_admin};
use crate::raw_client::RawClient;

const JSONL: &str = "Content-Type: application/x-ndjson\r\n";

/// Starts a script on the only open connection.
async fn play(api: &Api, script: &str) -> Value {
    let id = api.only_connection().await;
    api.ask_with("POST", &format!("/connections/{id}/play"), JSONL, script).await.done()
}

/// What is played on the only open connection.
async fn played(api: &Api) -> Value {
    let id = api.only_connection().await;
    api.get(&format!("/connections/{id}")).await["play"].clone()
}

async fn stop(api: &Api) {
    let id = api.only_connection().await;
    api.ask("DELETE", &format!("/connections/{id}/play"), None).await.done();
}

async fn put_rules(api: &Api, rules: &str) {
    api.ask_with("PUT", "/rules", "Content-Type: application/yaml\r\n", rules).await.done();
}

async fn answer(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

#[tokio::test]
async fn a_script_is_played_on_an_open_connection() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(answer(&mut client, "go").await, "echo: go");
    assert_eq!(played(&api).await, json!(null));
    let started = play(&api, "{\"text\":\"ready\"}\n{\"waitFor\":\"^go$\",\"text\":\"went\"}").await;
    assert_eq!(started, json!({ "entries": 2, "warnings": [], "replaced": false }));
    assert_eq!(client.recv_text().await.unwrap(), "ready");
    assert_eq!(played(&api).await, json!({ "state": "playing", "line": 2, "entries": 2 }));
    // What it does not wait for is answered as before, and what it takes goes no further.
    assert_eq!(answer(&mut client, "hello").await, "echo: hello");
    assert_eq!(answer(&mut client, "go").await, "went");
    assert_eq!(answer(&mut client, "go").await, "echo: go");
    assert_eq!(played(&api).await, json!({ "state": "ended", "line": null, "entries": 2 }));

    let filter = json!({ "origin": "replay" });
    assert_eq!(api.post("/messages/count", json!({ "filter": filter })).await["count"], 2);
    let taken = api.get("/messages?direction=inbound&handled=matched").await;
    assert_eq!(taken["events"][0]["matched_by"], "played script:2", "{taken}");
    assert_eq!(taken["events"].as_array().unwrap().len(), 1);
    let begun = api.get("/messages?kind=play").await;
    assert_eq!(begun["events"][0]["entries"], 2, "{begun}");
}

/// Guards stand in front of it, everybody else behind: registered handlers, scripts, uploads and modes.
#[tokio::test]
async fn it_stands_in_front_of_who_answers() {
    let registered = handler_fn(|ctx, message| {
        Box::pin(async move {
            match message {
                ws_core::WsMessage::Text(text) => ctx.send_text(&format!("registered: {text}")).await,
                _ => Ok(()),
            }
        })
    });
    let server = serve_admin(WsServer::builder().handler(registered)).await;
    let api = Api::of(&server);
    put_rules(&api, "rules: [{ match: ^go$, response: ruled }]").await;
    let mut client = server.connect("/ws").await.unwrap();
    play(&api, r#"{"waitFor":"^go$","text":"went"}"#).await;
    assert_eq!(answer(&mut client, "go").await, "went");
    assert_eq!(answer(&mut client, "go").await, "registered: go");
    assert_eq!(client.recv_text().await.unwrap(), "ruled");
}

#[tokio::test]
async fn a_second_script_takes_the_place_of_the_first() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    play(&api, "{\"text\":\"first\"}\n{\"waitFor\":\"^go$\",\"text\":\"first went\"}").await;
    assert_eq!(client.recv_text().await.unwrap(), "first");
    let second = play(&api, "{\"text\":\"second\"}\n{\"waitFor\":\"^go$\",\"text\":\"second went\"}").await;
    assert_eq!(second["replaced"], true);
    assert_eq!(client.recv_text().await.unwrap(), "second");
    assert_eq!(answer(&mut client, "go").await, "second went");
    assert_eq!(answer(&mut client, "go").await, "echo: go");
    assert_eq!(play(&api, r#"{"text":"third"}"#).await["replaced"], false);
    assert_eq!(client.recv_text().await.unwrap(), "third");
}

#[tokio::test]
async fn a_script_is_ended() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    stop(&api).await;
    play(&api, "{\"text\":\"ready\"}\n{\"waitFor\":\"^go$\",\"text\":\"went\"}").await;
    assert_eq!(client.recv_text().await.unwrap(), "ready");
    stop(&api).await;
    assert_eq!(played(&api).await, json!(null));
    assert_eq!(answer(&mut client, "go").await, "echo: go");
    api.ask("DELETE", "/connections/nobody/play", None).await.problem(404);
}

/// A script may close the connection, and what it plays ends with the connection.
#[tokio::test]
async fn a_script_closes_the_connection() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    play(&api, r#"{"text":"bye","close":true,"code":4001}"#).await;
    assert_eq!(client.recv_text().await.unwrap(), "bye");
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 4001);
}

#[tokio::test]
async fn what_cannot_be_played_changes_nothing() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws?mockforge-test=a").await.unwrap();
    let path = format!("/connections/{}/play", api.only_connection().await);
    let script = r#"{"waitFor":"^go$","text":"went"}"#;
    play(&api, script).await;
    let answer_of = async |path: &str, headers, text: &str| api.ask_with("POST", path, headers, text).await;
    answer_of("/connections/nobody/play", JSONL, script).await.problem(404);
    answer_of(&format!("{path}?test=b"), JSONL, script).await.problem(404);
    answer_of(&path, "Content-Type: application/xml\r\n", script).await.problem(415);
    answer_of(&path, JSONL, "").await.problem(400);
    let mistakes = answer_of(&path, JSONL, "{\"txt\":\"a\"}\n{\"text\":\"b\"}\n  {\"ts\":-1,\"text\":\"c\"}").await;
    let problem = mistakes.json();
    let places: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|it| (&it["line"], &it["column"])).collect();
    assert_eq!(places, [(&json!(1), &json!(2)), (&json!(3), &json!(9))], "{problem}");
    mistakes.problem(422);
    assert_eq!(answer(&mut client, "go").await, "went");
    answer_of(&format!("{path}?test=a"), JSONL, script).await.done();
}

/// A connection that says good-bye plays nothing any more.
#[tokio::test]
async fn a_closing_connection_plays_nothing() {
    let (api, server) = Api::of_echo().await;
    let client = RawClient::open(server.address(), "/ws").await;
    let id = api.only_connection().await;
    api.post(&format!("/connections/{id}/close"), json!({})).await;
    let answer = api.ask_with("POST", &format!("/connections/{id}/play"), JSONL, r#"{"text":"late"}"#).await;
    answer.problem(409);
    drop(client);
}

/// It begins when handlers are done with what they do; until then it can be taken back, as if it had never been.
#[tokio::test]
async fn it_begins_between_two_messages() {
    let release = std::sync::Arc::new(tokio::sync::Notify::new());
    let waiting = std::sync::Arc::clone(&release);
    let slow = handler_fn(move |ctx, _| {
        let waiting = std::sync::Arc::clone(&waiting);
        Box::pin(async move {
            ctx.send_text("one moment").await?;
            waiting.notified().await;
            ctx.send_text("done").await
        })
    });
    let server = serve_admin(WsServer::builder().handler(slow)).await;
    let api = Api::of(&server);
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(answer(&mut client, "x").await, "one moment");
    play(&api, r#"{"text":"never played"}"#).await;
    assert_eq!(played(&api).await, json!({ "state": "starting", "line": null, "entries": 1 }));
    stop(&api).await;
    assert_eq!(play(&api, r#"{"text":"nor this"}"#).await["replaced"], false);
    assert_eq!(play(&api, r#"{"text":"played"}"#).await["replaced"], true);
    release.notify_one();
    assert_eq!(client.recv_text().await.unwrap(), "done");
    assert_eq!(client.recv_text().await.unwrap(), "played");
}

/// A reload and uploads go on around it; a reset that keeps the connection ends it.
#[tokio::test]
async fn it_lives_through_reloads_and_not_through_a_reset() {
    let (api, server) = Api::of_config(WsConfig::default()).await;
    let mut client = server.connect("/ws").await.unwrap();
    play(
        &api,
        "{\"text\":\"ready\"}\n{\"waitFor\":\"^go$\",\"text\":\"went\"}\n{\"waitFor\":\"^go$\",\"text\":\"no\"}",
    )
    .await;
    assert_eq!(client.recv_text().await.unwrap(), "ready");
    put_rules(&api, "rules: [{ match: ^go|rule$, response: ruled }]").await;
    api.ask("POST", "/reload", None).await.done();
    assert_eq!(answer(&mut client, "rule").await, "ruled");
    assert_eq!(answer(&mut client, "go").await, "went");
    api.ask("POST", "/reset?keep=true", None).await.done();
    assert_eq!(played(&api).await, json!(null));
    assert_eq!(answer(&mut client, "go").await, "echo: go");
}
