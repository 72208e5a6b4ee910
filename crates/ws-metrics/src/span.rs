//! The spans of connections and messages: their names, their attributes, and how they come out.
//!
//! They have targets of their own, so that a filter can have them without what is logged, and the other way round. Where no
//! subscriber wants them, making one is a single load. Nothing here tells a subscriber what a message says.

use std::fmt::Display;
use std::net::SocketAddr;

use http::{HeaderMap, Request};
use tracing::{Span, debug_span, field, info_span};
use ws_core::{Direction, EndStatus, Handshake, Message};

use crate::observer::is_error;
use crate::trace_context::TraceParent;

/// What both targets begin with: the filter `ws_span=debug` has all spans, `ws_span=info` those of connections.
pub const SPAN_TARGET: &str = "ws_span";

/// What a connection begins with: the request for it.
pub trait UpgradeRequest {
    /// The path, without the query, which may have secrets.
    fn path(&self) -> &str;

    /// Its headers.
    fn headers(&self) -> &HeaderMap;

    /// Who has sent it, where that is known.
    fn peer(&self) -> Option<SocketAddr> {
        None
    }
}

impl<T> UpgradeRequest for Request<T> {
    fn path(&self) -> &str {
        self.uri().path()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
}

impl UpgradeRequest for Handshake {
    fn path(&self) -> &str {
        self.path()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer()
    }
}

/// The span of a connection, `WS Connect {path}`, at level INFO with target `ws_span::connection`. What the request's
/// `traceparent` names is its parent; one that breaks the rules is ignored. It is inside no other span of this process: a
/// connection outlives the request that it begins with.
///
/// | attribute | |
/// |---|---|
/// | `ws.path` | where the client has connected |
/// | `network.protocol.name` | `websocket` |
/// | `network.peer.address` | the client's, with its port; where that is known |
/// | `trace_id` | the trace that the client belongs to, if it says so |
/// | `ws.connection.id`, `ws.status` | for who knows them to record: the server does |
///
/// Subscribers that know no parents beyond this process have the trace in `trace_id`; that it becomes the parent for
/// OpenTelemetry needs the feature `opentelemetry`.
///
/// ```
/// use ws_metrics::{create_ws_connection_span, record_ws_message_success};
///
/// let request = http::Request::get("/ws/chat").body(())?;
/// let message = "hello";
///
/// let span = create_ws_connection_span(&request);
/// let _guard = span.enter();
/// // Connection handling with tracing context
/// record_ws_message_success(&span, message.len());
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub fn create_ws_connection_span(request: &impl UpgradeRequest) -> Span {
    let parent = || TraceParent::of(request.headers());
    let span = info_span!(
        target: "ws_span::connection",
        parent: None,
        "WS Connect",
        otel.name = %format_args!("WS Connect {}", request.path()),
        otel.kind = "server",
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
        ws.path = request.path(),
        network.protocol.name = "websocket",
        network.peer.address = request.peer().map(field::display),
        trace_id = parent().map(|parent| parent.trace_id),
        ws.connection.id = field::Empty,
        ws.message.size = field::Empty,
        ws.status = field::Empty,
    );
    #[cfg(feature = "opentelemetry")]
    if !span.is_disabled()
        && let Some(parent) = parent()
    {
        crate::remote_parent::adopt(&span, &parent, request.headers());
    }
    span
}

/// The span of a message, `WS Message inbound` or `WS Message outbound`, at level DEBUG with target `ws_span::message`,
/// inside the span that is entered now.
///
/// | attribute | |
/// |---|---|
/// | `ws.direction` | `inbound` or `outbound` |
/// | `ws.message.type` | `text`, `binary`, `ping`, `pong` or `close` |
/// | `ws.message.size` | in bytes; with [`record_ws_message_success`] or [`record_ws_message_failure`] |
#[must_use]
pub fn create_ws_message_span(direction: Direction, message: &Message) -> Span {
    let inbound = direction == Direction::Inbound;
    debug_span!(
        target: "ws_span::message",
        "WS Message",
        otel.name = if inbound { "WS Message inbound" } else { "WS Message outbound" },
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
        ws.direction = if inbound { "inbound" } else { "outbound" },
        ws.message.type = kind(message),
        ws.message.size = field::Empty,
    )
}

fn kind(message: &Message) -> &'static str {
    match message {
        Message::Text(_) => "text",
        Message::Binary(_) => "binary",
        Message::Ping(_) => "ping",
        Message::Pong(_) => "pong",
        Message::Close(_) => "close",
    }
}

/// Says that a message of so many bytes came through: handlers have taken it, or it is on its way to the client.
pub fn record_ws_message_success(span: &Span, message_size: usize) {
    record_size(span, message_size);
    span.record("otel.status_code", "OK");
}

/// Says that a message of so many bytes did not come through, and why.
pub fn record_ws_message_failure(span: &Span, message_size: usize, failure: &dyn Display) {
    record_size(span, message_size);
    record_failure(span, failure);
}

fn record_size(span: &Span, size: usize) {
    // OpenTelemetry's numbers have a sign: others would become text.
    span.record("ws.message.size", i64::try_from(size).unwrap_or(i64::MAX));
}

/// Says how a connection has ended: `ws.status`, and the status of the span.
pub fn record_ws_connection_end(span: &Span, status: EndStatus) {
    span.record("ws.status", status.as_str());
    if is_error(status) || status == EndStatus::HandlerError {
        record_failure(span, &status.as_str());
    }
}

fn record_failure(span: &Span, failure: &dyn Display) {
    span.record("otel.status_code", "ERROR");
    span.record("otel.status_description", field::display(failure));
}
