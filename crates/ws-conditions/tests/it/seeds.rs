//! What is random repeats.

use ws_conditions::{Conditions, Decision, HandshakeAnswer, Plan};
use ws_core::Message;

use crate::asking::{Asked, compile, conditions, plan};

const EVERYTHING: &str = r#"{
    "latency": { "base_ms": 100, "jitter_ms": 20, "distribution": "normal", "std_dev_ms": 30 },
    "faults": [
        { "fault": "corrupt", "probability": 0.2 },
        { "fault": "drop", "probability": 0.2 },
        { "fault": "bad_utf8", "probability": 0.2 },
        { "fault": "reset", "probability": 0.1 },
        { "fault": "corrupt", "probability": 0.3, "direction": "in" },
        { "fault": "delay", "delay_ms": 1000, "probability": 0.1 },
        { "fault": "refuse", "probability": 0.5 }
    ] }"#;

fn seeded(seed: u64) -> Plan {
    compile(Conditions { seed: Some(seed), ..conditions(EVERYTHING) }).unwrap()
}

fn outbound(plan: &Plan, number: u64) -> Vec<Decision> {
    let mut asked = Asked::opened(plan, number, 0);
    (0..50).map(|nth| asked.out(&Message::text(format!("message {nth}")))).collect()
}

#[test]
fn the_same_seed_connection_and_traffic_repeat() {
    assert_eq!(outbound(&seeded(42), 3), outbound(&seeded(42), 3));
    let answers = |plan: &Plan| -> Vec<bool> {
        let asked = Asked::new(plan);
        let refused =
            |number| matches!(plan.handshake(number, asked.epoch, asked.now).answer, HandshakeAnswer::Refuse(_));
        (1..=64).map(refused).collect()
    };
    assert_eq!(answers(&seeded(42)), answers(&seeded(42)));
    assert_ne!(answers(&seeded(42)), answers(&seeded(43)));
}

#[test]
fn other_seeds_and_other_connections_differ() {
    let plan = seeded(42);
    assert_ne!(outbound(&plan, 1), outbound(&plan, 2));
    assert_ne!(outbound(&plan, 1), outbound(&seeded(43), 1));
}

/// A restart of the session's task, a heartbeat or a chatty client must not turn a failure into another one.
#[test]
fn neither_the_other_direction_nor_control_frames_nor_time_change_a_decision() {
    let plan = seeded(42);
    let mut asked = Asked::opened(&plan, 3, 0);
    let disturbed: Vec<_> = (0..50)
        .map(|nth| {
            asked.at(nth * nth);
            asked.inward(&Message::text("in"));
            asked.out(&Message::Ping("beat".into()));
            asked.out(&Message::text(format!("message {nth}")))
        })
        .collect();
    assert_eq!(disturbed, outbound(&plan, 3));
}

/// A rule that is not due, by its window or its pattern, leaves the luck of the others as it is.
#[test]
fn a_rule_that_is_not_due_changes_no_others_luck() {
    let hits = |first: &str| {
        let rules = format!(r#"{{ "faults": [{first}, {{ "fault": "drop", "probability": 0.3 }}] }}"#);
        Asked::new(&plan(&rules)).hit(200)
    };
    let never = r#"{ "fault": "duplicate", "probability": 0.5, "matching": "never" }"#;
    let later = r#"{ "fault": "duplicate", "probability": 0.5, "at_ms": 1000 }"#;
    assert!(!hits(never).is_empty());
    assert_eq!(hits(never), hits(later));
}

#[test]
fn without_a_seed_one_is_drawn_and_told() {
    let first = compile(conditions(EVERYTHING)).unwrap();
    let second = compile(conditions(EVERYTHING)).unwrap();
    assert_ne!(first.seed(), second.seed());
    assert_ne!(outbound(&first, 1), outbound(&second, 1));
    assert_eq!(outbound(&first, 1), outbound(&seeded(first.seed()), 1));
}

/// The figures pin the decisions across versions: who bumps `rand` or `rand_distr` must not change a reported failure.
#[test]
fn decisions_are_the_same_in_every_version() {
    let decisions = outbound(&seeded(42), 1);
    let shown: Vec<_> = decisions[..12]
        .iter()
        .map(|decision| format!("{} {}", decision.delay.as_millis(), decision.fault.unwrap_or("-")))
        .collect();
    assert_eq!(
        shown,
        [
            "21 drop",
            "44 -",
            "80 -",
            "151 drop",
            "112 corrupt",
            "178 corrupt",
            "109 drop",
            "111 bad_utf8",
            "91 -",
            "74 -",
            "14 reset",
            "1126 corrupt",
        ]
    );
}
