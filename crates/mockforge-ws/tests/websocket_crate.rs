//! Every Rust snippet of the document "WebSocket Crate", in its order and as they are written there, but for layout: those
//! of what exists today. Added are only imports, functions to stand in, what `?` returns to, and assertions. Those of AI
//! events stand together, in `websocket_crate/ai.rs`.
//!
//! The exceptions:
//!
//! - Proxy Mode, Proxy Configuration and Usage Examples name an upstream on the internet. The snippets compile as they are,
//!   with `..Default::default()` for the fields that they leave out; what is run has a local upstream in its place.
//! - Replay Mode, Template Expansion and JSONPath Matching show data, not code: it is played.
//! - Interactive Mode and Connection Errors show a loop over a socket that is axum's, not ours: it runs as a route of axum.
//!   The document has `recv()` in two shapes; Connection Errors is given its own by `.transpose()`.
//! - AI Event Mode, Replay Augmentation and Usage Examples leave out fields: `..Default::default()` stands for them. AI Event
//!   Mode makes its generator without the `?` that Usage Examples has: it is given that one, for a configuration can be
//!   wrong. Where a `Result` is dropped, it stays so. They run with a local server in the place of OpenAI, and not to their
//!   last event, which would take half a minute.
//! - Event Generation declares a method, which is called with exactly those types; the engine inside is ours.
//! - Tracing Integration leaves open what `request` and `message_size` are.
//! - Logging shows lines of the server's own log; the tests of `ws-server` look for them.
//! - WebSocket Server Config, Proxy Configuration and AI Configuration show declarations; they are compared with ours by using
//!   them with exactly those types.
//! - Integration Tests: the stream must be `mut`, and the replay file stands in the environment, so the recipe runs in a
//!   process of its own.
//! - Usage Examples: `main` of the Basic WebSocket Server compiles as it is, but is not run: its port is a fixed one. The
//!   proxy's types come from `mockforge_ws`; there is no `mockforge_core`.
#![allow(clippy::uninlined_format_args, reason = "as the document has it")]
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use mockforge_ws::{
    HandlerRegistry, ReplayHandler, ReplayOptions, ReplayScript, TestServer, WsMessage, WsServer, handler_fn,
    router_with_handlers,
};
use tokio::process::Command;
use tokio::time::timeout;

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that plays a script.
async fn play(script: &str, options: ReplayOptions) -> TestServer {
    let script = ReplayScript::parse(script, "document.jsonl").unwrap();
    TestServer::start(WsServer::builder().handler(ReplayHandler::new(script.into(), options)).build().unwrap()).await
}

/// A real server that stands behind ours: it answers each text, and says that it was it.
async fn upstream() -> TestServer {
    let registry = HandlerRegistry::new();
    registry.register(handler_fn(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) => ctx.send_text(&format!("upstream: {text}")).await,
                _ => Ok(()),
            }
        })
    }));
    TestServer::new(router_with_handlers(Arc::new(registry))).await
}

/// Runs a test that is ignored in a process of its own, with these variables: those of this process are shared.
async fn run_alone(test: &str, variables: &[(&str, &str)]) {
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.args([test, "--exact", "--include-ignored"]);
    alone.envs(variables.iter().copied()).kill_on_drop(true);
    let output = timeout(PATIENCE, alone.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// What a client gets that says `text` on `path`.
async fn answer(server: &TestServer, path: &str, text: &str) -> String {
    let mut client = server.connect(path).await.unwrap();
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

mod websocket_router {
    use std::time::Instant;

    use mockforge_ws::{
        LatencyInjector, LatencyProfile, WsProxyConfig, WsProxyHandler, router, router_with_latency, router_with_proxy,
    };

    use super::*;

    /// A01, A02.
    #[tokio::test]
    async fn basic_websocket_router() {
        // Basic WebSocket router
        let app = router();

        let server = TestServer::new(app).await;
        for path in ["/ws", "/ws/x/y"] {
            assert_eq!(answer(&server, path, "x").await, "echo: x");
        }
    }

    /// A03: late, never early.
    #[tokio::test]
    async fn with_latency_simulation() {
        let profile = LatencyProfile::new(300, 0);

        // With latency simulation
        let latency_injector = LatencyInjector::new(profile, Default::default());
        let app = router_with_latency(latency_injector);

        let server = TestServer::new(app).await;
        let mut client = server.connect("/ws").await.unwrap();
        let sent = Instant::now();
        client.send_text("x").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "echo: x");
        let took = sent.elapsed();
        assert!((Duration::from_millis(300)..PATIENCE).contains(&took), "{took:?}");
    }

    #[tokio::test]
    async fn with_proxy_support() {
        let upstream = upstream().await;
        let proxy_config = WsProxyConfig { upstream_url: upstream.url(), ..Default::default() };

        // With proxy support
        let proxy_handler = WsProxyHandler::new(proxy_config);
        let app = router_with_proxy(proxy_handler);

        assert_eq!(answer(&TestServer::new(app).await, "/ws", "x").await, "upstream: x");
    }
}

mod replay_mode {
    use super::*;

    /// M03: the file of the document.
    #[tokio::test]
    async fn scripted_message_playback() {
        let script = r#"
{"ts":0,"dir":"out","text":"HELLO {{uuid}}","waitFor":"^CLIENT_READY$"}
{"ts":10,"dir":"out","text":"{\"type\":\"welcome\",\"sessionId\":\"{{uuid}}\"}"}
{"ts":20,"dir":"out","text":"{\"data\":{{randInt 1 100}}}","waitFor":"^ACK$"}
"#;
        let server = play(script, ReplayOptions::default()).await;
        let mut client = server.connect("/ws").await.unwrap();
        client.expect_silence(Duration::from_millis(100)).await.unwrap();
        client.send_text("CLIENT_READY").await.unwrap();
        let hello = client.recv_text().await.unwrap();
        assert_eq!(hello.strip_prefix("HELLO ").unwrap().len(), 36, "{hello}");
        let welcome = client.recv_json().await.unwrap();
        assert_eq!((&welcome["type"], welcome["sessionId"].as_str().unwrap().len()), (&"welcome".into(), 36));
        client.send_text("ACK").await.unwrap();
        let data = client.recv_json().await.unwrap()["data"].as_i64().unwrap();
        assert!((1..=100).contains(&data), "{data}");
    }
}

mod proxy_mode {
    use mockforge_ws::{
        Message, ProxyDirection, TransformFn, Transformed, WsProxyConfig, WsProxyHandler, router_with_proxy,
    };

    use super::*;

    /// Y03.
    #[tokio::test]
    async fn forward_messages_to_upstream_servers() {
        let transform_fn = TransformFn::new(|direction, message| match (direction, message) {
            (ProxyDirection::ToUpstream, Message::Text(text)) => {
                Transformed::Replace(Message::text(text.to_uppercase()))
            }
            _ => Transformed::Pass,
        });

        let proxy_config = WsProxyConfig {
            upstream_url: "wss://api.example.com/ws".to_string(),
            should_proxy: true,
            message_transform: Some(transform_fn),
            ..Default::default()
        };

        let upstream = upstream().await;
        let proxy_config = WsProxyConfig { upstream_url: upstream.url(), ..proxy_config };
        let server = TestServer::new(router_with_proxy(WsProxyHandler::new(proxy_config))).await;
        assert_eq!(answer(&server, "/ws/any/path", "hello").await, "upstream: HELLO");
    }
}

mod interactive_mode {
    use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
    use axum::routing::any;
    use mockforge_ws::{TestServer, router};

    async fn echo(mut socket: WebSocket) -> Result<(), axum::Error> {
        // Echo mode (default)
        while let Some(msg) = socket.recv().await {
            if let Ok(Message::Text(text)) = msg {
                let response = format!("echo: {}", text);
                socket.send(Message::Text(response.into())).await?;
            }
        }
        Ok(())
    }

    /// The default of our router answers as this loop does.
    #[tokio::test]
    async fn echo_mode_is_the_default() {
        let of_the_document = axum::Router::new().route(
            "/ws",
            any(|upgrade: WebSocketUpgrade| async {
                upgrade.on_upgrade(|socket| async {
                    let _ = echo(socket).await;
                })
            }),
        );
        for app in [of_the_document, router()] {
            let server = TestServer::new(app).await;
            let mut client = server.connect("/ws").await.unwrap();
            client.send_text("gr\u{fc}\u{df}e").await.unwrap();
            assert_eq!(client.recv_text().await.unwrap(), "echo: gr\u{fc}\u{df}e");
        }
    }
}

mod template_expansion {
    use super::*;

    #[tokio::test]
    async fn the_examples_of_the_document() {
        let options = ReplayOptions { clock: "2024-01-15T10:30:00Z".parse().unwrap(), ..ReplayOptions::default() };
        let server = play(
            r#"
{"text": "session_{{uuid}}"}
{"text": "{{now}}"}
{"text": "{{now+1h}}"}
{"text": "{{randInt 1 100}}"}
"#,
            options,
        )
        .await;
        let mut client = server.connect("/ws").await.unwrap();
        let session = client.recv_text().await.unwrap();
        let uuid = session.strip_prefix("session_").unwrap();
        let groups: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{session}");
        assert_eq!(client.recv_text().await.unwrap(), "2024-01-15T10:30:00Z");
        assert_eq!(client.recv_text().await.unwrap(), "2024-01-15T11:30:00Z");
        let random: i64 = client.recv_text().await.unwrap().parse().unwrap();
        assert!((1..=100).contains(&random), "{random}");
    }
}

mod jsonpath_matching {
    use super::*;

    /// M05.
    #[tokio::test]
    async fn the_entries_of_the_document() {
        let server = play(
            r#"
// Wait for specific message types
{"waitFor": "$.type", "text": "Type received: {{$.type}}"}

// Match nested object properties
{"waitFor": "$.user.id", "text": "User {{$.user.name}} authenticated"}

// Array element matching
{"waitFor": "$.items[0].status", "text": "First item status: {{$.items[0].status}}"}
"#,
            ReplayOptions::default(),
        )
        .await;
        let mut client = server.connect("/ws").await.unwrap();
        for (message, answer) in [
            (r#"{"type":"login"}"#, "Type received: login"),
            (r#"{"user":{"id":1,"name":"Ann"}}"#, "User Ann authenticated"),
            (r#"{"items":[{"status":"sold"}]}"#, "First item status: sold"),
        ] {
            client.send_text(message).await.unwrap();
            assert_eq!(client.recv_text().await.unwrap(), answer);
        }
    }
}

#[path = "websocket_crate/observability.rs"]
mod observability;

mod connection_pooling {
    use mockforge_ws::{Message, ProxyError, UpstreamPool, WsProxyConfig};

    use super::*;

    /// Y04.
    #[tokio::test]
    async fn connection_reuse_for_proxy_operations() -> Result<(), ProxyError> {
        let upstream = upstream().await;
        let upstream_url = upstream.url();
        let pool = UpstreamPool::new(&WsProxyConfig { connection_pool_size: 2, ..Default::default() })?;
        let message = Message::text("hello");

        // Connection reuse for proxy operations
        let connection = pool.get_connection(upstream_url).await?;
        connection.forward_message(message).await?;

        assert_eq!(connection.next().await?, Message::text("upstream: hello"));
        Ok(())
    }
}

mod message_buffering {
    use mockforge_ws::{BatchLimits, HandlerResult, Message, MessageBuffer};

    /// B02.
    #[tokio::test]
    async fn stream_processing() -> HandlerResult<()> {
        let (sender, receiver) = tokio::sync::mpsc::channel(1_000);
        let mut message_buffer = MessageBuffer::new(receiver, BatchLimits::default());
        for n in 0..1_000 {
            sender.send(Message::text(n.to_string())).await.unwrap();
        }
        drop(sender);
        let mut processed = Vec::new();
        let mut process_message = async |message| -> HandlerResult<()> {
            processed.push(message);
            Ok(())
        };

        // Stream processing for large message volumes
        while let Some(batch) = message_buffer.next_batch().await {
            for message in batch {
                process_message(message).await?;
            }
        }

        let expected: Vec<_> = (0..1_000).map(|n| Message::text(n.to_string())).collect();
        assert_eq!(processed, expected);
        Ok(())
    }
}

mod rate_limiting {
    use mockforge_ws::{HandlerResult, RateLimiter};

    use super::*;

    /// F06: the whole limit passes, then nothing, until the window is over.
    #[tokio::test(start_paused = true)]
    async fn configurable_message_rate_limits() -> HandlerResult<()> {
        let mut processed = Vec::new();
        let mut process_message = async |message| -> HandlerResult<()> {
            processed.push(message);
            Ok(())
        };

        let rate_limiter = RateLimiter::new(1000, Duration::from_secs(60)); // 1000 msg/min
        for message in 0..1_500 {
            if rate_limiter.check_limit().await {
                process_message(message).await?;
            }
        }

        assert_eq!(processed, (0..1_000).collect::<Vec<_>>());
        tokio::time::advance(Duration::from_millis(59_999)).await;
        assert!(!rate_limiter.check_limit().await);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(rate_limiter.check_limit().await);
        Ok(())
    }
}

// A crate root looks for its modules beside it, where each file would be a test binary of its own.
#[path = "websocket_crate/ai.rs"]
mod ai;

#[path = "websocket_crate/configuration.rs"]
mod configuration;

mod integration_tests {
    use futures_util::StreamExt;
    use mockforge_ws::router;
    use tokio_tungstenite::connect_async;
    use tokio_tungstenite::tungstenite::Message;

    use super::*;

    #[tokio::test]
    #[ignore = "plays the file in MOCKFORGE_WS_REPLAY_FILE; `the_recipe_with_its_replay_file` starts it"]
    async fn test_websocket_replay() -> Result<(), Box<dyn std::error::Error>> {
        // Start WebSocket server with replay file
        let server = TestServer::new(router()).await;

        // Connect test client
        let (mut ws_stream, _) = connect_async(server.url()).await?;

        // Verify replay sequence
        let msg = ws_stream.next().await.unwrap()?;
        assert_eq!(msg, Message::Text("HELLO test-session".into()));
        Ok(())
    }

    /// V01.
    #[tokio::test]
    async fn the_recipe_with_its_replay_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("replay.jsonl");
        fs::write(&file, r#"{"ts":0,"text":"HELLO test-session"}"#).unwrap();
        let variables = [("MOCKFORGE_WS_REPLAY_FILE", file.to_str().unwrap())];
        run_alone("integration_tests::test_websocket_replay", &variables).await;
    }
}

mod replay_file_validation {
    use mockforge_ws::{ReplayDirection, ReplayEntry};

    /// V02.
    #[test]
    fn test_replay_file_parsing() -> Result<(), serde_json::Error> {
        let replay_data = r#"{"ts":0,"text":"hello","waitFor":"ready"}"#;
        let entry: ReplayEntry = serde_json::from_str(replay_data)?;
        assert_eq!(entry.ts, 0);
        assert_eq!(entry.text, "hello");

        assert_eq!(entry.wait_for.as_deref(), Some("ready"));
        assert_eq!(entry.dir, ReplayDirection::Out);
        Ok(())
    }
}

mod error_handling {
    use std::sync::Arc;

    use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
    use axum::routing::any;
    use mockforge_ws::{
        HandlerRegistry, HandlerResult, WsContext, WsMessage, handler_fn, record_ws_error, router_with_handlers,
    };
    use serde_json::{Value, json};
    use tokio::sync::mpsc;
    use tracing::{error, info, warn};

    use super::*;

    async fn until_it_ends(mut socket: WebSocket) {
        loop {
            match socket.recv().await.transpose() {
                Ok(Some(Message::Close(frame))) => {
                    info!("Client closed connection: {:?}", frame);
                    break;
                }
                Err(e) => {
                    error!("WebSocket error: {}", e);
                    record_ws_error();
                    break;
                }
                _ => continue,
            }
        }
    }

    #[tokio::test]
    async fn connection_errors() {
        let (ended, mut has_ended) = mpsc::channel(1);
        let serve = async |upgrade: WebSocketUpgrade, ended: mpsc::Sender<()>| {
            upgrade.on_upgrade(async move |socket| {
                until_it_ends(socket).await;
                ended.send(()).await.unwrap();
            })
        };
        let app = axum::Router::new().route("/ws", any(move |upgrade| serve(upgrade, ended.clone())));
        let server = TestServer::new(app).await;

        let mut client = server.connect("/ws").await.unwrap();
        client.send_text("anything").await.unwrap();
        client.send(mockforge_ws::Message::Close(None)).await.unwrap();
        timeout(PATIENCE, has_ended.recv()).await.unwrap().unwrap();

        let gone = server.connect("/ws").await.unwrap();
        drop(gone);
        timeout(PATIENCE, has_ended.recv()).await.unwrap().unwrap();
    }

    async fn on_message(ctx: &WsContext, msg: WsMessage) -> HandlerResult<()> {
        let WsMessage::Text(text) = msg else { return Ok(()) };
        let send_error_response = |text| ctx.send_text(text);
        let process_json_message = async |json: Value| ctx.send_json(&json!({"got": json})).await.unwrap();

        match serde_json::from_str::<Value>(&text) {
            Ok(json) => process_json_message(json).await,
            Err(e) => {
                warn!("Invalid JSON message: {}", e);
                send_error_response("Invalid JSON format").await?;
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn message_processing_errors() {
        let registry = HandlerRegistry::new();
        registry.register(handler_fn(|ctx, msg| Box::pin(on_message(ctx, msg))));
        let server = TestServer::new(router_with_handlers(Arc::new(registry))).await;
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text("{").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "Invalid JSON format");
        client.send_text("[1]").await.unwrap();
        assert_eq!(client.recv_json().await.unwrap(), json!({"got": [1]}));
    }
}

#[path = "websocket_crate/usage_examples.rs"]
mod usage_examples;
