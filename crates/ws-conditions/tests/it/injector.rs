//! The specification's short form of conditions.

use std::collections::HashMap;

use serde_json::json;
use tokio::time::Instant;
use ws_conditions::{Conditions, FaultConfig, HandshakeAnswer, LatencyInjector, LatencyProfile, Plan};

use crate::asking::compile;

fn plan(faults: FaultConfig) -> Plan {
    let conditions = Conditions::from(LatencyInjector::new(LatencyProfile::default(), faults));
    compile(Conditions { seed: Some(7), ..conditions }).unwrap()
}

/// How many of the first 20,000 handshakes get which status; 101 are the accepted.
fn counts(plan: &Plan) -> HashMap<u16, usize> {
    let now = Instant::now();
    let mut counts = HashMap::new();
    for number in 1..=20_000 {
        let status = match plan.handshake(number, now, now).answer {
            HandshakeAnswer::Accept => 101,
            HandshakeAnswer::Refuse(refusal) => refusal.status().as_u16(),
            HandshakeAnswer::Drop => panic!("{number} is dropped"),
        };
        *counts.entry(status).or_default() += 1;
    }
    counts
}

/// A04: all or none, by the rate.
#[test]
fn a_rate_of_one_fails_all_and_of_zero_none() {
    let all = plan(FaultConfig { failure_rate: 1.0, ..Default::default() });
    assert_eq!(counts(&all), HashMap::from([(500, 20_000)]));
    let none = plan(FaultConfig { status_codes: vec![503], ..Default::default() });
    assert_eq!(counts(&none), HashMap::from([(101, 20_000)]));
    let six = plan(FaultConfig { failure_rate: 1.0, status_codes: (500..506).collect(), ..Default::default() });
    assert_eq!(counts(&six).get(&101), None);
}

/// A04: the rate is that of all failures, and the statuses share it.
#[test]
fn statuses_share_the_rate() {
    let plan = plan(FaultConfig { failure_rate: 0.3, status_codes: vec![500, 502, 503], ..Default::default() });
    let counts = counts(&plan);
    // Four standard errors.
    assert!(counts[&101].abs_diff(14_000) < 260, "{counts:?}");
    assert!([500, 502, 503].iter().all(|status| counts[status].abs_diff(2_000) < 170), "{counts:?}");
}

#[test]
fn responses_have_the_bodies_of_their_statuses() {
    let faults = |status| FaultConfig {
        failure_rate: 1.0,
        status_codes: vec![status],
        error_responses: [("503".to_owned(), json!({ "error": "busy" })), ("418".to_owned(), json!("teapot"))].into(),
    };
    let now = Instant::now();
    for (status, content_type, body) in [
        (503, Some("application/json"), r#"{"error":"busy"}"#),
        (418, Some("text/plain; charset=utf-8"), "teapot"),
        (500, None, ""),
    ] {
        let HandshakeAnswer::Refuse(refusal) = plan(faults(status)).handshake(1, now, now).answer else {
            panic!("{status} is not refused")
        };
        let (got, headers, got_body) = refusal.into_parts();
        assert_eq!((got.as_u16(), &got_body[..]), (status, body.as_ref()));
        assert_eq!(headers.get("content-type").map(|value| value.to_str().unwrap()), content_type);
    }
}

#[test]
fn a_rate_that_is_none_is_an_error() {
    for (rate, shown) in [(1.5, "1.5"), (-0.1, "-0.1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let faults = FaultConfig { failure_rate: rate, status_codes: vec![500, 503], ..Default::default() };
        let error = compile(LatencyInjector::new(LatencyProfile::default(), faults).into()).unwrap_err();
        assert_eq!(error.to_string(), format!("faults[0].probability: expected a number from 0 to 1, got {shown}"));
    }
}
