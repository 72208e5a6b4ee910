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
    if report.plan.plays {
        put("ws_sessions_played", counter(tally.played));
        put("ws_msgs_missing", counter(tally.missing));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::sample;

    #[test]
    fn each_metric_has_its_name_and_its_unit() {
        let json = json(&sample(), &[]);
        for (name, count, rate) in [
            ("ws_sessions", 20, 4.0),
            ("ws_msgs_sent", 1_000, 200.0),
            ("ws_msgs_received", 900, 180.0),
            ("ws_msgs_answered", 200, 40.0),
            ("ws_msgs_lost", 30, 6.0),
            ("ws_msgs_doubled", 35, 7.0),
            ("ws_msgs_late", 12, 2.4),
            ("ws_msgs_unexpected", 25, 5.0),
            ("ws_errors", 3, 0.6),
            ("dropped_iterations", 45, 9.0),
            ("data_sent", 32_000, 6_400.0),
            ("data_received", 4_100_000, 820_000.0),
        ] {
            assert_eq!(json["metrics"][name], json!({ "count": count, "rate": rate }), "{name}");
        }
        assert_eq!(json["metrics"]["vus_max"], json!({ "value": 11, "min": 11, "max": 11 }));
        assert_eq!(json["metrics"]["checks"], json!({ "passes": 75, "fails": 25, "value": 0.75 }));
        let check = json!({ "name": "contains:<b>", "passes": 75, "fails": 25 });
        assert_eq!(json["root_group"]["checks"], json!({ "contains:<b>": check }));
        assert_eq!((&json["seconds"], &json["stopped_early"]), (&json!(5.0), &json!(true)));
        assert_eq!(json["close_codes"], json!({ "1000": 18, "1012": 2 }));
        let refused = json!({ "kind": "handshake refused with HTTP 503", "count": 2, "example": "<busy>" });
        assert_eq!(json["errors"].as_array().unwrap()[0], refused);
    }

    #[test]
    fn times_are_in_milliseconds() {
        let json = json(&sample(), &[]);
        let near = |found: &Value, expected: f64| (found.as_f64().unwrap() - expected).abs() <= expected / 500.0;
        let trip = &json["metrics"]["ws_round_trip"];
        for (name, millis) in [
            ("avg", 100.5),
            ("min", 1.0),
            ("med", 100.0),
            ("max", 200.0),
            ("p(90)", 180.0),
            ("p(95)", 190.0),
            ("p(99)", 198.0),
            ("p(99.9)", 200.0),
            ("p(99.99)", 200.0),
        ] {
            assert!(near(&trip[name], millis), "{name}: {trip}");
        }
        assert!(near(&json["metrics"]["ws_connecting"]["med"], 2.0), "{json:#}");
        assert!(near(&json["metrics"]["ws_session_duration"]["med"], 3_000.0), "{json:#}");
        let generator = &json["generator"];
        for (name, value) in [("busiest", 0.25), ("cpu_seconds", 1.5), ("late_p99_ms", 10.0), ("late_max_ms", 50.0)] {
            assert!(near(&generator[name], value), "{name}: {generator}");
        }
    }

    #[test]
    fn intervals_are_rows_of_what_was() {
        let json = json(&sample(), &[]);
        let rows: Vec<_> = json["intervals"].as_array().unwrap().iter().collect();
        for (name, values) in [
            ("at", ["0.0", "2.0", "4.0"]),
            ("seconds", ["2.0", "2.0", "1.0"]),
            ("open", ["10", "11", "9"]),
            ("sent", ["400", "360", "240"]),
            ("received", ["300", "350", "250"]),
            ("lost", ["5", "6", "19"]),
            ("errors", ["1", "0", "2"]),
        ] {
            assert_eq!(rows.iter().map(|row| row[name].to_string()).collect::<Vec<_>>(), values, "{name}");
        }
        assert!(rows.iter().all(|row| row["round_trip"]["count"] == 1), "{json:#}");
    }
}
