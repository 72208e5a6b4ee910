//! Faults of handshakes.

use std::time::Duration;

use tokio::time::Instant;
use ws_conditions::{HandshakeAnswer, HandshakeVerdict, MAX_DELAY, Plan};

use crate::asking::plan;

fn ask(plan: &Plan, number: u64, ms: u64) -> HandshakeVerdict {
    let epoch = Instant::now();
    plan.handshake(number, epoch, epoch + Duration::from_millis(ms))
}

/// The statuses of the first handshakes; 101 is accepted, 0 dropped.
fn statuses(plan: &Plan, count: u64) -> Vec<u16> {
    (1..=count)
        .map(|number| match ask(plan, number, 0).answer {
            HandshakeAnswer::Accept => 101,
            HandshakeAnswer::Refuse(refusal) => refusal.status().as_u16(),
            HandshakeAnswer::Drop => 0,
        })
        .collect()
}

#[test]
fn without_faults_all_are_accepted_at_once() {
    let plan = plan("{}");
    assert_eq!(statuses(&plan, 3), [101; 3]);
    assert_eq!(ask(&plan, 1, 0).delay, Duration::ZERO);
}

#[test]
fn the_first_two_are_accepted_and_the_third_refused() {
    let plan = plan(r#"{ "faults": [{ "fault": "refuse", "status": 429, "connections": 3 }] }"#);
    assert_eq!(statuses(&plan, 4), [101, 101, 429, 101]);
}

#[test]
fn handshakes_are_counted_by_every_and_nth() {
    let plan = plan(r#"{ "faults": [{ "fault": "refuse", "every": 3 }, { "fault": "drop_handshake", "nth": 2 }] }"#);
    assert_eq!(statuses(&plan, 6), [101, 0, 503, 101, 101, 503]);
}

#[test]
fn a_refusal_has_headers_and_a_body() {
    let plan = plan(
        r#"{ "faults": [{ "fault": "refuse", "status": 503,
            "headers": { "Retry-After": "2", "X-Why": "test" }, "body": "later" }] }"#,
    );
    let HandshakeAnswer::Refuse(refusal) = ask(&plan, 1, 0).answer else { panic!("not refused") };
    let (status, headers, body) = refusal.into_parts();
    assert_eq!((status.as_u16(), &body[..]), (503, "later".as_ref()));
    assert_eq!((headers["retry-after"].to_str().unwrap(), headers["x-why"].to_str().unwrap()), ("2", "test"));
    assert_eq!(headers.len(), 2);
}

#[test]
fn delays_add_up_and_come_with_every_answer() {
    let plan = plan(
        r#"{ "faults": [{ "fault": "delay_handshake", "delay_ms": 100 }, { "fault": "refuse", "connections": 2 },
            { "fault": "drop_handshake", "connections": "2-3" }, { "fault": "delay_handshake", "delay_ms": 20 }] }"#,
    );
    assert_eq!(statuses(&plan, 3), [101, 503, 0]);
    assert!((1..=3).all(|number| ask(&plan, number, 0).delay == Duration::from_millis(120)));
}

#[test]
fn a_delay_ends_within_a_day() {
    let rule = r#"{ "fault": "delay_handshake", "delay_ms": 86400000 }"#;
    let plan = plan(&format!(r#"{{ "faults": [{rule}, {rule}] }}"#));
    assert_eq!(ask(&plan, 1, 0).delay, MAX_DELAY);
}

#[test]
fn a_window_refuses_while_it_is_open() {
    let plan = plan(r#"{ "faults": [{ "fault": "refuse", "at_ms": 1000, "every_ms": 10000, "for_ms": 500 }] }"#);
    let refused = |ms| matches!(ask(&plan, 1, ms).answer, HandshakeAnswer::Refuse(_));
    assert_eq!([999, 1_000, 1_499, 1_500, 11_000].map(refused), [false, true, true, false, true]);
}
