//! Who answers on which path.

use std::sync::Arc;

use ws_core::{HandlerRegistry, Message};
use ws_patterns::{MessagePattern, MessageRouter};
use ws_rooms::RoomManager;
use ws_server::{Scope, WsConfig, WsServer, router};
use ws_testing::TestServer;

use crate::programmed::Programmed;
use crate::scrape::{self, ACTIVE, TOTAL};
use crate::serving::{serve, serve_handler};

/// H06: `handles_path` chooses by the whole path; each path gets only its own handlers.
#[tokio::test]
async fn each_path_has_its_own_handlers() {
    let builder = WsServer::builder()
        .handler(Programmed::at("/ws").welcoming("root").answering("root: "))
        .handler(Programmed::at("/ws/chat").welcoming("chat").answering("chat: "))
        .handler(Programmed::at("/ws/a/b").welcoming("nested").answering("nested: "));
    let server = serve(builder).await;
    for (path, name) in [("/ws", "root"), ("/ws/chat", "chat"), ("/ws/a/b", "nested")] {
        let mut client = server.connect(path).await.unwrap();
        client.send_text("x").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), name);
        // Were there a second handler, its answer would come before that to the second message.
        client.send_text("y").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), format!("{name}: x"));
        assert_eq!(client.recv_text().await.unwrap(), format!("{name}: y"));
    }
}

/// H07: where no handler takes the path, the connection works and echoes, and is counted once.
#[tokio::test]
async fn a_path_without_a_handler_echoes() {
    let server = serve_handler(Programmed::at("/ws/other").answering("other: ")).await;
    let mut client = server.connect("/ws/none").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: x");
    client.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(client.recv_binary().await.unwrap(), [1, 2]);
    assert_eq!((scrape::value(&server, ACTIVE), scrape::value(&server, TOTAL)), (1.0, 1.0));
}

/// H07, A01, A02: so does a plain router without any handler, on `/ws` and below it.
#[tokio::test]
async fn a_router_without_handlers_echoes() {
    let server = TestServer::new(router()).await;
    for path in ["/ws", "/ws/", "/ws/x", "/ws/x/y"] {
        let mut client = server.connect(path).await.unwrap();
        client.send_text("x").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "echo: x", "{path}");
    }
    assert!(server.connect("/elsewhere").await.is_err());
}

/// Raw echo returns each message unchanged.
#[tokio::test]
async fn raw_echo_returns_messages_unchanged() {
    let server = serve(WsServer::builder().config(WsConfig { raw_echo: true, ..WsConfig::default() })).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "x");
    client.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(client.recv_binary().await.unwrap(), [1, 2]);
}

/// P07: a message router is a handler as it is; what it has no answer for stays without one.
#[tokio::test]
async fn a_message_router_is_served_without_writing_a_handler() {
    let mut router = MessageRouter::new();
    router
        .on(MessagePattern::exact("ping"), |_| Some("pong".to_owned()))
        .on(MessagePattern::regex("^/join (.+)$").unwrap(), |text| Some(format!("joined by {text}")))
        .on(MessagePattern::jsonpath("$.user.id"), |_| Some("a user".to_owned()));
    let server = serve_handler(router).await;
    let mut client = server.connect("/ws").await.unwrap();
    let messages = ["nobody knows", "/join lobby", r#"{"user": {}}"#, r#"{"user": {"id": 1}}"#, "ping"];
    for text in messages {
        client.send_text(text).await.unwrap();
    }
    for expected in ["joined by /join lobby", "a user", "pong"] {
        assert_eq!(client.recv_text().await.unwrap(), expected);
    }
}

/// P07: what a router leaves without an answer, the handlers after it still see.
#[tokio::test]
async fn a_message_router_stands_in_a_chain() {
    let mut router = MessageRouter::new();
    router.on(MessagePattern::exact("ping"), |_| Some("pong".to_owned()));
    let server = serve(WsServer::builder().handler(router).handler(Programmed::new().answering("after: "))).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["ping", "other"] {
        client.send_text(text).await.unwrap();
    }
    for expected in ["pong", "after: ping", "after: other"] {
        assert_eq!(client.recv_text().await.unwrap(), expected);
    }
}

/// A handler that joins the room `lobby` and sends each text there.
fn broadcasting(tag: &'static str) -> Programmed {
    Programmed::new()
        .on_connect(move |ctx| {
            Box::pin(async move {
                ctx.join_room("lobby").await?;
                ctx.send_text(tag).await
            })
        })
        .on_message(move |ctx, msg| {
            Box::pin(async move {
                let text = format!("{tag}: {}", Message::from(msg).as_text().unwrap_or_default());
                ctx.broadcast_to_room("lobby", &text).await
            })
        })
}

/// A scope gives a path handlers and rooms of its own; without one, the server's hold.
#[tokio::test]
async fn scopes_separate_handlers_and_rooms() {
    let scope = |tag| {
        let handlers = HandlerRegistry::new();
        handlers.register(broadcasting(tag));
        Arc::new(Scope::new(Arc::new(handlers), Arc::new(RoomManager::new())))
    };
    let (red, blue) = (scope("red"), scope("blue"));
    let builder =
        WsServer::builder().handler(broadcasting("default")).scope_for(move |handshake| match handshake.path() {
            "/ws/red" => Some(Arc::clone(&red)),
            "/ws/blue" => Some(Arc::clone(&blue)),
            _ => None,
        });
    let server = serve(builder).await;
    let mut clients = Vec::new();
    for (path, tag) in [("/ws/red", "red"), ("/ws/red", "red"), ("/ws/blue", "blue"), ("/ws", "default")] {
        let mut client = server.connect(path).await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), tag);
        clients.push((client, tag));
    }
    // The first red one speaks to both reds; then each of the others hears itself first, not what the red one said.
    clients[0].0.send_text("hello").await.unwrap();
    for (client, _) in &mut clients[..2] {
        assert_eq!(client.recv_text().await.unwrap(), "red: hello");
    }
    for (client, tag) in &mut clients[2..] {
        client.send_text("anybody?").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), format!("{tag}: anybody?"));
    }
}

/// Modes run behind the registered handlers, outlive their reload, and keep the fallback away.
#[tokio::test]
async fn a_mode_runs_behind_the_handlers_of_its_scope() {
    let handlers = Arc::new(HandlerRegistry::new());
    handlers.register(Programmed::at("/ws").answering("handler: "));
    let scope = Scope::new(Arc::clone(&handlers), Arc::new(RoomManager::new()))
        .mode(Arc::new(Programmed::at("/ws").answering("mode: ")))
        .fallback(Arc::new(Programmed::new().answering("fallback: ")));
    let scope = Arc::new(scope);
    let server = serve(WsServer::builder().scope_for(move |_| Some(Arc::clone(&scope)))).await;
    let mut client = server.connect("/ws").await.unwrap();
    let mut other = server.connect("/ws/other").await.unwrap();
    client.send_text("a").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "handler: a");
    assert_eq!(client.recv_text().await.unwrap(), "mode: a");
    handlers.clear();
    client.send_text("b").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "mode: b");
    other.send_text("c").await.unwrap();
    assert_eq!(other.recv_text().await.unwrap(), "fallback: c");
}
