//! What a registry counts when it watches sessions.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;
use ws_core::engine::outbound_queue;
use ws_core::{
    Connection, Direction, EndStatus, Extensions, Fanout, HandlerError, Handshake, Message, ObservedFrame, ObservedRun,
    Origin, QueueLimits, SessionEnd, SessionObserver, WhenFull,
};
use ws_metrics::MetricsRegistry;

use crate::scrape::value;

fn handshake() -> Handshake {
    Handshake::new("/ws", HeaderMap::new(), None)
}

fn connection() -> Arc<Connection> {
    Arc::new(Connection::new(handshake(), None, Extensions::default()))
}

fn end(status: EndStatus) -> SessionEnd {
    SessionEnd::new(status, None, Duration::from_millis(2500))
}

fn errors(metrics: &MetricsRegistry) -> f64 {
    value(metrics, "mockforge_ws_errors_total")
}

/// O02: text and binary count, each once and in its direction; control frames do not.
#[test]
fn text_and_binary_count_once_in_their_direction() {
    let metrics = MetricsRegistry::new();
    let connection = connection();
    let see = |direction, message: Message| {
        metrics.on_frame(&connection, ObservedFrame::new(direction, Origin::Handler, &message, Instant::now()));
    };
    for direction in [Direction::Inbound, Direction::Outbound] {
        see(direction, Message::Ping("p".into()));
        see(direction, Message::Pong("p".into()));
        see(direction, Message::Close(None));
    }
    assert_eq!(value(&metrics, "mockforge_ws_messages_received_total"), 0.0);
    assert_eq!(value(&metrics, "mockforge_ws_messages_sent_total"), 0.0);

    for _ in 0..3 {
        see(Direction::Inbound, Message::text("x"));
    }
    see(Direction::Inbound, Message::binary("x"));
    see(Direction::Outbound, Message::text(""));
    see(Direction::Outbound, Message::binary(""));
    assert_eq!(value(&metrics, "mockforge_ws_messages_received_total"), 4.0);
    assert_eq!(value(&metrics, "mockforge_ws_messages_sent_total"), 2.0);
}

/// O02: what goes to many counts for each who gets it.
#[test]
fn messages_that_others_get_too_count_as_all_else() {
    let metrics = MetricsRegistry::new();
    let (sender, mut queue) = outbound_queue(QueueLimits::default());
    let mut fanout = Fanout::new();
    for message in [Message::text("x"), Message::binary("x"), Message::Ping("p".into()), Message::text("y")] {
        fanout.send(message, WhenFull::Cut, 1, |_| Some(&sender), |_, _| panic!("it was refused"));
    }
    let connection = connection();
    while queue.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready() {
        let (messages, origin) = queue.front_shared().unwrap();
        metrics.on_run(&connection, ObservedRun::new(origin, messages, Instant::now(), 1));
        let count = messages.len();
        queue.skip(count);
    }
    assert_eq!(value(&metrics, "mockforge_ws_messages_sent_total"), 3.0);
}

/// O03 and O04: whatever ends a connection, the gauge goes back and the duration is filed under that status alone.
#[test]
fn every_end_frees_the_gauge_and_is_filed_under_its_status() {
    let metrics = MetricsRegistry::new();
    let connection = connection();
    for (n, status) in EndStatus::ALL.iter().copied().enumerate() {
        metrics.on_open(&connection);
        assert_eq!(value(&metrics, "mockforge_ws_connections_active"), 1.0);
        metrics.on_end(&connection, &end(status));
        assert_eq!(value(&metrics, "mockforge_ws_connections_active"), 0.0);
        assert_eq!(value(&metrics, "mockforge_ws_connections_total"), (n + 1) as f64);
    }
    for status in EndStatus::ALL.iter().map(|status| status.as_str()) {
        let series = |suffix: &str| format!("mockforge_ws_connection_duration_seconds_{suffix}{{status=\"{status}\"}}");
        assert_eq!(value(&metrics, &series("count")), 1.0, "{status}");
        assert_eq!(value(&metrics, &series("sum")), 2.5, "{status}");
    }
}

#[test]
fn each_kind_of_failure_counts_once() {
    let check = |status, with_handler_error, expected| {
        let metrics = MetricsRegistry::new();
        let connection = connection();
        metrics.on_open(&connection);
        if with_handler_error {
            metrics.on_handler_error(&connection, &HandlerError::Generic("panic".into()));
        }
        metrics.on_end(&connection, &end(status));
        assert_eq!(errors(&metrics), expected, "{status:?}");
    };
    check(EndStatus::Normal, false, 0.0);
    check(EndStatus::ClientClose, false, 0.0);
    check(EndStatus::Shutdown, false, 0.0);
    check(EndStatus::Error, false, 1.0);
    check(EndStatus::SendError, false, 1.0);
    check(EndStatus::ProxyError, false, 1.0);
    check(EndStatus::SlowConsumer, false, 1.0);
    // The handler's error ended it: one failure.
    check(EndStatus::HandlerError, true, 1.0);
    // The handler's error was survived.
    check(EndStatus::ClientClose, true, 1.0);
    // Two failures: the handler's, and later the socket's.
    check(EndStatus::SendError, true, 2.0);
}

#[test]
fn refused_handshakes_count_by_code_and_are_errors_from_500_on() {
    let metrics = MetricsRegistry::new();
    for (code, errors_after) in [(401, 0.0), (404, 0.0), (426, 0.0), (500, 1.0), (503, 2.0), (503, 3.0)] {
        metrics.on_refuse(&handshake(), StatusCode::from_u16(code).unwrap());
        assert_eq!(errors(&metrics), errors_after, "{code}");
    }
    assert_eq!(value(&metrics, r#"mockforge_ws_handshakes_refused_total{code="401"}"#), 1.0);
    assert_eq!(value(&metrics, r#"mockforge_ws_handshakes_refused_total{code="503"}"#), 2.0);
    assert_eq!(value(&metrics, "mockforge_ws_connections_total"), 0.0, "a refused handshake is no connection");
}

#[test]
fn skipped_messages_are_neither_sent_nor_errors() {
    let metrics = MetricsRegistry::new();
    metrics.on_skip(&connection(), 7);
    metrics.on_skip(&connection(), 2);
    assert_eq!(value(&metrics, "mockforge_ws_messages_skipped_total"), 9.0);
    assert_eq!(value(&metrics, "mockforge_ws_messages_sent_total"), 0.0);
    assert_eq!(errors(&metrics), 0.0);
}

#[test]
fn faults_are_counted_by_name() {
    let metrics = MetricsRegistry::new();
    for name in ["reset", "drop", "reset"] {
        metrics.on_fault(&connection(), name);
    }
    assert_eq!(value(&metrics, "mockforge_ws_faults_injected_total{fault=\"reset\"}"), 2.0);
    assert_eq!(value(&metrics, "mockforge_ws_faults_injected_total{fault=\"drop\"}"), 1.0);
    assert_eq!(errors(&metrics), 0.0);
}
