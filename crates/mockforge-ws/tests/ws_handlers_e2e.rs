//! Handlers end to end, by the facade alone: each test is one thing that a handler can do, seen by a client over a socket.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use mockforge_ws::{
    Acceptance, ClientError, Connection, Direction, HandlerError, HandlerRegistry, HandlerResult, Handshake,
    HandshakeDecision, Message, MessagePattern, MessageRouter, MetricsRegistry, Middleware, ObservedFrame, Origin,
    Refusal, ReplayHandler, ReplayOptions, ReplayScript, SessionObserver, TestClient, TestServer, Verdict, WsContext,
    WsHandler, WsMessage, WsServer, handler_fn, router_with_handlers,
};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

async fn serve(handler: impl WsHandler + 'static) -> TestServer {
    serve_all(HandlerRegistry::new(), handler).await
}

async fn serve_all(registry: HandlerRegistry, last: impl WsHandler + 'static) -> TestServer {
    registry.register(last);
    TestServer::new(router_with_handlers(Arc::new(registry))).await
}

async fn ask(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

/// Greets on one path, and says what it gets.
struct Greeter(&'static str);

#[async_trait]
impl WsHandler for Greeter {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        ctx.send_text(&format!("welcome to {}", ctx.path)).await
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        match msg {
            WsMessage::Text(text) => ctx.send_text(&format!("{} got {text}", self.0)).await,
            WsMessage::Binary(data) => ctx.send_binary(data).await,
            _ => Ok(()),
        }
    }

    fn handles_path(&self, path: &str) -> bool {
        path.starts_with(self.0)
    }
}

/// H05: a handler is its `on_message`; all else has a default, and all paths are its own.
#[tokio::test]
async fn on_message_is_enough() {
    struct OnMessageOnly;

    #[async_trait]
    impl WsHandler for OnMessageOnly {
        async fn on_message(&self, ctx: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            ctx.send_text(&ctx.path).await
        }
    }

    let server = serve(OnMessageOnly).await;
    for path in ["/ws", "/ws/anything", "/ws/any/thing"] {
        let mut client = server.connect(path).await.unwrap();
        assert_eq!(ask(&mut client, "where?").await, path);
    }
}

/// H06, H07, H08: paths choose handlers, all that accept a path run in order, and where there is none it is an echo.
#[tokio::test]
async fn paths_choose_handlers() {
    let registry = HandlerRegistry::new();
    registry.register(Greeter("/ws/a"));
    let server = serve_all(registry, Greeter("/ws/a/b")).await;

    let mut one = server.connect("/ws/a").await.unwrap();
    assert_eq!(one.recv_text().await.unwrap(), "welcome to /ws/a");
    assert_eq!(ask(&mut one, "x").await, "/ws/a got x");

    let mut both = server.connect("/ws/a/b").await.unwrap();
    for _handler in 0..2 {
        assert_eq!(both.recv_text().await.unwrap(), "welcome to /ws/a/b");
    }
    assert_eq!(ask(&mut both, "x").await, "/ws/a got x");
    assert_eq!(both.recv_text().await.unwrap(), "/ws/a/b got x");

    let mut none = server.connect("/ws/c").await.unwrap();
    assert_eq!(ask(&mut none, "x").await, "echo: x");
}

/// H12, H13: binary and JSON.
#[tokio::test]
async fn binary_and_json_are_messages_too() {
    let server = serve(handler_fn(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Binary(data) => ctx.send_binary(data.into_iter().rev().collect()).await,
                WsMessage::Text(text) => ctx.send_json(&json!({"length": text.len()})).await,
                _ => Ok(()),
            }
        })
    }))
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send(Message::binary(vec![1, 2, 255])).await.unwrap();
    assert_eq!(client.recv_binary().await.unwrap(), [255, 2, 1]);
    client.send_text("four").await.unwrap();
    assert_eq!(client.recv_json().await.unwrap(), json!({"length": 4}));
}

/// H14: what a handler keeps is its connection's own.
#[tokio::test]
async fn metadata_belongs_to_a_connection() {
    let server = serve(handler_fn(|ctx, _| {
        Box::pin(async {
            let count = ctx.get_metadata("count").await.and_then(|count| count.as_u64()).unwrap_or(0) + 1;
            ctx.set_metadata("count", count.into()).await;
            ctx.send_text(&count.to_string()).await
        })
    }))
    .await;
    let mut first = server.connect("/ws").await.unwrap();
    let mut second = server.connect("/ws").await.unwrap();
    assert_eq!(ask(&mut first, "").await, "1");
    assert_eq!(ask(&mut first, "").await, "2");
    assert_eq!(ask(&mut second, "").await, "1");
}

/// H04, H19: closing with a code, and `on_disconnect` with the code of the side that closed.
#[tokio::test]
async fn both_sides_close_with_a_code() {
    struct Farewell(mpsc::Sender<(u16, String)>);

    #[async_trait]
    impl WsHandler for Farewell {
        async fn on_message(&self, ctx: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            ctx.close(4001, "as you wish").await
        }

        async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
            let frame = ctx.close_frame().map(|frame| (frame.code, frame.reason.to_string()));
            let _ = self.0.send(frame.unwrap_or_default()).await;
            Ok(())
        }
    }

    let (sender, mut farewells) = mpsc::channel(4);
    let server = serve(Farewell(sender)).await;

    let mut closed = server.connect("/ws").await.unwrap();
    closed.send_text("close").await.unwrap();
    let frame = closed.recv_close().await.unwrap().unwrap();
    assert_eq!((frame.code, &*frame.reason), (4001, "as you wish"));
    assert_eq!(timeout(PATIENCE, farewells.recv()).await.unwrap(), Some((4001, "as you wish".into())));

    let closing = server.connect("/ws").await.unwrap();
    assert_eq!(closing.close(4002, "enough").await.unwrap().unwrap().code, 4002);
    assert_eq!(timeout(PATIENCE, farewells.recv()).await.unwrap(), Some((4002, "enough".into())));
}

/// H16: an error in `on_message` is logged and counted, and the connection lives.
#[tokio::test]
async fn an_error_does_not_end_a_connection() {
    let server = serve(handler_fn(|ctx, msg| {
        Box::pin(async move {
            if msg == WsMessage::Text("fail".into()) {
                return Err(HandlerError::Generic("as asked".into()));
            }
            ctx.send_text("alive").await
        })
    }))
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("fail").await.unwrap();
    assert_eq!(ask(&mut client, "a").await, "alive");
}

/// R02, R03, R07: a broadcast reaches the members of a room, and who is gone is no member.
#[tokio::test]
async fn rooms_connect_connections() {
    let server = serve(handler_fn(|ctx, msg| {
        Box::pin(async move {
            let WsMessage::Text(text) = msg else { return Ok(()) };
            match text.as_str() {
                "join" => ctx.join_room("lobby").await?,
                "leave" => ctx.leave_room("lobby").await?,
                "count" => {}
                _ => return ctx.broadcast_to_room("lobby", &text).await,
            }
            ctx.send_text(&ctx.get_room_members("lobby").await.len().to_string()).await
        })
    }))
    .await;
    let mut ann = server.connect("/ws/a").await.unwrap();
    let mut bob = server.connect("/ws/b").await.unwrap();
    let mut eve = server.connect("/ws").await.unwrap();
    for (members, client) in ["1", "2", "3"].into_iter().zip([&mut ann, &mut bob, &mut eve]) {
        assert_eq!(ask(client, "join").await, members);
    }
    assert_eq!(ask(&mut eve, "leave").await, "2");
    assert_eq!(ask(&mut ann, "hello").await, "hello");
    assert_eq!(bob.recv_text().await.unwrap(), "hello");
    // What eve had got would stand before this answer.
    assert_eq!(ask(&mut eve, "count").await, "2");

    bob.close(1000, "").await.unwrap();
    let only_ann = async { while ask(&mut ann, "count").await != "1" {} };
    timeout(PATIENCE, only_ann).await.unwrap();
}

/// P07, F02: a router is a handler; a handler before it may keep messages from it.
#[tokio::test]
async fn a_router_is_a_handler() {
    let registry = HandlerRegistry::new();
    registry.register(handler_fn(|ctx, msg| {
        Box::pin(async move {
            if msg == WsMessage::Text("secret".into()) {
                ctx.stop();
            }
            Ok(())
        })
    }));
    let mut router = MessageRouter::new();
    router
        .on(MessagePattern::exact("ping"), |_| Some("pong".into()))
        .on(MessagePattern::regex("^secret").unwrap(), |_| Some("told".into()));
    let server = serve_all(registry, router).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("secret").await.unwrap();
    assert_eq!(ask(&mut client, "ping").await, "pong");
    assert_eq!(ask(&mut client, "secrets").await, "told");
}

/// A handshake is accepted with an answer and state, or refused as an HTTP response.
#[tokio::test]
async fn a_handler_decides_about_handshakes() {
    #[derive(Clone)]
    struct User(String);

    struct Door;

    #[async_trait]
    impl WsHandler for Door {
        async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
            let Some(user) = handshake.query_param("user") else {
                let challenge = HeaderValue::from_static("Bearer");
                let refusal = Refusal::new(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, challenge);
                return Ok(refusal.body("who are you?").into());
            };
            let greeting = (HeaderName::from_static("x-greeting"), HeaderValue::from_static("hello"));
            Ok(Acceptance::new()
                .subprotocol("v2")
                .header(greeting.0, greeting.1)
                .extension(User(user.into_owned()))
                .into())
        }

        async fn on_message(&self, ctx: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            let user = ctx.extensions().get::<User>().map(|user| user.0).unwrap_or_default();
            ctx.send_text(&user).await
        }
    }

    let server = serve(Door).await;
    let refused = server.connect("/ws").await.err();
    let Some(ClientError::Refused { status, body }) = refused else { panic!("{refused:?}") };
    assert_eq!((status, body.as_str()), (StatusCode::UNAUTHORIZED, "who are you?"));

    let url = server.url_of("/ws?user=Ann%20B");
    let mut client = TestClient::builder().subprotocols("v1, v2").connect(&url).await.unwrap();
    assert_eq!(client.subprotocol(), Some("v2"));
    assert_eq!(ask(&mut client, "who am I?").await, "Ann B");
}

/// A connection is told things while no call runs: by work beside the handlers, and from anywhere by its sender.
#[tokio::test]
async fn work_goes_on_beside_the_handlers() {
    struct Clock(mpsc::Sender<mockforge_ws::WsSender>);

    #[async_trait]
    impl WsHandler for Clock {
        async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
            let sender = ctx.sender();
            let _ = self.0.send(sender.clone()).await;
            ctx.spawn(async move {
                for tick in 1..=3 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    sender.send_text(format!("tick {tick}")).await?;
                }
                Ok(())
            });
            Ok(())
        }

        async fn on_message(&self, _: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            Ok(())
        }
    }

    let (sender, mut senders) = mpsc::channel(1);
    let server = serve(Clock(sender)).await;
    let mut client = server.connect("/ws").await.unwrap();
    for tick in 1..=3 {
        assert_eq!(client.recv_text().await.unwrap(), format!("tick {tick}"));
    }
    let from_elsewhere = senders.recv().await.unwrap();
    from_elsewhere.send_text("news").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "news");
}

/// L02, L04: handlers are exchanged while the server serves; open connections stay, and go on with the new ones.
#[tokio::test]
async fn handlers_are_exchanged_while_it_serves() {
    let registry = Arc::new(HandlerRegistry::new());
    registry.register(Greeter("/ws"));
    let server = TestServer::new(router_with_handlers(Arc::clone(&registry))).await;
    let mut open = server.connect("/ws").await.unwrap();
    assert_eq!(open.recv_text().await.unwrap(), "welcome to /ws");

    let new = handler_fn(|ctx, _| Box::pin(async { ctx.send_text("new").await }));
    registry.replace(vec![Arc::new(new)]);
    assert_eq!(ask(&mut open, "x").await, "new");
    let mut later = server.connect("/ws").await.unwrap();
    assert_eq!(ask(&mut later, "x").await, "new");
}

/// Puts what a script says in capitals, and drops some of it; what handlers say stays as it is.
struct Shout;

#[async_trait]
impl WsHandler for Shout {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        match msg {
            WsMessage::Text(text) => ctx.send_text(&format!("you said {text}")).await,
            _ => Ok(()),
        }
    }

    fn on_outbound(&self, _: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        match (message.as_text(), origin) {
            (Some("dropped"), Origin::Replay) => Verdict::Drop,
            (Some(text), Origin::Replay) => Verdict::Replace(Message::text(text.to_uppercase())),
            _ => Verdict::Pass,
        }
    }
}

/// C01, C02, C03: on one connection handlers answer, a script plays, and handlers change and drop what it says.
#[tokio::test]
async fn handlers_and_a_script_share_a_connection() {
    let script = r#"
        {"text": "from the script"}
        {"text": "dropped"}
        {"waitFor": "^next$", "text": "the end"}
    "#;
    let script = ReplayScript::parse(script, "shared.jsonl").unwrap();
    let registry = HandlerRegistry::new();
    registry.register(Shout);
    let server = serve_all(registry, ReplayHandler::new(script.into(), ReplayOptions::default())).await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "FROM THE SCRIPT");
    assert_eq!(ask(&mut client, "next").await, "you said next");
    assert_eq!(client.recv_text().await.unwrap(), "THE END");
}

/// F01, F05: middleware sees the messages of all paths, inbound before and outbound after the handlers.
#[tokio::test]
async fn middleware_stands_before_all_handlers() {
    struct Tag(&'static str);

    impl Middleware for Tag {
        fn on_inbound(&self, _: &Arc<Connection>, message: &Message) -> Verdict {
            match message.as_text() {
                Some("spam") => Verdict::Drop,
                Some(text) => Verdict::Replace(Message::text(format!("{text} >{}", self.0))),
                None => Verdict::Pass,
            }
        }

        fn on_outbound(&self, _: &Arc<Connection>, message: &Message, _: Origin) -> Verdict {
            let text = message.as_text().unwrap_or_default();
            Verdict::Several(vec![Message::text(format!("{text} <{}", self.0)), Message::text(self.0)])
        }
    }

    let echo = handler_fn(|ctx, msg| Box::pin(async move { ctx.send(Message::from(msg)).await }));
    let server = WsServer::builder().handler(echo).middleware(Tag("a")).middleware(Tag("b"));
    let server = TestServer::start(server.metrics(MetricsRegistry::new()).build().unwrap()).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("spam").await.unwrap();
    client.send_text("x").await.unwrap();
    for expected in ["x >a >b <a <b", "b", "a <b", "b"] {
        assert_eq!(client.recv_text().await.unwrap(), expected);
    }
}

/// O02: observers see each frame once, and the metrics count it once.
#[tokio::test]
async fn observers_see_each_frame_once() {
    struct Journal(mpsc::Sender<String>);

    impl SessionObserver for Journal {
        fn on_frame(&self, connection: &Arc<Connection>, frame: ObservedFrame<'_>) {
            let way = if frame.direction == Direction::Inbound { "in" } else { "out" };
            let text = frame.message.as_text().unwrap_or("no text");
            let _ = self.0.try_send(format!("{} {way} {text}", connection.path()));
        }
    }

    let (sender, mut journal) = mpsc::channel(16);
    let server = WsServer::builder().handler(Greeter("/ws")).observer(Journal(sender));
    let server = TestServer::start(server.metrics(MetricsRegistry::new()).build().unwrap()).await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "welcome to /ws");
    assert_eq!(ask(&mut client, "x").await, "/ws got x");
    for expected in ["/ws out welcome to /ws", "/ws in x", "/ws out /ws got x"] {
        assert_eq!(timeout(PATIENCE, journal.recv()).await.unwrap().unwrap(), expected);
    }
    let counts = server.metrics().unwrap().render();
    for line in ["mockforge_ws_messages_sent_total 2\n", "mockforge_ws_messages_received_total 1\n"] {
        assert!(counts.contains(line), "{counts}");
    }
}
