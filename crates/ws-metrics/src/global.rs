//! The registry that is used when nobody names another one.

use std::sync::LazyLock;

use crate::MetricsRegistry;

static GLOBAL: LazyLock<MetricsRegistry> = LazyLock::new(MetricsRegistry::new);

/// The registry of the process: the one that a server counts into unless it is given its own.
///
/// ```
/// use std::time::Duration;
/// use ws_core::EndStatus;
/// use ws_metrics::get_global_registry;
///
/// let duration = Duration::from_millis(1500);
/// let status = EndStatus::Normal;
///
/// let registry = get_global_registry();
/// registry.record_ws_connection_established();
/// registry.record_ws_message_received();
/// registry.record_ws_message_sent();
/// registry.record_ws_connection_closed(duration, status);
/// assert!(registry.render().contains("mockforge_ws_connections_total 1\n"));
/// ```
#[must_use]
pub fn get_global_registry() -> &'static MetricsRegistry {
    &GLOBAL
}

/// Counts an error in the [global registry](get_global_registry).
pub fn record_ws_error() {
    GLOBAL.record_ws_error();
}
