//! A verdict for programs. Keys are added in later versions, but not changed.

use serde_json::{Value, json};

use super::{CheckOutcome, CheckResult, SessionVerdict};

pub(super) fn report(verdict: &SessionVerdict) -> String {
    let report = json!({
        "name": verdict.name,
        "passed": verdict.passed(),
        "finished": verdict.is_finished(),
        "unfinished_because": verdict.unfinished,
        "duration_ms": milliseconds(verdict.took),
        "checks": verdict.checks.iter().map(check).collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}

fn check(check: &CheckResult) -> Value {
    let (outcome, reason) = match &check.outcome {
        CheckOutcome::Passed => ("passed", None),
        CheckOutcome::Failed(reason) => ("failed", Some(reason)),
        CheckOutcome::NotReached => ("not_reached", None),
    };
    let time = (check.outcome != CheckOutcome::NotReached).then(|| milliseconds(check.at));
    json!({
        "place": check.place,
        "description": check.description,
        "outcome": outcome,
        "reason": reason,
        "at_ms": time,
    })
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
