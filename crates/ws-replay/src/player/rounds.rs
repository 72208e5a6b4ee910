//! How often loops have gone round.

use std::collections::BTreeMap;

use crate::script::Session;

/// The turns of the loops that are under way, by the number of the step that jumps back.
#[derive(Debug, Default)]
pub(super) struct Rounds(BTreeMap<usize, u64>);

impl Rounds {
    /// Whether the loop of a step goes round once more, of so many times. If not, its count starts anew.
    pub(super) fn goes_on(&mut self, step: usize, times: u64) -> bool {
        let turns = self.0.entry(step).or_default();
        if *turns < times {
            *turns += 1;
            return true;
        }
        self.0.remove(&step);
        false
    }

    /// The script goes from one step to another. Loops whose first step is entered from elsewhere start anew.
    pub(super) fn entered(&mut self, session: &Session, from: usize, to: usize) {
        self.0.retain(|&last, _| {
            let first = session.step(last).and_then(|step| Some(step.logic.as_ref()?.round.as_ref()?.goto.to));
            first.is_none_or(|first| to != first || (first..=last).contains(&from))
        });
    }
}
