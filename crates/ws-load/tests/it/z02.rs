//! Row Z02: 200 connections send 100 messages each; the counts match, p50 and p99 are reported.

use std::sync::atomic::Ordering;

use crate::server::{Server, run};

#[test]
fn counts_match_and_percentiles_are_reported() {
    let server = Server::echo();
    let mut plan = server.plan(200);
    (plan.messages, plan.duration) = (Some(100), None);
    plan.checks = vec!["same".parse().unwrap()];
    let report = run(plan);
    assert_eq!((report.sent(), report.received(), report.round_trips()), (20_000, 20_000, 20_000), "{report}");
    assert_eq!(server.messages(), 20_000);
    assert_eq!((report.lost(), report.doubled(), report.unexpected(), report.unsent()), (0, 0, 0, 0), "{report}");
    assert_eq!((report.sessions(), report.most_open()), (200, 200), "{report}");
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 200);
    assert_eq!(server.seen.closed.load(Ordering::SeqCst), 200, "each ended with a Close frame");
    assert_eq!(report.close_codes().iter().collect::<Vec<_>>(), [(&1000, &200)]);
    assert_eq!(report.failures().count(), 0);
    assert_eq!(report.checks().collect::<Vec<_>>(), [("same", 20_000, 0)]);
    let (p50, p99) = (report.round_trip(0.5).unwrap(), report.round_trip(0.99).unwrap());
    assert!(0.0 < p50 && p50 <= p99, "{report}");
    let table = report.to_string();
    assert!(table.contains("20,000") && table.contains("p99"), "{table}");
}
