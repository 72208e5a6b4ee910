//! The report as JSON and as a page.

use std::time::Duration;

use ws_load::{Pace, Threshold};

use crate::server::{Server, run};

#[test]
fn json_has_the_names_of_k6_and_the_page_loads_nothing() {
    let server = Server::echo();
    let mut plan = server.plan(4);
    plan.pace = Pace::Open { per_second: 400.0 };
    plan.duration = Some(Duration::from_secs(2));
    plan.checks = vec!["same".parse().unwrap(), "contains:<b>".parse().unwrap()];
    let report = run(plan);
    let verdicts =
        ["p99>1h", "failed-checks>0"].map(|threshold| threshold.parse::<Threshold>().unwrap().judge(&report));
    assert_eq!(verdicts.each_ref().map(|verdict| verdict.failed), [false, true]);

    let json = report.to_json(&verdicts);
    let metrics = &json["metrics"];
    assert_eq!(metrics["ws_sessions"]["count"], 4);
    assert_eq!(metrics["ws_msgs_sent"]["count"], report.sent());
    assert_eq!(metrics["ws_msgs_received"]["count"], report.received());
    assert_eq!(metrics["checks"]["fails"], report.sent());
    assert_eq!(metrics["ws_round_trip"]["count"], report.sent());
    for trend in ["ws_connecting", "ws_session_duration", "ws_round_trip"] {
        for name in ["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)", "p(99.9)"] {
            assert!(metrics[trend][name].as_f64().is_some_and(|value| value > 0.0), "{trend} {name}: {json:#}");
        }
    }
    assert_eq!(json["close_codes"]["1000"], 4);
    assert_eq!(json["thresholds"][1]["failed"], true);
    let intervals = json["intervals"].as_array().unwrap();
    assert_eq!(intervals.len(), 2, "{json:#}");
    let sent: u64 = intervals.iter().map(|row| row["sent"].as_u64().unwrap()).sum();
    assert_eq!(sent, report.sent(), "{json:#}");

    let page = report.to_html(&verdicts);
    for tag in ["<html", "<svg", "<table", "<h2", "<p", "<pre", "<tr"] {
        let close = tag.replace('<', "</");
        let opened = page.matches(&format!("{tag}>")).count() + page.matches(&format!("{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("{close}>")).count(), "{tag}");
    }
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="), "{page}");
    assert!(!page.contains("NaN") && !page.contains("inf") && !page.contains("<b>"), "{page}");
    assert!(page.contains("p99.9") && page.contains("Close codes") && page.contains("1000"), "{page}");
}
