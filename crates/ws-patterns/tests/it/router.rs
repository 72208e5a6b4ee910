//! `MessageRouter`: which route answers, and the router as a handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;
use ws_core::engine::{SessionContext, outbound_queue};
use ws_core::{
    Connection, Extensions, Handshake, Message, NoRooms, QueueLimits, Unmatched, WsContext, WsHandler, WsMessage,
};
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

/// A route that is added later is asked too, though the patterns were indexed before.
#[test]
fn routes_may_be_added_after_messages_came() {
    let mut router = MessageRouter::new();
    router.on(MessagePattern::exact("a"), |_| Some("first".to_owned()));
    assert_eq!(router.route("b"), None);
    router.on(MessagePattern::exact("b"), |_| Some("second".to_owned()));
    assert_eq!(router.route("b").as_deref(), Some("second"));
    assert_eq!(router.route("a").as_deref(), Some("first"));
}

/// What the observers of a session are told of one message.
async fn unmatched_of(router: &MessageRouter, message: WsMessage, taken_before: bool) -> (bool, Option<Unmatched>) {
    let handshake = Handshake::new("/ws", http::HeaderMap::new(), None);
    let connection = Arc::new(Connection::new(handshake, None, Extensions::default()));
    let (sender, _queue) = outbound_queue(QueueLimits::default());
    let mut context = SessionContext::new(connection, Arc::new(NoRooms), sender);
    if taken_before {
        context.view().mark_matched();
    }
    router.on_message(context.view(), message).await.unwrap();
    let matched = context.view().is_matched();
    (matched, context.take_unmatched())
}

#[tokio::test]
async fn a_router_says_what_it_took_and_what_came_near() {
    let mut router = documented();
    router.on(MessagePattern::regex("^maybe").unwrap(), |_| None);
    let text = |text: &str| WsMessage::Text(text.to_owned());

    assert_eq!(unmatched_of(&router, text("ping"), false).await, (true, None));

    let (matched, unmatched) = unmatched_of(&router, text("helo you"), false).await;
    let unmatched = unmatched.unwrap();
    assert!(!matched);
    assert_eq!(unmatched.message, Message::text("helo you"));
    let nearest = &unmatched.near_misses[0];
    assert_eq!(nearest.to_string(), "route `^hello`: expected text that starts with `hello`, found \"helo you\"");
    assert!(nearest.closeness > 0.6 && unmatched.near_misses.len() == 4, "{unmatched:?}");

    // A route that matches but has no answer did not take it.
    let (matched, unmatched) = unmatched_of(&router, text("maybe"), false).await;
    assert!(!matched && unmatched.unwrap().near_misses.iter().all(|miss| !miss.expected_by.contains("maybe")));

    // Others took it, or it is nothing that routes look at.
    assert_eq!(unmatched_of(&router, text("helo"), true).await, (true, None));
    assert_eq!(unmatched_of(&router, WsMessage::Binary(b"helo".to_vec()), false).await, (false, None));
}
