//! The Rust snippets of the document "WebSocket Crate", in its order and as they are written there, but for layout: those
//! of what exists today. Added are only imports, functions to stand in, what `?` returns to, and assertions.
//!
//! Latency, proxy, AI events, tracing spans, connection pooling and rate limiting come with their crates. The exceptions
//! among the others:
//!
//! - Replay Mode, Template Expansion and JSONPath Matching show data, not code: it is played.
//! - Interactive Mode and Connection Errors show a loop over a socket that is axum's, not ours: it runs as a route of axum.
//!   The document has `recv()` in two shapes; Connection Errors is given its own by `.transpose()`.
//! - Logging shows lines of the server's own log; the tests of `ws-server` look for them.
//! - WebSocket Server Config shows a declaration; it is compared with ours by using it with exactly those types.
//!   `proxy_config` and `ai_config` come with their crates.
//! - Integration Tests: the stream must be `mut`, and the replay file stands in the environment, so the recipe runs in a
//!   process of its own.
#![allow(clippy::uninlined_format_args, reason = "as the document has it")]
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

use std::fs;
use std::time::Duration;

use mockforge_ws::{ReplayHandler, ReplayOptions, ReplayScript, TestServer, WsServer};

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that plays a script.
async fn play(script: &str, options: ReplayOptions) -> TestServer {
    let script = ReplayScript::parse(script, "document.jsonl").unwrap();
    TestServer::start(WsServer::builder().handler(ReplayHandler::new(script.into(), options)).build().unwrap()).await
}

mod websocket_router {
    use mockforge_ws::{TestServer, router};

    /// A01, A02.
    #[tokio::test]
    async fn basic_websocket_router() {
        // Basic WebSocket router
        let app = router();

        let server = TestServer::new(app).await;
        for path in ["/ws", "/ws/x/y"] {
            let mut client = server.connect(path).await.unwrap();
            client.send_text("x").await.unwrap();
            assert_eq!(client.recv_text().await.unwrap(), "echo: x");
        }
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

mod observability {
    use super::*;

    /// O01. The registry is that of the process, which other tests use too: the duration is one that no test reaches.
    #[test]
    fn metrics_collection() {
        use mockforge_ws::get_global_registry;

        let duration = Duration::from_secs(1_000_000);
        let status = "normal";

        let registry = get_global_registry();
        registry.record_ws_connection_established();
        registry.record_ws_message_received();
        registry.record_ws_message_sent();
        registry.record_ws_connection_closed(duration, status);

        let counted = |name: &str| -> f64 {
            let text = registry.render();
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        assert!(counted("mockforge_ws_connections_total ") >= 1.0);
        assert!(counted("mockforge_ws_messages_received_total ") >= 1.0);
        assert!(counted("mockforge_ws_messages_sent_total ") >= 1.0);
        assert!(counted("mockforge_ws_connection_duration_seconds_sum{status=\"normal\"} ") >= 1_000_000.0);
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

mod websocket_server_config {
    use std::path::PathBuf;

    use super::*;

    /// K01, as far as its modes exist.
    #[test]
    fn has_what_is_declared() {
        use mockforge_ws::WsConfig;

        let (port, max_connections, max_message_size): (u16, usize, usize) = (3001, 10, 1024);
        let heartbeat_interval: Duration = Duration::from_secs(5);
        let replay_file: Option<PathBuf> = Some("missing.jsonl".into());
        let config =
            WsConfig { port, max_connections, max_message_size, heartbeat_interval, replay_file, ..Default::default() };
        let refused = WsServer::builder().config(config).build().err().unwrap();
        assert!(refused.to_string().starts_with("missing.jsonl: "), "{refused}");
    }
}

mod integration_tests {
    use futures_util::StreamExt;
    use mockforge_ws::router;
    use tokio::process::Command;
    use tokio::time::timeout;
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
        let mut recipe = Command::new(std::env::current_exe().unwrap());
        recipe.args(["integration_tests::test_websocket_replay", "--exact", "--include-ignored"]);
        recipe.env("MOCKFORGE_WS_REPLAY_FILE", file).kill_on_drop(true);
        let output = timeout(PATIENCE, recipe.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
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
    use tokio::time::timeout;
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
