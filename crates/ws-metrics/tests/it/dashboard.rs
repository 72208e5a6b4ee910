//! The dashboard of the documentation asks for metrics that there are.

use std::collections::BTreeSet;

use serde_json::Value;
use ws_metrics::{HandlerCall, MetricsRegistry};

const DASHBOARD: &str = include_str!("../../../../docs/grafana-dashboard.json");

/// All metrics, by the names that series have: those of labels appear with the first of their kind.
fn rendered() -> BTreeSet<String> {
    let metrics = MetricsRegistry::new();
    metrics.record_ws_handshake_refused(http::StatusCode::FORBIDDEN);
    metrics.record_ws_fault("reset");
    metrics.record_ws_reload("ok");
    metrics.record_ws_ai_call("answered");
    metrics.record_ws_ai_tokens(1, 1);
    metrics.record_ws_ai_rejected("schema");
    drop(metrics.handlers().of("Echo").begin(HandlerCall::OnMessage));
    let text = metrics.render();
    let series = text.lines().filter(|line| !line.starts_with('#'));
    series.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

/// Every query of the dashboard.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

fn metrics_of(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("mockforge_"))
}

#[test]
fn every_query_asks_for_metrics_that_are_rendered() {
    let rendered = rendered();
    let queries = queries();
    assert!(queries.len() > 15, "{queries:?}");
    for query in &queries {
        assert!(metrics_of(query).count() > 0, "{query}");
        for metric in metrics_of(query) {
            assert!(rendered.contains(metric), "{metric} in {query} is none of {rendered:#?}");
        }
    }
}

/// Nothing is counted that the dashboard does not show.
#[test]
fn every_metric_is_on_the_dashboard() {
    let family = |series: &str| {
        let parts = ["_bucket", "_sum", "_count"];
        parts.iter().find_map(|part| series.strip_suffix(part)).unwrap_or(series).to_owned()
    };
    let queries = queries();
    let shown: BTreeSet<_> = queries.iter().flat_map(|query| metrics_of(query)).map(family).collect();
    let counted: BTreeSet<_> = rendered().iter().map(|series| family(series)).collect();
    assert_eq!(shown, counted);
}
