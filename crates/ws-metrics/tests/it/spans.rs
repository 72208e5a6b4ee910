//! Spans as OpenTelemetry gets them, and as logs show them.

use std::io;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, Status, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};
use ws_core::{Direction, EndStatus, Handshake, Message};
use ws_metrics::{
    create_ws_connection_span, create_ws_message_span, record_ws_connection_end, record_ws_message_failure,
    record_ws_message_success,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn handshake(target: &str, headers: &[(&'static str, &str)]) -> Handshake {
    let headers =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
    Handshake::new(target, headers.collect::<HeaderMap>(), Some("127.0.0.1:4711".parse().unwrap()))
}

/// What is exported of the spans that `work` makes, in the order in which they end.
fn exported(work: impl FnOnce()) -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    // Behind a filter of its own, as it is where logs have another one.
    let layer = layer.with_filter(EnvFilter::new("ws_span=debug"));
    tracing::subscriber::with_default(Registry::default().with(layer), work);
    exporter.get_finished_spans().unwrap()
}

fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let mut values = span.attributes.iter().filter(|attribute| attribute.key.as_str() == name);
    let value = values.next().map(|attribute| attribute.value.to_string());
    assert_eq!(values.next(), None, "{name} is there twice");
    value
}

#[test]
fn a_connection_has_its_name_and_attributes() {
    let spans = exported(|| {
        let span = create_ws_connection_span(&handshake("/ws/a%20b?token=secret", &[]));
        let _guard = span.enter();
        span.record("ws.connection.id", "c1");
        record_ws_connection_end(&span, EndStatus::ClientClose);
    });
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(span.name, "WS Connect /ws/a b");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.status, Status::Unset);
    for (name, expected) in [
        ("ws.path", "/ws/a b"),
        ("network.protocol.name", "websocket"),
        ("network.peer.address", "127.0.0.1:4711"),
        ("ws.connection.id", "c1"),
        ("ws.status", "client_close"),
    ] {
        assert_eq!(attribute(span, name).as_deref(), Some(expected), "{name}");
    }
    assert_eq!(attribute(span, "trace_id"), None);
    assert!(!format!("{span:?}").contains("secret"));
}

#[test]
fn messages_are_inside_their_connection() {
    let spans = exported(|| {
        let connection = create_ws_connection_span(&Request::get("/ws").body(()).unwrap());
        let _guard = connection.enter();
        let text = Message::text("h\u{e9}llo");
        record_ws_message_success(&create_ws_message_span(Direction::Inbound, &text), text.len());
        let binary = Message::binary("four");
        record_ws_message_failure(&create_ws_message_span(Direction::Outbound, &binary), binary.len(), &"no room");
    });
    let [inbound, outbound, connection] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(connection.name, "WS Connect /ws");
    for (span, name, direction, kind, size, status) in [
        (inbound, "WS Message inbound", "inbound", "text", 6, Status::Ok),
        (outbound, "WS Message outbound", "outbound", "binary", 4, Status::error("no room")),
    ] {
        assert_eq!(span.name, name);
        assert_eq!(span.parent_span_id, connection.span_context.span_id());
        assert_eq!(span.span_context.trace_id(), connection.span_context.trace_id());
        assert_eq!(attribute(span, "ws.direction").as_deref(), Some(direction));
        assert_eq!(attribute(span, "ws.message.type").as_deref(), Some(kind));
        assert!(span.attributes.contains(&KeyValue::new("ws.message.size", size)), "a number: {span:?}");
        assert_eq!(span.status, status);
    }
}

#[cfg(feature = "opentelemetry")]
#[test]
fn what_traceparent_names_is_the_parent() {
    let connect = |traceparent: &str| {
        let handshake = handshake("/ws", &[("traceparent", traceparent), ("tracestate", "vendor=1")]);
        exported(|| drop(create_ws_connection_span(&handshake)))
    };
    let spans = connect(&format!("00-{TRACE}-{PARENT}-01"));
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!(span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(span.parent_span_id.to_string(), PARENT);
    assert!(span.parent_span_is_remote);
    assert_eq!(span.span_context.trace_state().get("vendor"), Some("1"));
    assert_eq!(attribute(span, "trace_id").as_deref(), Some(TRACE));

    // Who says that a trace is not recorded is heard.
    assert!(connect(&format!("00-{TRACE}-{PARENT}-00")).is_empty());

    let spans = connect(&format!("00-{TRACE}-{PARENT}"));
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    assert_ne!(span.span_context.trace_id().to_string(), TRACE, "it breaks the rules");
    assert_eq!(span.parent_span_id, opentelemetry::trace::SpanId::INVALID);
}

/// How each way to end looks to who reads traces.
#[test]
fn failed_ends_are_errors() {
    for status in EndStatus::ALL.iter().copied() {
        let spans = exported(|| record_ws_connection_end(&create_ws_connection_span(&handshake("/", &[])), status));
        let is_fine = matches!(status, EndStatus::Normal | EndStatus::ClientClose | EndStatus::Shutdown);
        let expected = if is_fine { Status::Unset } else { Status::error(status.as_str()) };
        assert_eq!(spans[0].status, expected, "{status:?}");
    }
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged while there is a span, by a filter.
fn logged(filter: &str) -> String {
    let text = Text::default();
    let writer = text.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_span_events(FmtSpan::NONE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let span = create_ws_connection_span(&handshake("/ws", &[("traceparent", &format!("00-{TRACE}-{PARENT}-01"))]));
        let _guard = span.enter();
        tracing::info!("a line");
    });
    String::from_utf8(text.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn a_log_shows_the_trace_or_nothing_of_the_span() {
    let with = logged("info");
    assert!(with.contains(&format!("trace_id=\"{TRACE}\"")) && with.contains("a line"), "{with}");
    let without = logged("ws_span=off,info");
    assert!(!without.contains("WS Connect") && without.contains("a line"), "{without}");
}
