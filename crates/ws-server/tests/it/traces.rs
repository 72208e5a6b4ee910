//! The spans of connections and messages, as OpenTelemetry exports them.

use opentelemetry::trace::{SpanId, SpanKind, Status};
use ws_conditions::Conditions;
use ws_core::{HandlerError, WsMessage};
use ws_server::{WsConfig, WsServer};
use ws_testing::TestClient;

use crate::eventually::eventually;
use crate::exported_spans::{ExportedSpans, attribute};
use crate::log_lines::LogLines;
use crate::programmed::Programmed;
use crate::raw_client::{Frame, RawClient};
use crate::scrape::all_ended;
use crate::serving::{serve, serve_handler};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// O05: one span of the connection and one of each message, inside it, with the documented names and attributes; control
/// frames have none.
#[tokio::test]
async fn a_connection_and_its_messages_are_spans() {
    let spans = ExportedSpans::capture();
    let server = serve(WsServer::builder()).await;
    let mut client = RawClient::open(server.address(), "/ws/traced?token=secret").await;
    let peer = client.socket().local_addr().unwrap().to_string();
    for frame in [Frame::text("12345"), Frame::new(Frame::BINARY, vec![0; 300]), Frame::new(Frame::PING, [])] {
        client.send(frame).await;
        client.recv().await.unwrap();
    }
    client.send(Frame::close(1000, b"")).await;
    client.recv_close().await;
    all_ended(&server).await;
    eventually("the connection's span has ended", || spans.all().len() == 5).await;

    let connections = spans.named("WS Connect /ws/traced");
    let [connection] = connections.as_slice() else { panic!("{connections:?}") };
    assert_eq!(connection.span_kind, SpanKind::Server);
    assert_eq!(connection.parent_span_id, SpanId::INVALID);
    for (name, expected) in [
        ("ws.path", "/ws/traced"),
        ("network.protocol.name", "websocket"),
        ("network.peer.address", &peer),
        ("ws.status", "client_close"),
    ] {
        assert_eq!(attribute(connection, name).as_deref(), Some(expected), "{name}");
    }
    assert!(attribute(connection, "ws.connection.id").is_some_and(|id| !id.is_empty()));
    for (direction, sizes) in [("inbound", ["5", "300"]), ("outbound", ["11", "300"])] {
        let messages = spans.named(&format!("WS Message {direction}"));
        assert_eq!(messages.len(), 2, "{messages:?}");
        for ((message, size), kind) in messages.iter().zip(sizes).zip(["text", "binary"]) {
            assert_eq!(message.parent_span_id, connection.span_context.span_id());
            assert_eq!(attribute(message, "ws.direction").as_deref(), Some(direction));
            assert_eq!(attribute(message, "ws.message.type").as_deref(), Some(kind));
            assert_eq!(attribute(message, "ws.message.size").as_deref(), Some(size));
            assert_eq!(message.status, Status::Ok);
        }
    }
    let exported = format!("{:?}", spans.all());
    assert!(!exported.contains("12345") && !exported.contains("secret"), "payloads and queries: {exported}");
}

/// O06: the client's span is the parent of its connection's; a header that breaks the rules is ignored, and refuses nobody.
#[tokio::test]
async fn the_clients_trace_goes_on() {
    let spans = ExportedSpans::capture();
    let server = serve(WsServer::builder()).await;
    let connect = async |path: &str, traceparent: &str| {
        let url = format!("ws://{}{path}", server.address());
        let mut client = TestClient::builder().header("traceparent", traceparent).connect(&url).await.unwrap();
        client.send_text("x").await.unwrap();
        client.recv_text().await.unwrap();
        client.close(1000, "").await.unwrap();
        let name = format!("WS Connect {path}");
        eventually("the connection's span has ended", || spans.named(&name).len() == 1).await;
        spans.named(&name).remove(0)
    };
    let connection = connect("/ws/valid", &format!("00-{TRACE}-{PARENT}-01")).await;
    assert_eq!(connection.span_context.trace_id().to_string(), TRACE);
    assert_eq!(connection.parent_span_id.to_string(), PARENT);
    let messages = spans.all().into_iter().filter(|span| span.name.starts_with("WS Message"));
    assert_eq!(messages.filter(|span| span.span_context.trace_id().to_string() == TRACE).count(), 2);

    let connection = connect("/ws/invalid", &format!("00-{TRACE}-{PARENT}-1")).await;
    assert_ne!(connection.span_context.trace_id().to_string(), TRACE);
    assert_eq!(connection.parent_span_id, SpanId::INVALID);
}

/// How a message came out is the status of its span, also where nobody survives it.
#[tokio::test]
async fn failures_are_errors_of_their_spans() {
    let spans = ExportedSpans::capture();
    let server = serve_handler(Programmed::new().on_message(|_, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) if text == "fail" => Err(HandlerError::Generic("no word".into())),
                WsMessage::Text(text) if text == "panic" => panic!("on purpose"),
                WsMessage::Text(text) if text == "hang" => std::future::pending().await,
                _ => Ok(()),
            }
        })
    }))
    .await;
    for (text, expected, ends) in [
        ("fail", "Handler error: no word", "client_close"),
        ("panic", "it was cut short", "handler_error"),
        ("hang", "it was cut short", "client_close"),
    ] {
        let path = format!("/ws/{text}");
        let mut client = RawClient::open(server.address(), &path).await;
        client.send(Frame::text(text)).await;
        client.send(Frame::close(1000, b"")).await;
        client.recv_close().await;
        let name = format!("WS Connect {path}");
        eventually("the connection's span has ended", || spans.named(&name).len() == 1).await;
        let connection = spans.named(&name).remove(0);
        assert_eq!(attribute(&connection, "ws.status").as_deref(), Some(ends), "{text}");
        let status = if ends == "client_close" { Status::Unset } else { Status::error(ends) };
        assert_eq!(connection.status, status, "{text}");
        let messages = spans.named("WS Message inbound");
        let inside = |message: &&_| is_inside(message, &connection);
        let message = messages.iter().find(inside).unwrap();
        assert_eq!(message.status, Status::error(expected), "{text}");
        assert_eq!(attribute(message, "ws.message.size"), Some(text.len().to_string()));
    }
}

fn is_inside(span: &opentelemetry_sdk::trace::SpanData, parent: &opentelemetry_sdk::trace::SpanData) -> bool {
    span.parent_span_id == parent.span_context.span_id()
}

/// A time-out of a handler is the reason that its message's span has.
#[tokio::test]
async fn a_handler_that_takes_too_long_is_an_error_of_its_span() {
    let spans = ExportedSpans::capture();
    let config = WsConfig { handler_timeout: Some(std::time::Duration::from_millis(20)), ..WsConfig::default() };
    let hangs = Programmed::new().on_message(|_, _| Box::pin(std::future::pending()));
    let server = serve(WsServer::builder().config(config).handler(hangs)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1011);
    drop(client);
    all_ended(&server).await;
    let messages = spans.named("WS Message inbound");
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].status, Status::error("on_message: it took longer than 20ms"));
}

/// A message that the simulated network changes only in its frames is a message on the wire, and has its span.
#[tokio::test]
async fn messages_through_a_simulated_network_have_spans() {
    let spans = ExportedSpans::capture();
    let conditions: Conditions = serde_json::from_value(serde_json::json!({ "faults": [
        { "fault": "fragment", "parts": 3 },
    ]}))
    .unwrap();
    let server = serve(WsServer::builder().conditions(conditions)).await;
    let mut client = server.connect("/ws").await.unwrap();
    for _ in 0..3 {
        client.send_text("x").await.unwrap();
        client.recv_text().await.unwrap();
    }
    assert_eq!(spans.named("WS Message inbound").len(), 3);
    assert_eq!(spans.named("WS Message outbound").len(), 3);
}

/// What is logged of a connection is logged inside its span, which names the trace of the client.
#[tokio::test]
async fn lines_of_a_connection_name_its_trace() {
    let log = LogLines::capture();
    let server = serve_handler(Programmed::new().on_message(|_, _| {
        Box::pin(async {
            tracing::info!("a line of the handler");
            Ok(())
        })
    }))
    .await;
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let mut client = TestClient::builder().header("traceparent", &traceparent).connect(&server.url()).await.unwrap();
    client.send_text("x").await.unwrap();
    client.close(1000, "").await.unwrap();
    all_ended(&server).await;
    for line in ["WebSocket connection established", "a line of the handler", "WebSocket connection closed"] {
        let lines = log.with(line);
        assert_eq!(lines.len(), 1, "{:?}", log.all());
        assert!(lines[0].contains(&format!("trace_id=\"{TRACE}\"")), "{}", lines[0]);
    }
}
