//! The registry of the process. One test, since all tests of a process would share it.

use std::time::Duration;

use ws_core::EndStatus;
use ws_metrics::{MetricsRegistry, get_global_registry, record_ws_error};

use crate::scrape::value;

#[test]
fn the_documents_calls_count_into_one_registry() {
    let own = MetricsRegistry::new();
    let duration = Duration::from_secs(60);

    let registry = get_global_registry();
    registry.record_ws_connection_established();
    registry.record_ws_connection_established();
    registry.record_ws_message_received();
    registry.record_ws_message_sent();
    registry.record_ws_connection_closed(duration, "normal");
    registry.record_ws_connection_closed(duration, EndStatus::Normal);
    record_ws_error();
    registry.record_ws_error();

    let again = get_global_registry();
    assert_eq!(value(again, "mockforge_ws_connections_total"), 2.0);
    assert_eq!(value(again, "mockforge_ws_connections_active"), 0.0);
    assert_eq!(value(again, "mockforge_ws_messages_received_total"), 1.0);
    assert_eq!(value(again, "mockforge_ws_messages_sent_total"), 1.0);
    assert_eq!(value(again, r#"mockforge_ws_connection_duration_seconds_count{status="normal"}"#), 2.0);
    assert_eq!(value(again, r#"mockforge_ws_connection_duration_seconds_sum{status="normal"}"#), 120.0);
    assert_eq!(value(again, "mockforge_ws_errors_total"), 2.0);

    assert_eq!(value(&own, "mockforge_ws_connections_total"), 0.0, "a registry of one's own stays apart");
}
