//! The example `ws-handlers-demo`: echo and chat on one server.

use std::net::TcpListener;
use std::time::Duration;

use mockforge_ws::TestClient;
use serde_json::{Value, json};

use crate::program::{Program, cargo_run, why_not};

/// Long enough for what is on its way to arrive.
const QUIET: Duration = Duration::from_millis(300);

async fn demo() -> Program {
    Program::start("ws-handlers-demo", &[]).await
}

/// A client in the chat that has read its welcome.
async fn join_chat(demo: &Program) -> TestClient {
    let mut client = demo.connect("/ws/chat").await;
    let welcome = client.recv_json().await.unwrap();
    assert_eq!(welcome, json!({"type": "system", "message": "Welcome to chat! You're in room: general"}));
    client
}

async fn ask(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

async fn ask_json(client: &mut TestClient, request: Value) -> Value {
    client.send_json(&request).await.unwrap();
    client.recv_json().await.unwrap()
}

/// E01, E03: the echo is on /ws, the chat on /ws/chat, and neither is on the other's path.
#[tokio::test]
async fn echo_and_chat_share_a_server_and_no_path() {
    let demo = demo().await;
    let mut echo = demo.connect("/ws").await;
    // Sent before the welcome was read: the welcome is first all the same.
    echo.send_text("hello").await.unwrap();
    assert_eq!(echo.recv_text().await.unwrap(), "Welcome!");
    assert_eq!(echo.recv_text().await.unwrap(), "echo: hello");

    let mut chat = join_chat(&demo).await;
    assert_eq!(ask(&mut chat, "hello").await, "[general] hello");
    // What either would have sent besides would stand before these answers.
    assert_eq!(ask(&mut chat, "/rooms").await, "Current rooms: general");
    assert_eq!(ask(&mut echo, "/rooms").await, "echo: /rooms");
}

/// E01: without `MOCKFORGE_WS_PORT` it is port 3030. When that is taken, one line says so.
#[tokio::test]
async fn it_wants_port_3030_and_says_so_when_it_is_taken() {
    // If this fails, somebody else has the port: that does as well.
    let _taken = TcpListener::bind("127.0.0.1:3030");
    let said = why_not(cargo_run("ws-handlers-demo")).await;
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("error: cannot listen on port 3030: "), "{said}");
    assert!(said.contains("MOCKFORGE_WS_PORT"), "{said}");
}

/// A script with a mistake keeps it from starting, and the mistake is named.
#[tokio::test]
async fn a_broken_script_is_no_server() {
    let mut command = cargo_run("ws-handlers-demo");
    command.env("MOCKFORGE_WS_PORT", "0").env("MOCKFORGE_WS_REPLAY_FILE", "/nonexistent/x.jsonl");
    let said = why_not(command).await;
    assert!(said.starts_with("error: /nonexistent/x.jsonl: cannot be read: "), "{said}");
}

/// E02: the first room, `/join`, `/leave`, `/rooms`, `/msg` and lines without a command.
#[tokio::test]
async fn people_talk_by_lines() {
    let demo = demo().await;
    let mut alice = join_chat(&demo).await;
    let mut bob = join_chat(&demo).await;

    assert_eq!(ask(&mut alice, "/join lobby").await, "Joined room: lobby");
    assert_eq!(ask(&mut alice, "/rooms").await, "Current rooms: general, lobby");

    // Alice is in two rooms, bob in one of them.
    alice.send_text("/msg Hello everyone!").await.unwrap();
    alice.send_text("and good bye").await.unwrap();
    for said in ["Hello everyone!", "and good bye"] {
        for room in ["general", "lobby"] {
            assert_eq!(alice.recv_text().await.unwrap(), format!("[{room}] {said}"));
        }
        assert_eq!(bob.recv_text().await.unwrap(), format!("[general] {said}"));
    }
    bob.expect_silence(QUIET).await.unwrap();

    assert_eq!(ask(&mut alice, "/leave general").await, "Left room: general");
    assert_eq!(ask(&mut alice, "/rooms").await, "Current rooms: lobby");
    assert_eq!(ask(&mut alice, "only in the lobby").await, "[lobby] only in the lobby");
    bob.expect_silence(QUIET).await.unwrap();
}

/// E02: the same by JSON.
#[tokio::test]
async fn programs_talk_by_json() {
    let demo = demo().await;
    let mut alice = join_chat(&demo).await;
    let mut bob = join_chat(&demo).await;
    for client in [&mut alice, &mut bob] {
        let joined = ask_json(client, json!({"type": "join", "room": "lobby"})).await;
        let expected = json!({"type": "system", "message": "Joined room: lobby", "rooms": ["general", "lobby"]});
        assert_eq!(joined, expected);
    }

    let message = json!({"type": "message", "room": "lobby", "content": "hi"});
    alice.send_json(&message).await.unwrap();
    assert_eq!(alice.recv_json().await.unwrap(), message);
    assert_eq!(bob.recv_json().await.unwrap(), message);

    let left = ask_json(&mut bob, json!({"type": "leave", "room": "lobby"})).await;
    assert_eq!(left["rooms"], json!(["general"]));
    let rooms = ask_json(&mut alice, json!({"type": "rooms"})).await;
    assert_eq!(rooms["rooms"], json!(["general", "lobby"]));

    // Once more, and bob is not there any more. Without a room it is for all of them.
    assert_eq!(ask_json(&mut alice, message.clone()).await, message);
    let to_all = json!({"type": "message", "content": "all"});
    alice.send_json(&to_all).await.unwrap();
    assert_eq!(bob.recv_json().await.unwrap(), to_all);
}

/// E02: what cannot be done is answered, and the connection lives.
#[tokio::test]
async fn mistakes_are_answered() {
    let demo = demo().await;
    let mut client = join_chat(&demo).await;
    assert!(ask(&mut client, "/jion lobby").await.starts_with("Commands: /join ROOM"));
    assert!(ask(&mut client, "/join").await.starts_with("Commands: /join ROOM"));
    assert!(ask(&mut client, "/msg").await.starts_with("Commands: /join ROOM"));
    assert_eq!(ask(&mut client, "/leave nope").await, "You are not in room: nope");
    let left = ask_json(&mut client, json!({"type": "leave", "room": "nope"})).await;
    assert_eq!((&left["message"], &left["rooms"]), (&json!("You are not in room: nope"), &json!(["general"])));
    let unknown = ask_json(&mut client, json!({"type": "jion"})).await;
    assert_eq!(unknown["type"], "error");
    assert!(unknown["message"].as_str().unwrap().contains("expected one of `join`"), "{unknown}");
    let refused = ask(&mut client, &format!("/join {}", "x".repeat(10_000))).await;
    assert!(refused.starts_with("Room operation failed: "), "{refused}");
    ask(&mut client, "/leave general").await;
    assert!(ask(&mut client, "anybody?").await.starts_with("You are in no room"));
}
