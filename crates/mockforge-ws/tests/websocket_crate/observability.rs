//! The snippets of "Observability": metrics and spans.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::run_alone;

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

/// O05. Who listens to spans is chosen for a whole process.
#[tokio::test]
async fn tracing_integration() {
    run_alone("observability::tracing_integration_alone", &[]).await;
}

#[test]
#[ignore = "`tracing_integration` starts it in a process of its own"]
fn tracing_integration_alone() {
    use axum::http::Request;
    use mockforge_ws::{create_ws_connection_span, record_ws_message_success};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();

    let request = Request::get("/ws/chat?token=secret").body(()).unwrap();
    let message_size = "hello".len();

    let span = create_ws_connection_span(&request);
    let _guard = span.enter();
    // Connection handling with tracing context
    record_ws_message_success(&span, message_size);

    tracing::info!("a line");
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for part in ["WS Connect /ws/chat", "ws.path=\"/ws/chat\"", "websocket", "ws.message.size=5", "a line"] {
        assert!(logged.contains(part), "{part}: {logged}");
    }
    assert!(!logged.contains("secret"), "{logged}");
}
