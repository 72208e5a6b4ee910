//! Reading one value out of a scrape.

use ws_metrics::MetricsRegistry;

/// The value of a series, named as it stands in the text: `name` or `name{label="value"}`.
pub(crate) fn value(metrics: &MetricsRegistry, series: &str) -> f64 {
    find(metrics, series).unwrap_or_else(|| panic!("no series {series} in\n{}", metrics.render()))
}

/// The same, or `None` if the scrape does not show it.
pub(crate) fn find(metrics: &MetricsRegistry, series: &str) -> Option<f64> {
    let text = metrics.render();
    let mut found = text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let value = found.next()?.parse().expect("a number");
    assert_eq!(found.next(), None, "{series} is there twice");
    Some(value)
}
