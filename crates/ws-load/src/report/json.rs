//! The report as JSON: `metrics` as k6 exports a summary, with its names, and ours beside them.

use serde_json::{Map, Value, json};

use super::Report;
use crate::tally::Spread;
use crate::threshold::Verdict;

pub(super) fn json(report: &Report, verdicts: &[Verdict]) -> Value {
    let tally = &report.tally;
    let counter = |count: u64| json!({ "count": count, "rate": report.rate(count) });
    let (passes, fails) = tally.checks.iter().fold((0, 0), |sum, check| (sum.0 + check.0, sum.1 + check.1));
    let mut metrics = Map::new();
    let mut put = |name: &str, value: Value| metrics.insert(name.to_owned(), value);
    put("ws_sessions", counter(tally.opened));
    put("ws_connecting", trend(&tally.connecting));
    put("ws_session_duration", trend(&tally.sessions));
    put("ws_msgs_sent", counter(tally.sent));
    put("ws_msgs_received", counter(tally.received));
    put("ws_round_trip", trend(&tally.round_trips));
    put("ws_msgs_answered", counter(tally.round_trips.count()));
    put("ws_msgs_lost", counter(tally.lost));
    put("ws_msgs_doubled", counter(tally.doubled));
    put("ws_msgs_late", counter(tally.late));
    put("ws_msgs_unexpected", counter(tally.unexpected));
    put("ws_errors", counter(tally.failed()));
    put("dropped_iterations", counter(tally.unsent));
    put("data_sent", counter(tally.sent_bytes));
    put("data_received", counter(tally.received_bytes));
    put("vus_max", json!({ "value": report.most_open, "min": report.most_open, "max": report.most_open }));
    if passes + fails > 0 {
        let share = passes as f64 / (passes + fails) as f64;
        put("checks", json!({ "passes": passes, "fails": fails, "value": share }));
    }
    let checks: Map<_, _> = report
        .checks()
        .map(|(name, passes, fails)| (name.to_owned(), json!({ "name": name, "passes": passes, "fails": fails })))
        .collect();
    let failures = tally.failures.iter().map(
        |(failure, failed)| json!({ "kind": failure.to_string(), "count": failed.count, "example": failed.example }),
    );
    let codes: Map<_, _> = tally.close_codes.iter().map(|(code, count)| (code.to_string(), json!(count))).collect();
    let thresholds: Vec<_> = verdicts
        .iter()
        .map(|it| json!({ "condition": it.threshold, "failed": it.failed, "measured": it.measured }))
        .collect();
    let rows = report.rows.iter().enumerate().map(|(index, row)| {
        let (begin, seconds) = report.span(index);
        json!({
            "at": begin,
            "seconds": seconds,
            "open": row.open,
            "sent": row.sent,
            "received": row.received,
            "lost": row.lost,
            "errors": row.failures,
            "round_trip": trend(&row.round_trips),
        })
    });
    let generator = &report.generator;
    json!({
        "targets": report.plan.targets,
        "model": report.plan.model,
        "seconds": report.seconds(),
        "stopped_early": report.was_stopped,
        "metrics": metrics,
        "root_group": { "name": "", "path": "", "checks": checks },
        "errors": failures.collect::<Vec<_>>(),
        "close_codes": codes,
        "thresholds": thresholds,
        "generator": {
            "limit": generator.limit(),
            "busiest": generator.busiest(),
            "cpu_seconds": generator.cpu_seconds(),
            "late_p99_ms": generator.late_p99(),
            "late_max_ms": generator.late_max(),
        },
        "intervals": rows.collect::<Vec<_>>(),
    })
}

/// Times in milliseconds.
fn trend(spread: &Spread) -> Value {
    json!({
        "count": spread.count(),
        "avg": spread.mean(),
        "min": spread.min(),
        "med": spread.at(0.5),
        "max": spread.max(),
        "p(90)": spread.at(0.9),
        "p(95)": spread.at(0.95),
        "p(99)": spread.at(0.99),
        "p(99.9)": spread.at(0.999),
        "p(99.99)": spread.at(0.9999),
    })
}
