//! A verdict for people: one line for each check, reasons below it.

use std::fmt::Write;

use super::{CheckOutcome, SessionVerdict};
use crate::visible::visible;

pub(super) fn report(verdict: &SessionVerdict) -> String {
    let checks = verdict.checks.iter().map(|check| (&*check.place, &*check.description, &check.outcome));
    let whole = verdict.whole();
    let checks: Vec<_> = checks.chain([(verdict.name(), verdict.whole_name(), &whole)]).collect();
    let widest = checks.iter().map(|(place, ..)| place.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (place, description, outcome) in checks {
        let (word, note, reason) = match outcome {
            CheckOutcome::Passed => ("ok    ", "", ""),
            CheckOutcome::Failed(reason) => ("FAILED", "", reason.as_str()),
            CheckOutcome::NotReached => ("-     ", " (not reached)", ""),
        };
        let (place, description) = (visible(place), visible(description));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{word}  {place:widest$}  {description}{note}");
        for line in reason.lines() {
            let _ = writeln!(text, "        {:widest$}  {}", "", visible(line));
        }
    }
    let _ = writeln!(text, "{} ({:.1} s)", visible(&verdict.to_string()), verdict.took.as_secs_f64());
    text
}
