//! Every mistake is found, and named by its key.

use ws_conditions::{Conditions, FaultRule};

use crate::asking::{compile, conditions};

/// Checks the errors of conditions that can be read, but make no sense.
#[track_caller]
fn check(json: &str, expected: &[&str]) {
    let error = compile(conditions(json)).unwrap_err();
    let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    assert_eq!(problems, expected);
}

#[track_caller]
fn check_rule(rule: &str, expected: &str) {
    check(&format!(r#"{{ "faults": [{{ {rule} }}] }}"#), &[&format!("faults[0].{expected}")]);
}

/// Checks that a rule cannot be read, and why.
#[track_caller]
fn check_read(rule: &str, expected: &str) {
    let error = serde_json::from_str::<FaultRule>(rule).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn all_mistakes_come_at_once() {
    check(
        r#"{ "latency": { "distribution": "normal", "min_ms": 5, "max_ms": 4 }, "bandwidth_in": { "bytes_per_second": 0 },
            "drip": { "bytes": 0, "every_ms": 0 },
            "faults": [{ "fault": "drop" }, { "fault": "drop", "probability": 2, "nth": 0 }] }"#,
        &[
            "latency.std_dev_ms: missing: `distribution: normal` needs a standard deviation",
            "latency.max_ms: expected at least 5, got 4",
            "bandwidth_in.bytes_per_second: expected at least 1, got 0",
            "drip.bytes: expected at least 1, got 0",
            "drip.every_ms: expected at least 1, got 0",
            "faults[1].probability: expected a number from 0 to 1, got 2",
            "faults[1].nth: expected at least 1, got 0",
        ],
    );
}

#[test]
fn probabilities_lie_between_zero_and_one() {
    for (probability, shown) in [(-0.5, "-0.5"), (1.01, "1.01"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let mut written = conditions(r#"{ "faults": [{ "fault": "drop" }] }"#);
        written.faults[0].when.probability = Some(probability);
        let error = compile(written).unwrap_err().to_string();
        assert_eq!(error, format!("faults[0].probability: expected a number from 0 to 1, got {shown}"));
    }
}

#[test]
fn latency_has_the_figures_of_its_distribution() {
    let check = |fields: &str, expected: &str| check(&format!(r#"{{ "latency": {{ {fields} }} }}"#), &[expected]);
    check(r#""base_ms": 86400001"#, "latency.base_ms: expected at most 86400000, got 86400001");
    check(r#""std_dev_ms": 1"#, "latency.std_dev_ms: only `distribution: normal` has one");
    check(r#""pareto_shape": 1"#, "latency.pareto_shape: only `distribution: pareto` has one");
    check(
        r#""distribution": "normal", "std_dev_ms": -1"#,
        "latency.std_dev_ms: expected a number of at least 0, got -1",
    );
    check(
        r#""distribution": "pareto""#,
        "latency.pareto_shape: missing: `distribution: pareto` needs a shape, such as 2.0",
    );
    check(r#""distribution": "pareto", "pareto_shape": 0"#, "latency.pareto_shape: expected a number above 0, got 0");
    check(r#""tag_overrides": { "a": 86400001 }"#, "latency.tag_overrides[a]: expected at most 86400000, got 86400001");
}

#[test]
fn figures_have_bounds() {
    check_rule(r#""fault": "drop", "every": 0"#, "every: expected at least 1, got 0");
    check_rule(r#""fault": "fragment", "parts": 0"#, "parts: expected at least 2, got 0");
    check_rule(r#""fault": "fragment", "parts": 4097"#, "parts: expected at most 4096, got 4097");
    check_rule(r#""fault": "duplicate", "times": 1"#, "times: expected at least 2, got 1");
    check_rule(r#""fault": "duplicate", "times": 1001"#, "times: expected at most 1000, got 1001");
    check_rule(r#""fault": "oversized", "bytes": 0"#, "bytes: expected at least 1, got 0");
    check_rule(r#""fault": "delay", "delay_ms": 86400001"#, "delay_ms: expected at most 86400000, got 86400001");
    check_rule(
        r#""fault": "delay_handshake", "delay_ms": 86400001"#,
        "delay_ms: expected at most 86400000, got 86400001",
    );
    check(
        r#"{ "bandwidth_out": { "bytes_per_second": 1, "burst": 0 } }"#,
        &["bandwidth_out.burst: expected at least 1, got 0"],
    );
}

#[test]
fn refusals_are_responses() {
    check_rule(r#""fault": "refuse", "status": 200"#, "status: expected at least 400, got 200");
    check_rule(r#""fault": "refuse", "status": 600"#, "status: expected at most 599, got 600");
    check_rule(
        r#""fault": "refuse", "headers": { "no header": "x" }"#,
        "headers[no header]: expected the name of a header, such as Retry-After",
    );
    check_rule(
        r#""fault": "refuse", "headers": { "X-A": "a\nb" }"#,
        "headers[X-A]: expected a value without line breaks and other control characters",
    );
    check_rule(
        r#""fault": "refuse", "headers": { "Content-Length": "5" }"#,
        "headers[Content-Length]: the server sets this header itself: leave it out",
    );
}

#[test]
fn a_close_reason_fits_into_its_frame() {
    let rule = |length: usize| format!(r#""fault": "close", "code": 1000, "reason": "{}""#, "x".repeat(length));
    check_rule(&rule(124), "reason: expected at most 123 bytes, got 124");
    check_rule(&format!(r#"{}, "nth": 1"#, rule(124)), "reason: expected at most 123 bytes, got 124");
    assert!(compile(conditions(&format!(r#"{{ "faults": [{{ {} }}] }}"#, rule(123)))).is_ok());
}

#[test]
fn conditions_fit_their_fault() {
    check_rule(r#""fault": "refuse", "matching": "x""#, "matching: a handshake has no message to match: leave it out");
    check_rule(
        r#""fault": "refuse", "after_ms": 1"#,
        "after_ms: a handshake has no age: use `at_ms`, the time since the server's start",
    );
    check_rule(
        r#""fault": "bad_rsv", "direction": "in""#,
        "direction: this fault is about frames to the client: leave it out",
    );
    check_rule(
        r#""fault": "reset", "direction": "in", "after_ms": 1"#,
        "direction: this fault happens by time, not by message: leave it out",
    );
    check_rule(r#""fault": "drop", "matching": "[""#, "matching: `[` is not closed");
    let mut inbound: Conditions = conditions(r#"{ "faults": [{ "fault": "refuse" }] }"#);
    inbound.faults[0] = inbound.faults[0].clone().inbound();
    let error = compile(inbound).unwrap_err().to_string();
    assert_eq!(error, "faults[0].direction: a handshake has no direction: leave it out");
}

#[test]
fn schedules_make_sense() {
    check_rule(r#""fault": "drop", "every_ms": 0, "for_ms": 1"#, "every_ms: expected at least 1, got 0");
    check_rule(r#""fault": "drop", "for_ms": 0"#, "for_ms: expected at least 1, got 0");
    check_rule(r#""fault": "drop", "every_ms": 5, "for_ms": 6"#, "for_ms: expected at most 5, got 6");
    for rule in [r#""fault": "drop""#, r#""fault": "refuse""#, r#""fault": "reset", "nth": 1"#] {
        let missing = "for_ms: missing: with `every_ms`, say how long it lasts each time";
        check_rule(&format!(r#"{rule}, "every_ms": 5"#), missing);
    }
    check_rule(
        r#""fault": "reset", "at_ms": 0"#,
        "at_ms: nothing is connected when the server starts: expected a later time, or `for_ms`",
    );
    check_rule(
        r#""fault": "reset", "at_ms": 5, "after_ms": 5"#,
        "after_ms: expected either this or `at_ms`, `every_ms` and `for_ms`, got both",
    );
    check_rule(
        r#""fault": "drop", "at_ms": 18446744073709551615"#,
        "at_ms: expected at most 3153600000000, got 18446744073709551615",
    );
}

#[test]
fn rules_that_cannot_be_read_say_why() {
    check_read(r#"{ "nth": 1 }"#, "missing field `fault`");
    check_read(r#"{ "fault": "explode" }"#, "unknown variant `explode`, expected one of `refuse`");
    check_read(r#"{ "fault": "drop", "propability": 1 }"#, "unknown field `propability`, expected one of");
    check_read(r#"{ "fault": "drop", "status": 500 }"#, "`status` is no key of the fault `drop`");
    check_read(r#"{ "fault": "truncate", "parts": 5, "bytes": 1 }"#, "`parts` is no key of the fault `truncate`");
    check_read(r#"{ "fault": "delay" }"#, "the fault `delay` needs `delay_ms`, a number of milliseconds");
    check_read(r#"{ "fault": "close", "reason": "x" }"#, "the fault `close` needs `code`, such as 1011");
    check_read(r#"{ "fault": "refuse", "direction": "out" }"#, "a handshake has no `direction`");
    check_read(r#"{ "fault": "drop", "connections": "2-1" }"#, "`2-1` ends before it begins");
    check_read(r#"{ "fault": "drop", "connections": 0 }"#, "connections are counted from 1");
    check_read(r#"{ "fault": "drop", "connections": "x" }"#, "expected numbers of connections, such as 3, \"1-2\"");
}

#[test]
fn unknown_keys_are_errors_everywhere() {
    for json in [
        r#"{ "latencies": {} }"#,
        r#"{ "latency": { "base": 5 } }"#,
        r#"{ "bandwidth_out": { "bytes_per_second": 1, "bursts": 1 } }"#,
        r#"{ "drip": { "bytes": 1, "every_ms": 1, "for_ms": 1 } }"#,
    ] {
        let error = serde_json::from_str::<Conditions>(json).unwrap_err().to_string();
        assert!(error.contains("unknown field"), "{error}");
    }
}
