//! When a fault of messages happens.

use ws_conditions::Act;
use ws_core::{Direction, Message};

use crate::asking::{Asked, plan};

const NEVER: [u64; 0] = [];

/// Which of the first ten messages are dropped.
#[track_caller]
fn dropped(trigger: &str) -> Vec<u64> {
    Asked::new(&plan(&format!(r#"{{ "faults": [{{ "fault": "drop", {trigger} }}] }}"#))).hit(10)
}

#[test]
fn messages_are_counted_from_one() {
    assert_eq!(dropped(r#""nth": 5"#), [5]);
    assert_eq!(dropped(r#""every": 3"#), [3, 6, 9]);
    assert_eq!(dropped(r#""every": 1"#), (1..=10).collect::<Vec<_>>());
    assert_eq!(dropped(r#""nth": 11"#), NEVER);
}

#[test]
fn all_conditions_must_hold() {
    assert_eq!(dropped(r#""every": 2, "nth": 4"#), [4]);
    assert_eq!(dropped(r#""every": 2, "nth": 5"#), NEVER);
    assert_eq!(dropped(r#""nth": 5, "probability": 0.0"#), NEVER);
    assert_eq!(dropped(r#""nth": 5, "probability": 1.0"#), [5]);
    assert_eq!(dropped(r#""nth": 5, "connections": 2"#), NEVER);
    assert_eq!(dropped(r#""nth": 5, "matching": "y""#), NEVER);
}

#[test]
fn without_a_condition_it_is_always() {
    let plan = plan(r#"{ "faults": [{ "fault": "drop" }] }"#);
    assert_eq!(Asked::new(&plan).hit(3), [1, 2, 3]);
}

#[test]
fn a_probability_is_a_share() {
    let plan = plan(r#"{ "faults": [{ "fault": "drop", "probability": 0.1 }] }"#);
    let hits = Asked::new(&plan).hit(20_000).len();
    // Four standard errors.
    assert!(hits.abs_diff(2_000) < 170, "{hits}");
    let first = |number| !Asked::opened(&plan, number, 0).hit(1).is_empty();
    let hits = (1..=20_000).filter(|number| first(*number)).count();
    assert!(hits.abs_diff(2_000) < 170, "{hits}");
}

#[test]
fn connections_are_chosen_by_number() {
    for (numbers, expected) in
        [("3", vec![3]), (r#""1-2""#, vec![1, 2]), (r#""4-""#, vec![4, 5, 6]), (r#"" 2 - 3 ""#, vec![2, 3])]
    {
        let plan = plan(&format!(r#"{{ "faults": [{{ "fault": "drop", "connections": {numbers} }}] }}"#));
        let hit: Vec<_> = (1..=6).filter(|number| !Asked::opened(&plan, *number, 0).hit(1).is_empty()).collect();
        assert_eq!(hit, expected, "{numbers}");
    }
}

#[test]
fn directions_are_counted_apart() {
    let plan =
        plan(r#"{ "faults": [{ "fault": "drop", "nth": 2 }, { "fault": "drop", "nth": 3, "direction": "in" }] }"#);
    let mut asked = Asked::new(&plan);
    let message = Message::text("x");
    let acts: Vec<_> = (0..3).map(|_| (asked.inward(&message).act, asked.out(&message).act)).collect();
    assert_eq!(acts, [(Act::Pass, Act::Pass), (Act::Pass, Act::Drop), (Act::Drop, Act::Pass)]);
}

/// Counted as messages: text and binary, not control frames.
#[test]
fn control_frames_are_neither_counted_nor_hurt() {
    let plan = plan(r#"{ "faults": [{ "fault": "drop", "every": 2 }] }"#);
    let mut asked = Asked::new(&plan);
    for control in [Message::Ping("p".into()), Message::Pong("p".into()), Message::Close(None)] {
        assert_eq!(asked.out(&control).act, Act::Pass);
    }
    assert_eq!(asked.out(&Message::binary("b")).act, Act::Pass);
    assert_eq!(asked.out(&Message::Ping("p".into())).act, Act::Pass);
    assert_eq!(asked.out(&Message::text("t")).act, Act::Drop);
}

#[test]
fn a_pattern_chooses_messages() {
    let plan = plan(r#"{ "faults": [{ "fault": "drop", "matching": "bye" }] }"#);
    let mut asked = Asked::new(&plan);
    assert_eq!(asked.out_text("hello"), Act::Pass);
    assert_eq!(asked.out_text("good bye"), Act::Drop);
}

/// The server's clock: a connection that was opened late is in the middle of a window.
#[test]
fn windows_open_and_close_on_the_servers_clock() {
    let at = |trigger: &str, times: &[u64]| -> Vec<u64> {
        let plan = plan(&format!(r#"{{ "faults": [{{ "fault": "drop", {trigger} }}] }}"#));
        let mut asked = Asked::opened(&plan, 1, 50);
        times.iter().copied().filter(|ms| asked.at(*ms).out_text("x") == Act::Drop).collect()
    };
    assert_eq!(at(r#""at_ms": 100"#, &[99, 100, 9_999_999]), [100, 9_999_999]);
    assert_eq!(at(r#""at_ms": 100, "for_ms": 50"#, &[99, 100, 149, 150, 1_100]), [100, 149]);
    assert_eq!(at(r#""for_ms": 60"#, &[50, 59, 60, 61]), [50, 59]);
    assert_eq!(
        at(r#""at_ms": 100, "every_ms": 1000, "for_ms": 50"#, &[99, 149, 150, 1_099, 1_100, 1_149, 1_150, 7_120]),
        [149, 1_100, 1_149, 7_120]
    );
    assert_eq!(at(r#""every_ms": 10, "for_ms": 10"#, &[50, 55, 60]), [50, 55, 60]);
}

#[test]
fn an_age_is_that_of_the_connection() {
    let plan = plan(r#"{ "faults": [{ "fault": "drop", "after_ms": 100 }] }"#);
    let mut asked = Asked::opened(&plan, 1, 1_000);
    assert_eq!(asked.at(1_099).out_text("x"), Act::Pass);
    assert_eq!(asked.at(1_100).out_text("x"), Act::Drop);
}

#[test]
fn delays_add_up_and_of_the_rest_the_first_counts() {
    let plan = plan(
        r#"{ "latency": { "base_ms": 5 }, "faults": [
            { "fault": "delay", "delay_ms": 10 }, { "fault": "duplicate", "times": 3, "every": 2 },
            { "fault": "drop" }, { "fault": "delay", "delay_ms": 100 } ] }"#,
    );
    let mut asked = Asked::new(&plan);
    let mut decide = || asked.out(&Message::text("x"));
    let first = decide();
    assert_eq!((first.delay.as_millis(), first.act, first.fault), (115, Act::Drop, Some("drop")));
    let second = decide();
    assert_eq!((second.delay.as_millis(), second.act, second.fault), (115, Act::Duplicate(3), Some("duplicate")));
}

#[test]
fn a_rule_for_others_does_not_hurt_where_another_rule_does() {
    let plan = plan(
        r#"{ "faults": [{ "fault": "drop", "connections": 2 }, { "fault": "duplicate", "connections": "1-2" }] }"#,
    );
    let act = |number| Asked::opened(&plan, number, 0).out_text("x");
    assert_eq!((act(1), act(2)), (Act::Duplicate(2), Act::Drop));
}

#[test]
fn what_concerns_nobody_is_known_before() {
    let concerns = |json: &str, number| {
        let asked = Asked::opened(&plan(json), number, 0);
        [Direction::Inbound, Direction::Outbound].map(|direction| asked.connection.concerns(direction))
    };
    let rule = r#"{ "faults": [{ "fault": "drop", "connections": 2, "direction": "in" }] }"#;
    assert_eq!((concerns(rule, 1), concerns(rule, 2)), ([false, false], [true, false]));
    assert_eq!(concerns("{}", 1), [false, false]);
    for none in [r#"{ "latency": {} }"#, r#"{ "latency": { "base_ms": 5, "max_ms": 0 } }"#] {
        assert_eq!(concerns(none, 1), [false, false], "{none}");
    }
    for some in [
        r#"{ "latency": { "jitter_ms": 5 } }"#,
        r#"{ "latency": { "min_ms": 5 } }"#,
        r#"{ "latency": { "distribution": "normal", "std_dev_ms": 5 } }"#,
        r#"{ "latency": { "tag_overrides": { "a": 5 } } }"#,
    ] {
        assert_eq!(concerns(some, 1), [false, true], "{some}");
    }
}
