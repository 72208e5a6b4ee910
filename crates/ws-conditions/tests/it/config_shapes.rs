//! What people type, and what it means.

use proptest::prelude::*;
use ws_conditions::{
    Bandwidth, Conditions, ConnectionNumbers, Drip, Fault, FaultConfig, FaultRule, LatencyProfile, Schedule, Trigger,
};

use crate::any;
use crate::asking::conditions;

#[track_caller]
fn check(json: &str, expected: FaultRule) {
    let rule: FaultRule = serde_json::from_str(json).unwrap();
    assert_eq!(rule, expected);
    let again: FaultRule = serde_json::from_str(&serde_json::to_string(&rule).unwrap()).unwrap();
    assert_eq!(again, rule);
}

#[test]
fn every_fault_has_a_shape() {
    check(
        r#"{ "fault": "refuse", "status": 429, "headers": { "Retry-After": "1" }, "body": "no" }"#,
        FaultRule::new(Fault::Refuse {
            status: 429,
            headers: [("Retry-After".to_owned(), "1".to_owned())].into(),
            body: "no".into(),
        }),
    );
    let refuse = Fault::Refuse { status: 503, headers: Default::default(), body: String::new() };
    check(r#"{ "fault": "refuse" }"#, FaultRule::new(refuse));
    check(r#"{ "fault": "delay_handshake", "delay_ms": 5 }"#, FaultRule::new(Fault::DelayHandshake { delay_ms: 5 }));
    check(r#"{ "fault": "drop_handshake" }"#, FaultRule::new(Fault::DropHandshake));
    check(r#"{ "fault": "reset" }"#, FaultRule::new(Fault::Reset));
    check(r#"{ "fault": "disconnect" }"#, FaultRule::new(Fault::Disconnect));
    check(r#"{ "fault": "half_open" }"#, FaultRule::new(Fault::HalfOpen));
    let close = |reason: &str| FaultRule::new(Fault::Close { code: 4000, reason: reason.into() });
    check(r#"{ "fault": "close", "code": 4000, "reason": "bye" }"#, close("bye"));
    check(r#"{ "fault": "close", "code": 4000 }"#, close(""));
    check(r#"{ "fault": "drop", "direction": "in" }"#, FaultRule::new(Fault::Drop).inbound());
    check(r#"{ "fault": "drop", "direction": "out" }"#, FaultRule::new(Fault::Drop));
    check(r#"{ "fault": "duplicate" }"#, FaultRule::new(Fault::Duplicate { times: 2 }));
    check(r#"{ "fault": "duplicate", "times": 9 }"#, FaultRule::new(Fault::Duplicate { times: 9 }));
    check(r#"{ "fault": "reorder" }"#, FaultRule::new(Fault::Reorder));
    check(r#"{ "fault": "delay", "delay_ms": 5 }"#, FaultRule::new(Fault::Delay { delay_ms: 5 }));
    check(r#"{ "fault": "truncate", "bytes": 5 }"#, FaultRule::new(Fault::Truncate { bytes: 5 }));
    check(r#"{ "fault": "corrupt" }"#, FaultRule::new(Fault::Corrupt));
    check(r#"{ "fault": "fragment" }"#, FaultRule::new(Fault::Fragment { parts: 2 }));
    check(r#"{ "fault": "fragment", "parts": 3 }"#, FaultRule::new(Fault::Fragment { parts: 3 }));
    check(r#"{ "fault": "bad_utf8" }"#, FaultRule::new(Fault::BadUtf8));
    check(r#"{ "fault": "oversized", "bytes": 5 }"#, FaultRule::new(Fault::Oversized { bytes: 5 }));
    check(r#"{ "fault": "bad_rsv" }"#, FaultRule::new(Fault::BadRsv));
    check(r#"{ "fault": "bad_opcode" }"#, FaultRule::new(Fault::BadOpcode));
}

#[test]
fn a_trigger_is_flat() {
    check(
        r#"{ "fault": "drop", "probability": 0.5, "every": 2, "nth": 4, "connections": "1-2", "matching": "bye",
            "after_ms": 1, "at_ms": 2, "every_ms": 3, "for_ms": 4 }"#,
        FaultRule::new(Fault::Drop).when(Trigger {
            probability: Some(0.5),
            every: Some(2),
            nth: Some(4),
            connections: Some((1..=2).into()),
            matching: Some("bye".into()),
            after_ms: Some(1),
            schedule: Some(Schedule { at_ms: 2, every_ms: Some(3), for_ms: Some(4) }),
        }),
    );
    check(
        r#"{ "fault": "drop", "for_ms": 4 }"#,
        FaultRule::new(Fault::Drop)
            .when(Trigger { schedule: Some(Schedule { for_ms: Some(4), ..Default::default() }), ..Default::default() }),
    );
}

#[test]
fn conditions_are_the_same_in_rust_and_in_a_file() {
    let written = conditions(
        r#"{ "seed": 7, "latency": { "base_ms": 50, "jitter_ms": 20, "tag_overrides": { "/ws/slow": 900 } },
            "bandwidth_out": { "bytes_per_second": 1000, "burst": 10 }, "bandwidth_in": { "bytes_per_second": 9 },
            "drip": { "bytes": 1, "every_ms": 5 }, "faults": [{ "fault": "reset", "nth": 5 }] }"#,
    );
    let literal = Conditions {
        seed: Some(7),
        latency: Some(LatencyProfile::new(50, 20).with_tag_override("/ws/slow", 900)),
        bandwidth_out: Some(Bandwidth { bytes_per_second: 1_000, burst: Some(10) }),
        bandwidth_in: Some(Bandwidth::new(9)),
        drip: Some(Drip { bytes: 1, every_ms: 5 }),
        faults: vec![FaultRule::new(Fault::Reset).when(Trigger { nth: Some(5), ..Default::default() })],
    };
    assert_eq!(written, literal);
    assert_eq!(conditions(&serde_json::to_string(&literal).unwrap()), literal);
    assert_eq!(conditions("{}"), Conditions::default());
    assert_eq!(serde_json::to_string(&Conditions::default()).unwrap(), "{}");
}

#[test]
fn the_specifications_types_have_their_fields() {
    let profile: LatencyProfile = serde_json::from_str(
        r#"{ "base_ms": 1, "jitter_ms": 2, "distribution": "pareto", "std_dev_ms": null, "pareto_shape": 2.5, "min_ms": 3,
            "max_ms": 4, "tag_overrides": { "a": 5 } }"#,
    )
    .unwrap();
    let same = LatencyProfile { jitter_ms: 2, ..LatencyProfile::with_pareto_distribution(1, 2.5) };
    assert_eq!(profile, same.with_min_ms(3).with_max_ms(4).with_tag_override("a", 5));
    let faults: FaultConfig = serde_json::from_str(
        r#"{ "failure_rate": 0.5, "status_codes": [500], "error_responses": { "500": { "error": "x" } } }"#,
    )
    .unwrap();
    assert_eq!(faults.error_responses["500"]["error"], "x");
}

#[test]
fn numbers_of_connections_are_read_and_shown() {
    for (text, numbers) in [("3", ConnectionNumbers::from(3)), ("1-2", (1..=2).into()), ("3-", (3..).into())] {
        assert_eq!(text.parse(), Ok(numbers));
        assert_eq!(numbers.to_string(), text);
    }
    for wrong in ["", "-", "-3", "0", "0-2", "2-1", "1-2-3", "a", "1,2", "3.5", "99999999999999999999"] {
        assert!(wrong.parse::<ConnectionNumbers>().is_err(), "{wrong}");
    }
    for wrong in ["0", "-1", "1.5", "true", "null,", "[]"] {
        let json = format!(r#"{{ "fault": "drop", "connections": {wrong} }}"#);
        assert!(serde_json::from_str::<FaultRule>(&json).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(conditions in any::conditions(any::probability())) {
        let json = serde_json::to_string(&conditions).unwrap();
        prop_assert_eq!(serde_json::from_str::<Conditions>(&json).unwrap(), conditions);
    }
}
