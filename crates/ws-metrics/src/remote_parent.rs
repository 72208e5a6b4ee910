//! Makes what a client says of its trace the parent of a span, for OpenTelemetry.

use std::str::FromStr;

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::trace_context::TraceParent;

/// Makes `parent` that of `span`, which must not have been entered yet.
pub(crate) fn adopt(span: &Span, parent: &TraceParent<'_>, headers: &HeaderMap) {
    let (Ok(trace), Ok(parent_span)) = (TraceId::from_hex(parent.trace_id), SpanId::from_hex(parent.parent_id)) else {
        return;
    };
    let context = SpanContext::new(trace, parent_span, TraceFlags::new(parent.flags), true, state(headers));
    // An error says that nobody here speaks OpenTelemetry.
    let _ = span.set_parent(Context::new().with_remote_span_context(context));
}

/// What vendors along the way have added; one mistake in it makes it none.
fn state(headers: &HeaderMap) -> TraceState {
    let values: Vec<_> = headers.get_all("tracestate").iter().filter_map(|value| value.to_str().ok()).collect();
    TraceState::from_str(&values.join(",")).unwrap_or_default()
}
