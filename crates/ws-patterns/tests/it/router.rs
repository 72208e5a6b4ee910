//! `MessageRouter`: which route answers, and the router as a handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;
use ws_core::{Message, NoRooms, WsContext, WsHandler, WsMessage};
use ws_patterns::{MessagePattern, MessageRouter};

/// The router of programmable-handlers.md, word by word.
#[expect(clippy::uninlined_format_args, reason = "the document writes it so")]
fn documented() -> MessageRouter {
    let mut router = MessageRouter::new();

    router
        .on(MessagePattern::exact("ping"), |_| Some("pong".to_string()))
        .on(MessagePattern::regex(r"^hello").unwrap(), |_| Some("Hi there!".to_string()))
        .on(MessagePattern::jsonpath("$.action"), |msg| {
            // Handle JSON messages with 'action' field
            Some(format!("Received action: {}", msg))
        });

    router
}

/// P06.
#[test]
fn the_documented_router_answers_as_documented() {
    let router = documented();
    let cases = [
        ("ping", Some("pong")),
        ("hello you", Some("Hi there!")),
        (r#"{"action":1}"#, Some(r#"Received action: {"action":1}"#)),
        (r#"{"other":1}"#, None),
        ("pong", None),
    ];
    for (text, expected) in cases {
        assert_eq!(router.route(text).as_deref(), expected, "{text}");
    }
    assert_eq!(router.len(), 3);
    assert_eq!(format!("{router:?}"), r#"[Exact("ping"), Regex("^hello"), JsonPath("$.action")]"#);
}

/// P06.
#[test]
fn the_first_answer_wins_and_none_falls_through() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let mut router = MessageRouter::new();
    assert!(router.is_empty());
    assert_eq!(router.route("x"), None, "no route, no answer");
    router
        .on(MessagePattern::exact("never"), |_| panic!("asked though the pattern does not match"))
        .on(MessagePattern::any(), |_| None)
        .on(MessagePattern::regex("x").unwrap(), |text| Some(format!("first {text}")))
        .on(MessagePattern::any(), move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Some("last".to_owned())
        });
    assert_eq!(router.route("x").as_deref(), Some("first x"));
    assert_eq!(asked.load(Ordering::Relaxed), 0, "asked though there was an answer");
    assert_eq!(router.route("y").as_deref(), Some("last"));
    assert!(!router.is_empty());
}

/// P07; the row itself is tested over a socket where the server is.
#[tokio::test]
async fn a_router_is_a_handler_that_answers_text() {
    #[expect(clippy::disallowed_methods, reason = "the documents' recipe for unit tests")]
    let (tx, mut rx) = mpsc::unbounded_channel::<Message>();
    let mut ctx = WsContext::new("test-conn", "/ws/any", NoRooms, tx);
    let router = documented();
    assert!(router.handles_path("/ws/any"));
    let messages = [
        WsMessage::Text("ping".to_owned()),
        WsMessage::Text("nobody answers".to_owned()),
        WsMessage::Binary(b"ping".to_vec()),
        WsMessage::Ping(b"ping".to_vec()),
        WsMessage::Text("hello".to_owned()),
    ];
    for message in messages {
        router.on_message(&mut ctx, message).await.unwrap();
    }
    drop(ctx);
    let mut sent = vec![];
    while let Some(message) = rx.recv().await {
        sent.push(message);
    }
    assert_eq!(sent, [Message::text("pong"), Message::text("Hi there!")]);
}
