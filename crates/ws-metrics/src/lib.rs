//! Counting what WebSocket sessions do, for Prometheus, and tracing it.
//!
//! A [`MetricsRegistry`] is a [`SessionObserver`](ws_core::SessionObserver): given to a server, it counts by itself,
//! and [`render`](MetricsRegistry::render) is the answer to a scrape. Who writes a session engine of their own can
//! call its `record_ws_*` methods instead; nothing should do both for the same session.
//!
//! | metric | kind | counts |
//! |---|---|---|
//! | `mockforge_ws_connections_active` | gauge | connections that are open |
//! | `mockforge_ws_connections_total` | counter | connections that were accepted |
//! | `mockforge_ws_connection_duration_seconds{status}` | histogram | connections that ended, by [`EndStatus`](ws_core::EndStatus) |
//! | `mockforge_ws_messages_received_total` | counter | text and binary messages taken from the wire |
//! | `mockforge_ws_messages_sent_total` | counter | text and binary messages put on the wire |
//! | `mockforge_ws_messages_skipped_total` | counter | messages not sent because the client read too slowly |
//! | `mockforge_ws_handshakes_refused_total{code}` | counter | handshakes refused, by HTTP status code; a series appears with the first refusal |
//! | `mockforge_ws_handler_calls_total{handler,call}` | counter | calls of handlers by their label: `on_connect`, `on_message`, `on_disconnect` |
//! | `mockforge_ws_handler_errors_total{handler,call}` | counter | those of them that ended with an error, a panic or a time-out |
//! | `mockforge_ws_handler_duration_seconds{handler}` | histogram | how long handlers took for a message |
//! | `mockforge_ws_faults_injected_total{fault}` | counter | faults of connections and messages that were injected on purpose |
//! | `mockforge_ws_reloads_total{outcome}` | counter | reloads: `ok`, `unchanged`, or `failed`, after which everything is as it was |
//! | `mockforge_ws_ai_calls_total{outcome}` | counter | calls of providers of generated events, by how they came out |
//! | `mockforge_ws_ai_tokens_total{kind}` | counter | tokens of these calls: `prompt` and `completion` |
//! | `mockforge_ws_ai_events_total` | counter | events that were generated |
//! | `mockforge_ws_ai_rejected_total{reason}` | counter | what a provider wrote and was not taken |
//! | `mockforge_ws_errors_total` | counter | failures, see below |
//!
//! # What is an error
//! Each failure counts once:
//! - an error, panic or time-out of a handler, when it happens; a connection that ends with `handler_error` because of
//!   it adds nothing;
//! - a connection that ends with `error`, `send_error`, `proxy_error` or `slow_consumer`;
//! - a handshake refused with a 5xx code. One refused with another code is the client's affair.
//!
//! # Spans
//! [`create_ws_connection_span`] and [`create_ws_message_span`] make the spans that the server's sessions run in. What a
//! client says of its trace is the parent, and can be [read](trace_id) by others.
//!
//! Nothing here starts a task, waits or logs, but the exporter of the feature `otlp`, which opens a socket, too. For a
//! message, counting is one atomic addition.

mod ai;
mod global;
mod handlers;
mod observer;
#[cfg(feature = "otlp")]
mod otlp;
mod registry;
#[cfg(feature = "opentelemetry")]
mod remote_parent;
mod span;
mod status;
mod trace_context;

pub use global::{get_global_registry, record_ws_error};
pub use handlers::{HandlerCall, HandlerMeter, HandlerMetrics, MeteredCall};
#[cfg(feature = "otlp")]
pub use otlp::{OtlpError, OtlpTraces};
pub use registry::{CONTENT_TYPE, MetricsRegistry};
pub use span::{
    SPAN_TARGET, UpgradeRequest, create_ws_connection_span, create_ws_message_span, record_ws_connection_end,
    record_ws_message_failure, record_ws_message_success,
};
pub use status::StatusLabel;
pub use trace_context::trace_id;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
