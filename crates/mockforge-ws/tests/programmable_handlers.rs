//! Every Rust snippet of the document "WebSocket Programmable Handlers", in its order and as it is written there, but for
//! layout. Added are only imports, what `?` returns to, and assertions. The exceptions:
//!
//! - `let mut registry`: a registry changes through `&self`, so the `mut` is not needed.
//! - Quick Start, step 2: `main` compiles as it is, but is not run: it listens on all addresses, for ever.
//! - Core Trait, Context and Message Types show declarations. They are compared with ours by using them with exactly those
//!   types.
//! - Passthrough Support: the upstream of the document is on the internet. The snippet compiles as it is; what is run has a
//!   local upstream in its place.
//! - Examples, 3: the `ChatHandler` of the section on rooms has no `new`, so it gets one here. The `EchoHandler` of the
//!   Quick Start accepts all paths, so it answers on `/ws/chat`, too; the example `ws-handlers-demo` names its path.
//! - Unit Testing: the recipe waits for a message after `on_connect`, so `MyHandler` sends one there. The recipe makes an
//!   unbounded channel, which clippy.toml allows nowhere else.
//! - End-to-End Testing: with the `EchoHandler` of the Quick Start the first frame is `Welcome!`, and the recipe fails,
//!   rightly. It holds for an echo without `on_connect`. It would pass if nothing came, so an `else` was added.
#![allow(unused_mut, clippy::uninlined_format_args, reason = "as the document has it")]
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod quick_start {
    use std::sync::Arc;

    use async_trait::async_trait;
    use mockforge_ws::{HandlerRegistry, TestServer, router_with_handlers};
    use mockforge_ws::{HandlerResult, WsContext, WsHandler, WsMessage};

    pub(crate) struct EchoHandler;

    #[async_trait]
    impl WsHandler for EchoHandler {
        async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
            ctx.send_text("Welcome!").await?;
            Ok(())
        }

        async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
            if let WsMessage::Text(text) = msg {
                ctx.send_text(&format!("echo: {}", text)).await?;
            }
            Ok(())
        }
    }

    #[tokio::main]
    #[expect(dead_code, reason = "compiled only")]
    async fn main() -> Result<(), Box<dyn std::error::Error>> {
        let mut registry = HandlerRegistry::new();
        registry.register(EchoHandler);

        let app = router_with_handlers(Arc::new(registry));

        let listener = tokio::net::TcpListener::bind("0.0.0.0:3030").await?;
        axum::serve(listener, app).await?;

        Ok(())
    }

    /// H01: what step 3 shows, `Welcome!` and then `echo: hello`.
    #[tokio::test]
    async fn the_session_of_step_3() {
        let mut registry = HandlerRegistry::new();
        registry.register(EchoHandler);
        let server = TestServer::new(router_with_handlers(Arc::new(registry))).await;
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text("hello").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "Welcome!");
        assert_eq!(client.recv_text().await.unwrap(), "echo: hello");
    }
}

mod handler_api {
    use async_trait::async_trait;
    use mockforge_ws::{HandlerResult, RoomManager, WsContext, WsHandler, WsMessage, close_code};
    use serde_json::{Value, json};
    use tokio::sync::mpsc;

    /// Has each method of the declaration, with its signature.
    struct AsDeclared;

    #[async_trait]
    impl WsHandler for AsDeclared {
        async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
            has_what_is_declared(ctx).await
        }

        async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
            ctx.send_binary(payload(msg)).await
        }

        async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
            ctx.close(close_code::NORMAL, "").await
        }

        fn handles_path(&self, path: &str) -> bool {
            path == "/ws/chat"
        }
    }

    async fn has_what_is_declared(ctx: &WsContext) -> HandlerResult<()> {
        let (connection_id, path): (&String, &String) = (&ctx.connection_id, &ctx.path);
        assert_eq!((connection_id.as_str(), path.as_str()), ("c1", "/ws/chat"));

        let text: &str = "text";
        ctx.send_text(text).await?;
        let data: Vec<u8> = vec![1, 2];
        ctx.send_binary(data).await?;
        let value: &Value = &json!({"a": [1]});
        ctx.send_json(value).await?;

        let room: &str = "lobby";
        ctx.join_room(room).await?;
        ctx.broadcast_to_room(room, text).await?;
        let rooms: Vec<String> = ctx.get_rooms().await;
        assert_eq!(rooms, ["lobby"]);
        ctx.leave_room(room).await?;

        let key: &str = "key";
        let () = ctx.set_metadata(key, json!(7)).await;
        let kept: Option<Value> = ctx.get_metadata(key).await;
        assert_eq!(kept, Some(json!(7)));
        Ok(())
    }

    /// There are these variants and no others, with these payloads.
    fn payload(msg: WsMessage) -> Vec<u8> {
        match msg {
            WsMessage::Text(text) => String::into_bytes(text),
            WsMessage::Binary(data) | WsMessage::Ping(data) | WsMessage::Pong(data) => data,
            WsMessage::Close => Vec::new(),
        }
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the unit-test recipe of the document")]
    async fn declarations_are_as_in_the_document() {
        let handler: Box<dyn WsHandler> = Box::new(AsDeclared);
        let (tx, mut rx) = mpsc::unbounded_channel::<mockforge_ws::Message>();
        let mut ctx = WsContext::new("c1".to_string(), "/ws/chat".to_string(), RoomManager::new(), tx);
        handler.on_connect(&mut ctx).await.unwrap();
        handler.on_message(&mut ctx, WsMessage::Pong(vec![3])).await.unwrap();
        handler.on_disconnect(&mut ctx).await.unwrap();
        assert!(handler.handles_path("/ws/chat") && !handler.handles_path("/ws"));

        let mut sent = Vec::new();
        while let Ok(message) = rx.try_recv() {
            sent.push(WsMessage::from(message));
        }
        let text = |text: &str| WsMessage::Text(text.to_owned());
        let expected = [
            text("text"),
            WsMessage::Binary(vec![1, 2]),
            text(r#"{"a":[1]}"#),
            text("text"),
            WsMessage::Binary(vec![3]),
            WsMessage::Close,
        ];
        assert_eq!(sent, expected);
    }
}

mod room_management {
    use std::sync::Arc;

    use async_trait::async_trait;
    use mockforge_ws::{HandlerRegistry, TestServer, router_with_handlers};
    use mockforge_ws::{HandlerResult, WsContext, WsHandler, WsMessage};
    use serde_json::json;

    pub(crate) struct ChatHandler;

    #[async_trait]
    impl WsHandler for ChatHandler {
        async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
            // Auto-join "general" room
            ctx.join_room("general").await?;

            let welcome = json!({
                "type": "system",
                "message": "Welcome to chat! You're in room: general"
            });
            ctx.send_json(&welcome).await?;

            Ok(())
        }

        async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
            if let WsMessage::Text(text) = msg {
                if text.starts_with("/join ") {
                    let room = text.trim_start_matches("/join ").trim();
                    ctx.join_room(room).await?;
                    ctx.send_text(&format!("Joined room: {}", room)).await?;
                } else if text.starts_with("/msg ") {
                    // Broadcast to current rooms
                    let rooms = ctx.get_rooms().await;
                    for room in rooms {
                        ctx.broadcast_to_room(&room, &text).await?;
                    }
                }
            }
            Ok(())
        }

        fn handles_path(&self, path: &str) -> bool {
            path.starts_with("/ws/chat")
        }
    }

    /// R02, R05: the session that the document shows, with a second member in both rooms.
    #[tokio::test]
    async fn the_session_of_usage() {
        let registry = HandlerRegistry::new();
        registry.register(ChatHandler);
        let server = TestServer::new(router_with_handlers(Arc::new(registry))).await;
        let mut members = [server.connect("/ws/chat").await.unwrap(), server.connect("/ws/chat").await.unwrap()];
        for member in &mut members {
            let welcome = r#"{"type":"system","message":"Welcome to chat! You're in room: general"}"#;
            assert_eq!(member.recv_text().await.unwrap(), welcome);
            member.send_text("/join lobby").await.unwrap();
            assert_eq!(member.recv_text().await.unwrap(), "Joined room: lobby");
        }
        members[0].send_text("/msg Hello everyone!").await.unwrap();
        for member in &mut members {
            for _room in ["general", "lobby"] {
                assert_eq!(member.recv_text().await.unwrap(), "/msg Hello everyone!");
            }
        }
    }
}

mod message_pattern_matching {
    use mockforge_ws::HandlerResult;

    /// P01, P02, P04.
    #[test]
    fn patterns() -> HandlerResult<()> {
        use mockforge_ws::MessagePattern;

        // Regex matching
        let pattern = MessagePattern::regex(r"^/join (.+)$")?;
        if pattern.matches("/join lobby") {
            println!("Match!");
        }
        assert!(pattern.matches("/join lobby"));
        assert!(!pattern.matches("/leave lobby"));

        // JSONPath matching
        let pattern = MessagePattern::jsonpath("$.type");
        if pattern.matches(r#"{"type":"message","content":"hello"}"#) {
            println!("Has 'type' field!");
        }
        assert!(pattern.matches(r#"{"type":"message","content":"hello"}"#));
        assert!(!pattern.matches(r#"{"content":"hello"}"#));

        // Exact matching
        let pattern = MessagePattern::exact("ping");
        if pattern.matches("ping") {
            println!("Exact match!");
        }
        assert!(pattern.matches("ping"));
        assert!(!pattern.matches("ping "));
        Ok(())
    }

    /// P06.
    #[test]
    fn pattern_based_router() {
        use mockforge_ws::{MessagePattern, MessageRouter};

        let mut router = MessageRouter::new();

        router
            .on(MessagePattern::exact("ping"), |_| Some("pong".to_string()))
            .on(MessagePattern::regex(r"^hello").unwrap(), |_| Some("Hi there!".to_string()))
            .on(MessagePattern::jsonpath("$.action"), |msg| {
                // Handle JSON messages with 'action' field
                Some(format!("Received action: {}", msg))
            });

        // Route a message
        if let Some(response) = router.route("ping") {
            println!("Response: {}", response); // "pong"
        }
        assert_eq!(router.route("ping").as_deref(), Some("pong"));
        assert_eq!(router.route("hello you").as_deref(), Some("Hi there!"));
        assert_eq!(router.route(r#"{"action":1}"#).as_deref(), Some(r#"Received action: {"action":1}"#));
        assert_eq!(router.route("bye"), None);
    }
}

// A crate root looks for its modules beside it, where each file would be a test binary of its own.
#[path = "programmable_handlers/passthrough_support.rs"]
mod passthrough_support;

mod hot_reload {
    use std::sync::Arc;

    use mockforge_ws::{TestServer, handler_fn, router_with_handlers};

    /// L01, L02: the steps of "How It Works", while the server serves.
    #[tokio::test]
    async fn with_hot_reload() {
        use mockforge_ws::HandlerRegistry;

        let registry = HandlerRegistry::with_hot_reload();
        assert!(registry.is_hot_reload_enabled());

        registry.register(handler_fn(|ctx, _| Box::pin(async { ctx.send_text("old").await })));
        let registry = Arc::new(registry);
        let server = TestServer::new(router_with_handlers(Arc::clone(&registry))).await;
        registry.clear();
        registry.register(handler_fn(|ctx, _| Box::pin(async { ctx.send_text("new").await })));
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text("which?").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "new");
    }
}

mod examples {
    use std::sync::Arc;

    use mockforge_ws::{HandlerRegistry, TestServer, router_with_handlers};

    use crate::quick_start::EchoHandler;
    use crate::room_management::ChatHandler;

    impl ChatHandler {
        fn new() -> Self {
            Self
        }
    }

    /// E03, H08: all handlers that accept a path run, in the order in which they were registered.
    #[tokio::test]
    async fn combined_echo_and_chat_server() {
        let mut registry = HandlerRegistry::new();

        // Echo handler for /ws
        registry.register(EchoHandler);

        // Chat handler for /ws/chat
        registry.register(ChatHandler::new());

        let app = router_with_handlers(Arc::new(registry));

        let server = TestServer::new(app).await;
        let mut echo = server.connect("/ws").await.unwrap();
        let mut chat = server.connect("/ws/chat").await.unwrap();
        for client in [&mut echo, &mut chat] {
            client.send_text("/join lobby").await.unwrap();
            assert_eq!(client.recv_text().await.unwrap(), "Welcome!");
        }
        assert_eq!(chat.recv_json().await.unwrap()["type"], "system");
        assert_eq!(chat.recv_text().await.unwrap(), "echo: /join lobby");
        assert_eq!(chat.recv_text().await.unwrap(), "Joined room: lobby");
        assert_eq!(echo.recv_text().await.unwrap(), "echo: /join lobby");
    }
}

mod unit_testing {
    use async_trait::async_trait;
    use mockforge_ws::{HandlerResult, RoomManager, WsContext, WsHandler, WsMessage};

    struct MyHandler;

    #[async_trait]
    impl WsHandler for MyHandler {
        async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
            ctx.send_text("ready").await
        }

        async fn on_message(&self, _: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            Ok(())
        }
    }

    mod with_our_message {
        use mockforge_ws::Message;

        use super::*;

        /// E04.
        #[tokio::test]
        #[expect(clippy::disallowed_methods, reason = "the recipe of the document")]
        async fn test_my_handler() {
            let handler = MyHandler;
            let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
            let room_manager = RoomManager::new();
            let mut ctx = WsContext::new("test-conn".to_string(), "/ws".to_string(), room_manager, tx);

            // Test on_connect
            handler.on_connect(&mut ctx).await.unwrap();

            // Verify messages sent
            let msg = rx.recv().await.unwrap();
            assert!(matches!(msg, Message::Text(_)));
        }
    }

    mod with_the_message_of_axum {
        use axum::extract::ws::Message;

        use super::*;

        /// E04.
        #[tokio::test]
        #[expect(clippy::disallowed_methods, reason = "the recipe of the document")]
        async fn test_my_handler() {
            let handler = MyHandler;
            let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
            let room_manager = RoomManager::new();
            let mut ctx = WsContext::new("test-conn".to_string(), "/ws".to_string(), room_manager, tx);

            // Test on_connect
            handler.on_connect(&mut ctx).await.unwrap();

            // Verify messages sent
            let msg = rx.recv().await.unwrap();
            assert!(matches!(msg, Message::Text(_)));
        }
    }
}

mod end_to_end_testing {
    use std::sync::Arc;

    use async_trait::async_trait;
    use futures_util::{SinkExt, StreamExt};
    use mockforge_ws::{
        HandlerRegistry, HandlerResult, TestServer, WsContext, WsHandler, WsMessage, router_with_handlers,
    };
    use tokio_tungstenite::tungstenite::Message;

    /// The one of the Quick Start, without `on_connect`.
    struct EchoHandler;

    #[async_trait]
    impl WsHandler for EchoHandler {
        async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
            if let WsMessage::Text(text) = msg {
                ctx.send_text(&format!("echo: {}", text)).await?;
            }
            Ok(())
        }
    }

    /// E05.
    #[tokio::test]
    async fn test_handler_e2e() {
        let mut registry = HandlerRegistry::new();
        registry.register(EchoHandler);

        let app = router_with_handlers(Arc::new(registry));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();

        tokio::spawn(async move {
            axum::serve(listener, app).await.unwrap();
        });

        // Connect and test
        let (mut ws_stream, _) = tokio_tungstenite::connect_async(format!("ws://{}/ws", addr)).await.unwrap();

        // Send message
        ws_stream.send(Message::Text("hello".into())).await.unwrap();

        // Receive response
        if let Some(Ok(Message::Text(text))) = ws_stream.next().await {
            assert_eq!(text, "echo: hello");
        } else {
            panic!("nothing came");
        }
    }

    /// E05: the first frame of the Quick Start's handler is its welcome.
    #[tokio::test]
    async fn with_the_handler_of_the_quick_start() {
        let registry = HandlerRegistry::new();
        registry.register(crate::quick_start::EchoHandler);
        let server = TestServer::new(router_with_handlers(Arc::new(registry))).await;
        let (mut ws_stream, _) = tokio_tungstenite::connect_async(server.url()).await.unwrap();
        ws_stream.send(Message::Text("hello".into())).await.unwrap();
        for expected in ["Welcome!", "echo: hello"] {
            assert_eq!(ws_stream.next().await.unwrap().unwrap(), Message::Text(expected.into()));
        }
    }
}

mod api_reference {
    use mockforge_ws::{
        HandlerError, HandlerRegistry, HandlerResult, MessagePattern, MessageRouter, PassthroughConfig,
        PassthroughHandler, RoomManager, WsHandler, handler_fn,
    };

    /// H21.
    #[test]
    fn errors_say_what_failed() {
        let json = serde_json::from_str::<()>("x").unwrap_err();
        let json_text = format!("Failed to parse JSON: {json}");
        for (error, text) in [
            (HandlerError::SendError("x".into()), "Failed to send message: x"),
            (HandlerError::from(json), json_text.as_str()),
            (HandlerError::PatternError("x".into()), "Pattern matching error: x"),
            (HandlerError::RoomError("x".into()), "Room operation failed: x"),
            (HandlerError::ConnectionError("x".into()), "Connection error: x"),
            (HandlerError::Generic("x".into()), "Handler error: x"),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn pattern_matching_and_routing() -> HandlerResult<()> {
        for pattern in [
            MessagePattern::regex("^a+$")?,
            MessagePattern::jsonpath("$.a"),
            MessagePattern::exact("aa"),
            MessagePattern::any(),
        ] {
            let text = if pattern.matches("aa") { "aa" } else { r#"{"a":null}"# };
            let mut router = MessageRouter::new();
            router.on(pattern, |text| Some(text.to_uppercase()));
            assert_eq!(router.route(text), Some(text.to_uppercase()));
        }
        Ok(())
    }

    #[test]
    fn registry() {
        let registry = HandlerRegistry::new();
        registry.register(handler_fn(|_, _| Box::pin(async { Ok(()) })));
        assert_eq!(registry.get_handlers("/ws").len(), 1);
        assert!(registry.get_handlers("/ws")[0].handles_path("/ws"));
        registry.clear();
        assert!(registry.get_handlers("/ws").is_empty());
    }

    /// R10.
    #[tokio::test]
    async fn room_management() -> HandlerResult<()> {
        let rooms = RoomManager::new();
        rooms.join("c1", "a").await?;
        rooms.join("c1", "b").await?;
        assert_eq!(rooms.get_connection_rooms("c1").await, ["a", "b"]);
        rooms.leave("c1", "a").await?;
        assert_eq!(rooms.get_room_members("a").await, [""; 0]);
        assert_eq!(rooms.get_room_members("b").await, ["c1"]);
        rooms.leave_all("c1").await?;
        assert_eq!(rooms.get_connection_rooms("c1").await, [""; 0]);
        Ok(())
    }

    /// T01.
    #[test]
    fn passthrough() -> HandlerResult<()> {
        let upstream_url = "ws://127.0.0.1:9000/ws".to_string();
        for config in [
            PassthroughConfig::new(MessagePattern::exact("PROXY:a"), upstream_url.clone()),
            PassthroughConfig::regex("^PROXY:", upstream_url.clone())?,
        ] {
            let handler = PassthroughHandler::new(config);
            assert!(handler.should_passthrough("PROXY:a") && !handler.should_passthrough("a"));
            assert_eq!(handler.upstream_url(), upstream_url);
        }
        Ok(())
    }
}
