//! Faults of the connection that happen by time.

use std::time::Duration;

use ws_conditions::{Act, ConnectionFault};

use crate::asking::{Asked, plan};

const NEVER: [u64; 0] = [];

/// The times, in milliseconds after the server's start, at which something happens to a connection that was opened at
/// `opened`, up to `until`.
#[track_caller]
fn moments(rule: &str, opened: u64, until: u64) -> Vec<u64> {
    let plan = plan(&format!(r#"{{ "faults": [{{ "fault": "disconnect", {rule} }}] }}"#));
    let mut asked = Asked::opened(&plan, 1, opened);
    let mut happened = Vec::new();
    while let Some(due) = asked.next_due().filter(|due| *due <= until) {
        let now = asked.at(due).now;
        if asked.connection.due(now).is_some() {
            happened.push(due);
        }
    }
    happened
}

#[test]
fn a_moment_is_the_same_for_all_connections() {
    for opened in [0, 500, 999] {
        assert_eq!(moments(r#""at_ms": 1000"#, opened, 100_000), [1_000], "{opened}");
    }
}

#[test]
fn what_is_over_does_not_concern_who_comes_later() {
    assert_eq!(moments(r#""at_ms": 1000"#, 1_000, 100_000), NEVER);
    assert_eq!(moments(r#""at_ms": 1000"#, 1_001, 100_000), NEVER);
}

#[test]
fn moments_come_again() {
    let rule = r#""at_ms": 1000, "every_ms": 300"#;
    assert_eq!(moments(rule, 0, 2_000), [1_000, 1_300, 1_600, 1_900]);
    assert_eq!(moments(rule, 1_300, 2_000), [1_600, 1_900]);
    assert_eq!(moments(r#""every_ms": 500"#, 0, 1_000), [500, 1_000]);
}

/// For the time of a window, who comes is hit at once.
#[test]
fn a_window_hits_who_comes_within_it() {
    let rule = r#""at_ms": 1000, "for_ms": 100, "every_ms": 1000"#;
    assert_eq!(moments(rule, 0, 2_500), [1_000, 2_000]);
    assert_eq!(moments(rule, 1_000, 2_500), [1_000, 2_000]);
    assert_eq!(moments(rule, 1_099, 2_500), [1_099, 2_000]);
    assert_eq!(moments(rule, 1_100, 2_500), [2_000]);
}

#[test]
fn an_age_counts_from_the_opening() {
    assert_eq!(moments(r#""after_ms": 250"#, 1_000, 100_000), [1_250]);
    assert_eq!(moments(r#""after_ms": 0"#, 1_000, 100_000), [1_000]);
}

#[test]
fn without_a_time_it_happens_as_soon_as_the_connection_is_open() {
    assert_eq!(moments(r#""connections": "1-2""#, 700, 100_000), [700]);
    assert_eq!(moments(r#""connections": "2-""#, 700, 100_000), NEVER);
}

#[test]
fn nothing_happens_before_its_time() {
    let plan = plan(r#"{ "faults": [{ "fault": "reset", "after_ms": 10 }] }"#);
    let mut asked = Asked::new(&plan);
    let before = asked.epoch + Duration::from_millis(10) - Duration::from_nanos(1);
    assert_eq!(asked.connection.due(before), None);
    let at = asked.at(10).now;
    assert_eq!(asked.connection.due(at), Some(ConnectionFault::Reset));
    assert_eq!((asked.connection.due(at), asked.next_due()), (None, None));
}

#[test]
fn several_happen_in_the_order_of_their_times() {
    let plan = plan(
        r#"{ "faults": [{ "fault": "reset", "after_ms": 20 }, { "fault": "half_open", "after_ms": 10 },
            { "fault": "disconnect", "after_ms": 20 }] }"#,
    );
    let mut asked = Asked::new(&plan);
    assert_eq!(asked.next_due(), Some(10));
    let late = asked.at(1_000).now;
    let happened: Vec<_> = std::iter::from_fn(|| asked.connection.due(late)).collect();
    assert_eq!(happened, [ConnectionFault::HalfOpen, ConnectionFault::Reset, ConnectionFault::Disconnect]);
}

/// Who slept for a day has one moment behind it, not millions.
#[test]
fn moments_that_were_slept_through_are_not_made_up_for() {
    let plan = plan(r#"{ "faults": [{ "fault": "reset", "every_ms": 1, "probability": 0.0 }] }"#);
    let mut asked = Asked::new(&plan);
    let day = 86_400_000;
    let now = asked.at(day).now;
    assert_eq!(asked.connection.due(now), None);
    assert_eq!(asked.next_due(), Some(day + 1));
}

#[test]
fn the_probability_is_that_of_each_moment_and_connection() {
    let hits = moments(r#""every_ms": 10, "probability": 0.25"#, 0, 100_000).len();
    // 10,000 moments; four standard errors.
    assert!(hits.abs_diff(2_500) < 175, "{hits}");

    let plan = plan(r#"{ "faults": [{ "fault": "reset", "after_ms": 5, "probability": 0.25 }] }"#);
    let hit = |number| {
        let mut asked = Asked::opened(&plan, number, 0);
        let now = asked.at(5).now;
        asked.connection.due(now).is_some()
    };
    let hits = (1..=10_000).filter(|number| hit(*number)).count();
    assert!(hits.abs_diff(2_500) < 175, "{hits}");
}

#[test]
fn a_condition_on_messages_makes_the_schedule_a_window() {
    let plan = plan(r#"{ "faults": [{ "fault": "reset", "every": 2, "at_ms": 100, "for_ms": 100 }] }"#);
    let mut asked = Asked::new(&plan);
    assert_eq!(asked.next_due(), None);
    assert_eq!((asked.out_text("1"), asked.out_text("2")), (Act::Pass, Act::Pass));
    asked.at(150);
    assert_eq!((asked.out_text("3"), asked.out_text("4")), (Act::Pass, Act::End(ConnectionFault::Reset)));
}

/// A probability alone has no time: it is judged on each message.
#[test]
fn a_probability_alone_is_that_of_each_message() {
    let plan = plan(r#"{ "faults": [{ "fault": "reset", "probability": 1.0 }] }"#);
    let mut asked = Asked::new(&plan);
    assert_eq!(asked.next_due(), None);
    assert_eq!(asked.out_text("x"), Act::End(ConnectionFault::Reset));
}
