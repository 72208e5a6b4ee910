//! What the checks of a session have found so far.

use std::time::Duration;

use crate::CheckOutcome;

/// The outcomes of the checks, by their numbers. A check that has failed once has failed.
#[derive(Debug)]
pub(super) struct Outcomes {
    decided: Vec<Option<(CheckOutcome, Duration)>>,
    /// Checks that have failed and were not told yet.
    untold: Vec<usize>,
}

impl Outcomes {
    pub(super) fn of(checks: usize) -> Self {
        Self { decided: vec![None; checks], untold: Vec::new() }
    }

    pub(super) fn decide(&mut self, check: usize, outcome: Result<(), String>, now: Duration) {
        let Some(decided) = self.decided.get_mut(check) else { return };
        if matches!(decided, Some((CheckOutcome::Failed(_), _))) {
            return;
        }
        if outcome.is_err() {
            self.untold.push(check);
        }
        *decided = Some((outcome.map_or_else(CheckOutcome::Failed, |()| CheckOutcome::Passed), now));
    }

    /// What a check has found, and when.
    pub(super) fn get(&self, check: usize) -> (CheckOutcome, Duration) {
        self.decided.get(check).cloned().flatten().unwrap_or((CheckOutcome::NotReached, Duration::ZERO))
    }

    /// The checks that have failed since this was asked for last.
    pub(super) fn take_failed(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.untold)
    }
}
