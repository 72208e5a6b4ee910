//! What OpenTelemetry exports of the spans on the thread of a test, and so of the servers that it runs.

use std::cell::RefCell;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::log_lines;

thread_local! {
    static SPANS: RefCell<Option<Vec<SpanData>>> = const { RefCell::new(None) };
}

/// Keeps the spans that end on this thread, from its making on.
pub(crate) struct ExportedSpans(());

impl ExportedSpans {
    pub(crate) fn capture() -> Self {
        log_lines::install_subscriber();
        SPANS.set(Some(Vec::new()));
        Self(())
    }

    /// Those that have ended so far, in this order.
    pub(crate) fn all(&self) -> Vec<SpanData> {
        SPANS.with_borrow(|spans| spans.clone().unwrap_or_default())
    }

    /// Those with this name.
    pub(crate) fn named(&self, name: &str) -> Vec<SpanData> {
        self.all().into_iter().filter(|span| span.name == name).collect()
    }
}

impl Drop for ExportedSpans {
    fn drop(&mut self) {
        SPANS.set(None);
    }
}

/// An attribute's value, as text.
pub(crate) fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
    found.map(|attribute| attribute.value.to_string())
}

/// The layer that gives spans to OpenTelemetry: those that the threads of tests want.
pub(crate) fn layer<S: Subscriber + for<'s> LookupSpan<'s>>() -> impl Layer<S> {
    let provider = SdkTracerProvider::builder().with_simple_exporter(ThisThread).build();
    let is_captured = dynamic_filter_fn(|metadata, _| {
        SPANS.with_borrow(Option::is_some) && metadata.target().starts_with(ws_metrics::SPAN_TARGET)
    });
    tracing_opentelemetry::layer().with_tracer(provider.tracer("tests")).with_filter(is_captured)
}

#[derive(Debug)]
struct ThisThread;

impl SpanExporter for ThisThread {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        SPANS.with_borrow_mut(|spans| spans.as_mut().map(|spans| spans.extend(batch)));
        Ok(())
    }
}
