//! What is counted of single handlers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ws_metrics::{HandlerCall, MetricsRegistry};

use crate::scrape::{find, value};

fn calls(metrics: &MetricsRegistry, kind: &str, handler: &str, call: &str) -> f64 {
    value(metrics, &format!("mockforge_ws_handler_{kind}_total{{call=\"{call}\",handler=\"{handler}\"}}"))
}

#[test]
fn calls_and_errors_are_counted_by_handler_and_call() {
    let metrics = MetricsRegistry::new();
    let (echo, chat) = (metrics.handlers().of("Echo"), metrics.handlers().of("Chat"));
    assert_eq!(calls(&metrics, "errors", "Chat", "on_disconnect"), 0.0, "series are there before the first call");
    drop(echo.begin(HandlerCall::OnConnect));
    for _ in 0..3 {
        drop(echo.begin(HandlerCall::OnMessage));
    }
    // Another one of the same label counts into the same series.
    metrics.handlers().of("Echo").begin(HandlerCall::OnMessage).fail();
    chat.begin(HandlerCall::OnDisconnect).fail();

    assert_eq!(calls(&metrics, "calls", "Echo", "on_connect"), 1.0);
    assert_eq!(calls(&metrics, "calls", "Echo", "on_message"), 4.0);
    assert_eq!(calls(&metrics, "errors", "Echo", "on_message"), 1.0);
    assert_eq!(calls(&metrics, "errors", "Echo", "on_connect"), 0.0);
    assert_eq!(calls(&metrics, "calls", "Chat", "on_disconnect"), 1.0);
    assert_eq!(calls(&metrics, "errors", "Chat", "on_disconnect"), 1.0);
    assert_eq!(
        value(&metrics, r#"mockforge_ws_handler_duration_seconds_count{handler="Echo"}"#),
        4.0,
        "messages alone"
    );
    assert_eq!(value(&metrics, r#"mockforge_ws_handler_duration_seconds_count{handler="Chat"}"#), 0.0);
}

#[test]
fn a_panic_is_an_error_of_its_call() {
    let metrics = MetricsRegistry::new();
    let meter = metrics.handlers().of("Broken");
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _call = meter.begin(HandlerCall::OnMessage);
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert_eq!(calls(&metrics, "errors", "Broken", "on_message"), 1.0);
    assert_eq!(value(&metrics, r#"mockforge_ws_handler_duration_seconds_count{handler="Broken"}"#), 1.0);
}

/// Who makes a name for each connection does not fill the memory.
#[test]
fn labels_without_end_end_as_other() {
    let metrics = MetricsRegistry::new();
    for n in 0..300 {
        drop(metrics.handlers().of(&format!("handler {n}")).begin(HandlerCall::OnMessage));
    }
    assert_eq!(calls(&metrics, "calls", "handler 255", "on_message"), 1.0);
    assert_eq!(calls(&metrics, "calls", "other", "on_message"), 44.0);
    assert_eq!(find(&metrics, r#"mockforge_ws_handler_calls_total{call="on_message",handler="handler 256"}"#), None);
    drop(metrics.handlers().of("handler 7").begin(HandlerCall::OnMessage));
    assert_eq!(calls(&metrics, "calls", "handler 7", "on_message"), 2.0, "who has a series keeps it");
}
