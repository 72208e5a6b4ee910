//! Connections that come and go: ramps, stages, arrivals, lifetimes, and an early end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ws_load::{Crowd, Lifetime, Pace, Stage, Stop};

use crate::server::{Server, echo_on, run};

const THINKING: Pace = Pace::Closed { in_flight: 1, think: Duration::from_millis(10) };

#[test]
fn stages_open_and_close_connections() {
    let server = Server::echo();
    let mut plan = server.plan(1);
    let stage = |millis, to| Stage { over: Duration::from_millis(millis), to };
    plan.crowd = Crowd::Stages(vec![stage(500, 20), stage(500, 20), stage(500, 5), stage(300, 5)]);
    (plan.duration, plan.pace) = (None, THINKING);
    let begun = Instant::now();
    let report = run(plan);
    assert!(begun.elapsed() >= Duration::from_millis(1_800));
    assert_eq!((report.sessions(), report.most_open(), report.lost()), (20, 20, 0), "{report}");
    assert_eq!(report.close_codes().iter().collect::<Vec<_>>(), [(&1000, &20)]);
}

#[test]
fn who_is_too_many_for_a_stage_goes() {
    let server = Server::echo();
    let mut plan = server.plan(1);
    let stage = |millis, to| Stage { over: Duration::from_millis(millis), to };
    plan.crowd = Crowd::Stages(vec![stage(100, 10), stage(400, 10), stage(100, 2), stage(2_500, 2)]);
    (plan.duration, plan.pace) = (None, THINKING);
    let report = run(plan);
    let json = report.to_json(&[]);
    let kept = &json["metrics"]["ws_session_duration"];
    assert_eq!((report.sessions(), report.failures().count()), (10, 0), "{report}");
    // Eight of ten went soon, two stayed.
    assert!(kept["med"].as_f64().unwrap() < 1_800.0 && kept["p(90)"].as_f64().unwrap() > 2_000.0, "{report}");
}

#[test]
fn a_rate_is_kept_while_connections_come() {
    let server = Server::echo();
    let mut plan = server.plan(1);
    plan.crowd = Crowd::Fixed { connections: 20, ramp: Duration::from_secs(1) };
    plan.pace = Pace::Open { per_second: 500.0 };
    plan.duration = Some(Duration::from_secs(2));
    let report = run(plan);
    assert_eq!((report.sessions(), report.lost(), report.failures().count()), (20, 0, 0), "{report}");
    let due = report.sent() + report.unsent();
    // But for those that were due while the first connection was opened.
    assert!((600..=1_000).contains(&due), "{report}");
    assert_eq!(server.messages(), report.sent());
}

#[test]
fn the_first_handshake_is_no_round_trip() {
    let server = Server::serving(|stream, _| async move {
        tokio::time::sleep(Duration::from_millis(400)).await;
        echo_on(stream).await;
    });
    let mut plan = server.plan(1);
    plan.crowd = Crowd::Fixed { connections: 1, ramp: Duration::from_millis(1) };
    plan.pace = Pace::Open { per_second: 500.0 };
    plan.duration = Some(Duration::from_secs(1));
    let report = run(plan);
    // Two hundred were due before there was anybody to send them.
    assert!((1..=300).contains(&(report.sent() + report.unsent())), "{report}");
    assert_eq!((report.sessions(), report.lost()), (1, 0), "{report}");
}

#[test]
fn one_connection_has_the_whole_rate_while_other_threads_have_none() {
    let server = Server::echo();
    let mut plan = server.plan(1);
    plan.threads = 4;
    // For most of the time there is one.
    plan.crowd = Crowd::Fixed { connections: 4, ramp: Duration::from_secs(30) };
    plan.pace = Pace::Open { per_second: 500.0 };
    plan.duration = Some(Duration::from_secs(2));
    let report = run(plan);
    assert_eq!(report.sessions(), 1, "{report}");
    // A quarter would be 250.
    assert!((500..=1_000).contains(&(report.sent() + report.unsent())), "{report}");
}

#[test]
fn what_is_due_while_nobody_is_let_in_is_not_sent() {
    // The first one is let in, with the second target the other thread finds nobody.
    let server = Server::echo();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut plan = server.plan(2);
    plan.targets.push(format!("ws://{}/", closed.local_addr().unwrap()).parse().unwrap());
    drop(closed);
    plan.pace = Pace::Open { per_second: 200.0 };
    plan.duration = Some(Duration::from_secs(1));
    let report = run(plan);
    assert_eq!(report.sent() + report.unsent(), 200, "{report}");
    assert!((1..=100).contains(&report.sent()), "{report}");
}

#[test]
fn arrivals_come_at_their_rate_and_go() {
    let server = Server::echo();
    let mut plan = server.plan(1);
    plan.crowd = Crowd::Arrivals { per_second: 50.0, at_most: 100 };
    plan.lifetime = Some(Lifetime::Messages(5));
    plan.duration = Some(Duration::from_secs(2));
    let report = run(plan);
    let arrived = report.sessions() + report.unsent();
    assert!((95..=101).contains(&arrived), "{report}");
    assert_eq!(report.sent(), server.messages());
    assert_eq!(server.seen.connections.load(Ordering::SeqCst) as u64, report.sessions());
    assert!(report.sent() >= (report.sessions() - 5) * 5, "{report}");
}

#[test]
fn a_connection_that_has_lived_is_replaced() {
    let server = Server::echo();
    let mut plan = server.plan(3);
    (plan.messages, plan.duration) = (Some(10), None);
    plan.lifetime = Some(Lifetime::Messages(4));
    let report = run(plan);
    assert_eq!((report.sent(), report.round_trips(), report.sessions()), (30, 30, 9), "{report}");
    assert_eq!(report.failures().count(), 0, "{report}");
}

#[test]
fn lifetimes_may_be_times() {
    let server = Server::echo();
    let mut plan = server.plan(2);
    plan.lifetime = Some(Lifetime::Time(Duration::from_millis(200)));
    (plan.pace, plan.duration) = (THINKING, Some(Duration::from_secs(1)));
    let report = run(plan);
    // Five of each, but for what a busy machine makes of that.
    assert!((5..=20).contains(&report.sessions()), "{report}");
    assert_eq!((report.lost(), report.failures().count()), (0, 0), "{report}");
}

#[test]
fn who_stops_early_gets_a_report() {
    let server = Server::echo();
    let mut plan = server.plan(2);
    (plan.pace, plan.duration) = (THINKING, Some(Duration::from_secs(600)));
    let stop = Stop::default();
    let begun = Instant::now();
    let report = ws_load::run(plan, &stop, |progress| {
        assert!(progress.open <= 2);
        if progress.received > 10 {
            stop.stop();
        }
    })
    .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!(report.round_trips() > 10 && report.lost() == 0, "{report}");
    assert!(report.to_string().contains("ended early"), "{report}");
}

#[test]
fn several_addresses_are_taken_in_turn() {
    let (one, other) = (Server::echo(), Server::echo());
    let mut plan = one.plan(6);
    plan.targets.extend(other.plan(1).targets);
    (plan.messages, plan.duration) = (Some(5), None);
    let report = run(plan);
    assert_eq!((one.messages(), other.messages(), report.round_trips()), (15, 15, 30), "{report}");
}
