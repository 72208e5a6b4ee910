//! What sessions decide on their way: that something was shown, or must not have happened, or that a duty was kept.

use std::collections::HashMap;
use std::time::Duration;

use ws_patterns::OutcomeKind;

use super::RuleSet;
use super::present::{Life, Present};
use super::session::RuleSession;
use crate::{CheckOutcome, CheckResult};

/// Something that is decided in the course of a session.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) key: CheckKey,
    /// Where it stands: `rules.yaml:7`.
    pub(super) place: String,
    pub(super) description: String,
    /// Whether it fails when it is reached.
    pub(super) fails: bool,
}

/// What was decided of the checks of rules and correlations, each with when.
#[derive(Debug, Default)]
pub(super) struct Checks(HashMap<CheckKey, (Decision, Duration)>);

/// Whose check it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum CheckKey {
    /// That of the actions of this number.
    Actions(u32),
    /// That of the correlation of this number.
    Correlation(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    Passed,
    Failed(String),
}

impl Checks {
    /// The first failure stands.
    pub(super) fn decide(&mut self, key: CheckKey, decision: Decision, now: Duration) {
        match self.0.get(&key) {
            Some((Decision::Failed(_), _)) => {}
            Some((Decision::Passed, _)) if decision == Decision::Passed => {}
            _ => {
                self.0.insert(key, (decision, now));
            }
        }
    }

    pub(super) fn get(&self, key: CheckKey) -> Option<&(Decision, Duration)> {
        self.0.get(&key)
    }
}

impl Check {
    /// Whether it is the same one in another version of the rules, by its words.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.key) == std::mem::discriminant(&other.key)
            && (self.fails, &self.description) == (other.fails, &other.description)
    }

    /// What it has found.
    pub(super) fn result(&self, decided: Option<(Decision, Duration)>) -> CheckResult {
        let at = decided.as_ref().map_or(Duration::ZERO, |(_, at)| *at);
        let outcome = match decided {
            Some((Decision::Passed, _)) => CheckOutcome::Passed,
            Some((Decision::Failed(reason), _)) => CheckOutcome::Failed(reason),
            // What must not happen has not happened.
            None if self.fails => CheckOutcome::Passed,
            None => CheckOutcome::NotReached,
        };
        CheckResult::new(&*self.place, self.description.clone(), outcome).at(at)
    }
}

impl RuleSession {
    /// What the checks of the rules have found if the session ends now, in the order of the file; before them those that a
    /// reload has taken out of it when they were decided.
    pub(crate) fn checks(&self, now: Duration) -> Vec<CheckResult> {
        self.with(|rules, present| {
            let result = |check: &Check| {
                let decided = match present.checks.get(check.key) {
                    Some(failed @ (Decision::Failed(_), _)) => Some(failed.clone()),
                    other => left_open(check.key, rules, present, now).or_else(|| other.cloned()),
                };
                check.result(decided)
            };
            present.earlier_checks.iter().cloned().chain(rules.checks.iter().map(result)).collect()
        })
    }
}

/// What becomes of the check of a correlation if the session ends now, with duties that are still open.
fn left_open(key: CheckKey, rules: &RuleSet, present: &Present, now: Duration) -> Option<(Decision, Duration)> {
    let CheckKey::Correlation(number) = key else { return None };
    if present.life == Life::Resigned {
        return None;
    }
    let mut state = present.correlations.get(number)?.clone();
    let outcomes = rules.watches.get(number)?.correlation.finish(&mut state, now);
    let violated = outcomes.into_iter().find(|outcome| outcome.kind() == OutcomeKind::Violated)?;
    Some((Decision::Failed(violated.reason().to_owned()), now))
}
