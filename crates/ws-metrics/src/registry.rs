//! The metrics of one server.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use prometheus::{
    HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry, TextEncoder, register_histogram_vec_with_registry,
    register_int_counter_vec_with_registry, register_int_counter_with_registry, register_int_gauge_with_registry,
};
use ws_core::EndStatus;

use crate::ai::AiMetrics;
use crate::{HandlerMetrics, StatusLabel};

/// The content type of what [`MetricsRegistry::render`] returns: the Prometheus text format 0.0.4.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The buckets of connection durations in seconds: from requests over sockets to connections that last a day.
const DURATION_BUCKETS: [f64; 12] = [0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0];

/// The metrics of one server. Clones count into the same ones.
///
/// The [crate's documentation](crate) lists the metrics and says what counts as an error. Those without labels, and all
/// durations, are there from the start, at 0; the others appear with the first of their kind.
#[derive(Clone)]
pub struct MetricsRegistry {
    registry: Registry,
    connections_active: IntGauge,
    connections_total: IntCounter,
    connection_duration: HistogramVec,
    messages_received: IntCounter,
    messages_sent: IntCounter,
    messages_skipped: IntCounter,
    handshakes_refused: IntCounterVec,
    reloads: IntCounterVec,
    faults: IntCounterVec,
    errors: IntCounter,
    handlers: HandlerMetrics,
    ai: AiMetrics,
}

impl MetricsRegistry {
    /// Metrics of their own, all at 0.
    #[must_use]
    pub fn new() -> Self {
        Self::register(Registry::new()).expect("the names below are valid and distinct")
    }

    fn register(registry: Registry) -> prometheus::Result<Self> {
        let connection_duration = register_histogram_vec_with_registry!(
            "mockforge_ws_connection_duration_seconds",
            "How long WebSocket connections were open, by what ended them.",
            &["status"],
            DURATION_BUCKETS.to_vec(),
            registry
        )?;
        for status in EndStatus::ALL {
            connection_duration.with_label_values(&[status.as_str()]);
        }
        Ok(Self {
            connections_active: register_int_gauge_with_registry!(
                "mockforge_ws_connections_active",
                "WebSocket connections that are open.",
                registry
            )?,
            connections_total: register_int_counter_with_registry!(
                "mockforge_ws_connections_total",
                "WebSocket connections that were accepted.",
                registry
            )?,
            connection_duration,
            messages_received: register_int_counter_with_registry!(
                "mockforge_ws_messages_received_total",
                "Text and binary messages taken from the wire.",
                registry
            )?,
            messages_sent: register_int_counter_with_registry!(
                "mockforge_ws_messages_sent_total",
                "Text and binary messages put on the wire.",
                registry
            )?,
            messages_skipped: register_int_counter_with_registry!(
                "mockforge_ws_messages_skipped_total",
                "Messages not sent because the client read too slowly.",
                registry
            )?,
            handshakes_refused: register_int_counter_vec_with_registry!(
                "mockforge_ws_handshakes_refused_total",
                "WebSocket handshakes that were refused, by HTTP status code.",
                &["code"],
                registry
            )?,
            reloads: register_int_counter_vec_with_registry!(
                "mockforge_ws_reloads_total",
                "Reloads of configuration, files and scripts, by how they came out.",
                &["outcome"],
                registry
            )?,
            faults: register_int_counter_vec_with_registry!(
                "mockforge_ws_faults_injected_total",
                "Faults of connections and messages that were injected on purpose, by name.",
                &["fault"],
                registry
            )?,
            errors: register_int_counter_with_registry!(
                "mockforge_ws_errors_total",
                "Failures of handlers, connections and handshakes.",
                registry
            )?,
            handlers: HandlerMetrics::register(&registry)?,
            ai: AiMetrics::register(&registry)?,
            registry,
        })
    }

    /// A connection was accepted.
    pub fn record_ws_connection_established(&self) {
        self.connections_total.inc();
        self.connections_active.inc();
    }

    /// A connection that was established has ended, `duration` after that. Whether this is an error, too, is for
    /// [`record_ws_error`](Self::record_ws_error) to say.
    pub fn record_ws_connection_closed(&self, duration: Duration, status: impl Into<StatusLabel>) {
        self.connections_active.dec();
        self.connection_duration.with_label_values(&[status.into().as_str()]).observe(duration.as_secs_f64());
    }

    /// A text or binary message was taken from the wire.
    pub fn record_ws_message_received(&self) {
        self.messages_received.inc();
    }

    /// A text or binary message was put on the wire.
    pub fn record_ws_message_sent(&self) {
        self.messages_sent.inc();
    }

    /// `count` text or binary messages were put on the wire.
    pub fn record_ws_messages_sent(&self, count: u64) {
        self.messages_sent.inc_by(count);
    }

    /// `count` messages were not sent because the client read too slowly.
    pub fn record_ws_messages_skipped(&self, count: u64) {
        self.messages_skipped.inc_by(count);
    }

    /// A handshake was refused.
    pub fn record_ws_handshake_refused(&self, code: StatusCode) {
        self.handshakes_refused.with_label_values(&[code.as_str()]).inc();
    }

    /// Configuration, files and scripts were looked at again; there are few outcomes.
    pub fn record_ws_reload(&self, outcome: &str) {
        self.reloads.with_label_values(&[outcome]).inc();
    }

    /// A fault was injected on purpose; there are few names.
    pub fn record_ws_fault(&self, name: &str) {
        self.faults.with_label_values(&[name]).inc();
    }

    /// What is counted of single handlers.
    #[must_use]
    pub fn handlers(&self) -> &HandlerMetrics {
        &self.handlers
    }

    /// A provider of generated events was called, or its answer was in the cache; there are few outcomes.
    pub fn record_ws_ai_call(&self, outcome: &str) {
        self.ai.calls.with_label_values(&[outcome]).inc();
    }

    /// A call has cost so many tokens: those of the request, and those of the answer.
    pub fn record_ws_ai_tokens(&self, prompt: u64, completion: u64) {
        for (kind, count) in [("prompt", prompt), ("completion", completion)] {
            self.ai.tokens.with_label_values(&[kind]).inc_by(count);
        }
    }

    /// An event was generated, for a client.
    pub fn record_ws_ai_event(&self) {
        self.ai.events.inc();
    }

    /// Something that a provider wrote was not taken; there are few reasons.
    pub fn record_ws_ai_rejected(&self, reason: &str) {
        self.ai.rejected.with_label_values(&[reason]).inc();
    }

    /// Something failed.
    pub fn record_ws_error(&self) {
        self.errors.inc();
    }

    /// All metrics as they are now, in the Prometheus text format 0.0.4; see [`CONTENT_TYPE`].
    #[must_use]
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).expect("what was gathered has names and values")
    }
}

impl Default for MetricsRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MetricsRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsRegistry")
            .field("connections_active", &self.connections_active.get())
            .field("connections_total", &self.connections_total.get())
            .field("errors", &self.errors.get())
            .finish_non_exhaustive()
    }
}
