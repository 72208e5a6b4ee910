//! What generated events cost.

use prometheus::{
    IntCounter, IntCounterVec, Registry, register_int_counter_vec_with_registry, register_int_counter_with_registry,
};

#[derive(Clone)]
pub(crate) struct AiMetrics {
    pub(crate) calls: IntCounterVec,
    pub(crate) tokens: IntCounterVec,
    pub(crate) events: IntCounter,
    pub(crate) rejected: IntCounterVec,
}

impl AiMetrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            calls: register_int_counter_vec_with_registry!(
                "mockforge_ws_ai_calls_total",
                "Calls of providers of generated events, by how they came out; those from the cache cost nothing.",
                &["outcome"],
                registry
            )?,
            tokens: register_int_counter_vec_with_registry!(
                "mockforge_ws_ai_tokens_total",
                "Tokens that generated events have cost: those of requests (prompt) and of answers (completion).",
                &["kind"],
                registry
            )?,
            events: register_int_counter_with_registry!(
                "mockforge_ws_ai_events_total",
                "Events that were generated for clients.",
                registry
            )?,
            rejected: register_int_counter_vec_with_registry!(
                "mockforge_ws_ai_rejected_total",
                "What providers wrote and was not taken, by the reason.",
                &["reason"],
                registry
            )?,
        })
    }
}
