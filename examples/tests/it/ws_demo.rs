//! The script `ws-demo.jsonl`, and how it shares a connection with handlers.

use std::path::Path;

use mockforge_ws::{CheckReport, Message, TestClient, WsConfig, WsServer};
use serde_json::Value;

use crate::program::Program;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ws-demo.jsonl");

#[test]
fn it_has_no_mistake_and_no_doubt() {
    let report = CheckReport::of_file(Path::new(SCRIPT));
    assert!(report.passed(), "{report}");
    assert!(!report.to_string().contains("warning"), "{report}");
}

/// Sends `text` and reads up to the answer that starts with `start`, past what handlers say.
async fn send_and_wait(client: &mut TestClient, text: &str, start: &str) -> String {
    client.send_text(text).await.unwrap();
    wait_for(client, start).await
}

async fn wait_for(client: &mut TestClient, start: &str) -> String {
    loop {
        match client.recv().await.unwrap().unwrap() {
            Message::Text(text) if text.starts_with(start) => return text.into(),
            Message::Text(text) if text.starts_with("echo: ") => {}
            Message::Ping(_) => {}
            other => panic!("{other:?} came before {start}"),
        }
    }
}

/// Goes through the whole shop, as somebody who types what it asks for.
async fn shop(client: &mut TestClient) {
    wait_for(client, "Welcome to the tea shop. Your session is ").await;
    wait_for(client, "Who are you?").await;
    let hello = send_and_wait(client, "I am Ann", "Hello ").await;
    assert!(hello.starts_with("Hello Ann. ") && !hello.contains("{{"), "{hello}");

    wait_for(client, "What would you like?").await;
    let order = r#"{"order": {"item": "green tea", "cups": 2}}"#;
    let offer: Value = serde_json::from_str(&send_and_wait(client, order, "{").await).unwrap();
    assert_eq!((&offer["item"], &offer["cups"]), (&"green tea".into(), &2.into()), "{offer}");

    wait_for(client, "Do you want it?").await;
    let accepted: Value = serde_json::from_str(&send_and_wait(client, r#"{"action": "confirm"}"#, "{").await).unwrap();
    assert_eq!(accepted["type"], "accepted");
    for kind in ["progress", "progress", "served"] {
        let event: Value = serde_json::from_str(&wait_for(client, "{").await).unwrap();
        assert_eq!(event["type"], kind);
    }
    assert_eq!(client.recv_binary().await.unwrap(), "\u{1f375}".as_bytes());

    wait_for(client, "Type exactly: thank you").await;
    send_and_wait(client, "thank you", "You are welcome.").await;
    send_and_wait(client, "bye", "Goodbye!").await;
    let close = loop {
        match client.recv().await.unwrap().unwrap() {
            Message::Close(frame) => break frame.unwrap(),
            Message::Text(text) if text.starts_with("echo: ") => {}
            other => panic!("{other:?} came before the Close frame"),
        }
    };
    assert_eq!((close.code, &*close.reason), (4000, "the shop is closed"));
}

/// The script alone, as `mockforge serve --ws-replay-file` plays it.
#[tokio::test]
async fn it_plays_from_the_first_line_to_the_last() {
    let config = WsConfig { port: 0, replay_file: Some(SCRIPT.into()), ..WsConfig::default() };
    let server = WsServer::builder().config(config).build().unwrap().serve().await.unwrap();
    shop(&mut TestClient::connect(&server.url()).await.unwrap()).await;
}

/// C01, C02: handlers answer what comes in, and the script plays, on one connection.
#[tokio::test]
async fn it_plays_beside_the_handlers_of_the_demo() {
    let demo = Program::start("ws-handlers-demo", &[("MOCKFORGE_WS_REPLAY_FILE", "examples/ws-demo.jsonl")]).await;

    let mut echo = demo.connect("/ws").await;
    assert_eq!(echo.recv_text().await.unwrap(), "Welcome!");
    let mut both = Vec::new();
    echo.send_text("hello").await.unwrap();
    while both.len() < 3 {
        both.push(echo.recv_text().await.unwrap());
    }
    assert!(both.iter().any(|text| text == "echo: hello"), "{both:?}");
    assert!(both.iter().any(|text| text.starts_with("Welcome to the tea shop.")), "{both:?}");
    assert!(both.iter().any(|text| text.starts_with("Who are you?")), "{both:?}");

    // From the beginning to the end, with the echo in between.
    let mut customer = demo.connect("/ws").await;
    assert_eq!(customer.recv_text().await.unwrap(), "Welcome!");
    shop(&mut customer).await;

    let mut chat = demo.connect("/ws/chat").await;
    assert_eq!(chat.recv_json().await.unwrap()["type"], "system");
    wait_for(&mut chat, "Welcome to the tea shop.").await;
}
