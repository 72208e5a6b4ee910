//! The text that a scrape gets.

use ws_core::EndStatus;
use ws_metrics::{CONTENT_TYPE, MetricsRegistry};

use crate::scrape::{find, value};

/// O01: the names and kinds, and every series at 0 before anything has happened.
#[test]
fn a_first_scrape_shows_every_series_at_zero() {
    let metrics = MetricsRegistry::new();
    let text = metrics.render();
    for (name, kind) in [
        ("mockforge_ws_connections_active", "gauge"),
        ("mockforge_ws_connections_total", "counter"),
        ("mockforge_ws_connection_duration_seconds", "histogram"),
        ("mockforge_ws_messages_sent_total", "counter"),
        ("mockforge_ws_messages_received_total", "counter"),
        ("mockforge_ws_messages_skipped_total", "counter"),
        ("mockforge_ws_ai_events_total", "counter"),
        ("mockforge_ws_errors_total", "counter"),
    ] {
        assert!(text.contains(&format!("\n# TYPE {name} {kind}\n")), "{name} in\n{text}");
        assert!(text.contains(&format!("# HELP {name} ")), "{name} in\n{text}");
        if kind != "histogram" {
            assert_eq!(value(&metrics, name), 0.0, "{name}");
        }
    }
    for status in EndStatus::ALL {
        let series = format!("mockforge_ws_connection_duration_seconds_count{{status=\"{}\"}}", status.as_str());
        assert_eq!(value(&metrics, &series), 0.0);
    }
}

/// Codes are made by handlers, so there is no list of them to begin with.
#[test]
fn refused_handshakes_appear_with_the_first_of_their_code() {
    let metrics = MetricsRegistry::new();
    let series = r#"mockforge_ws_handshakes_refused_total{code="403"}"#;
    assert_eq!(find(&metrics, series), None);
    metrics.record_ws_handshake_refused(http::StatusCode::FORBIDDEN);
    assert_eq!(find(&metrics, series), Some(1.0));
}

/// Who generates nothing has no series of what that costs.
#[test]
fn generated_events_are_counted_with_what_they_cost() {
    let metrics = MetricsRegistry::new();
    for series in ["calls_total", "tokens_total", "rejected_total"] {
        assert!(!metrics.render().contains(&format!("mockforge_ws_ai_{series}")));
    }
    for outcome in ["answered", "failed", "answered", "cached"] {
        metrics.record_ws_ai_call(outcome);
    }
    metrics.record_ws_ai_tokens(100, 7);
    metrics.record_ws_ai_tokens(20, 0);
    metrics.record_ws_ai_event();
    metrics.record_ws_ai_rejected("schema");
    for (series, expected) in [
        (r#"calls_total{outcome="answered"}"#, 2.0),
        (r#"calls_total{outcome="failed"}"#, 1.0),
        (r#"calls_total{outcome="cached"}"#, 1.0),
        (r#"tokens_total{kind="prompt"}"#, 120.0),
        (r#"tokens_total{kind="completion"}"#, 7.0),
        ("events_total", 1.0),
        (r#"rejected_total{reason="schema"}"#, 1.0),
    ] {
        assert_eq!(value(&metrics, &format!("mockforge_ws_ai_{series}")), expected, "{series}");
    }
}

#[test]
fn every_line_is_a_comment_or_a_series_with_a_number() {
    let metrics = MetricsRegistry::new();
    metrics.record_ws_connection_established();
    let text = metrics.render();
    assert!(text.ends_with('\n'));
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        let (series, number) = line.rsplit_once(' ').unwrap();
        assert!(series.starts_with("mockforge_ws_"), "{line}");
        assert!(number.parse::<f64>().is_ok(), "{line}");
    }
    assert!(CONTENT_TYPE.starts_with("text/plain; version=0.0.4"));
}

#[test]
fn clones_count_into_the_same_registry() {
    let metrics = MetricsRegistry::new();
    let clone = metrics.clone();
    clone.record_ws_message_sent();
    metrics.record_ws_message_sent();
    assert_eq!(value(&metrics, "mockforge_ws_messages_sent_total"), 2.0);
    assert_eq!(value(&clone, "mockforge_ws_messages_sent_total"), 2.0);
}

#[test]
fn counting_from_many_threads_loses_nothing() {
    let metrics = MetricsRegistry::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    metrics.record_ws_message_sent();
                }
            });
        }
    });
    assert_eq!(value(&metrics, "mockforge_ws_messages_sent_total"), 40_000.0);
}
