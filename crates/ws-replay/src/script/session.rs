//! What one connection gets: a script has at least one session, and a recording of several connections as many.

use std::time::Duration;

use super::step::Step;

/// One session of a script.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// The path on which it was recorded.
    pub(super) path: Option<String>,
    /// What its clock shows at first, in milliseconds: 0, unless its beginning is in another file.
    pub(crate) start: u64,
    pub(super) steps: Vec<Step>,
    /// The number of the last step that waits for a message, plus one: from there on, messages are of no interest.
    waits_end: usize,
}

impl Session {
    pub(super) fn opened(path: Option<String>, start: u64) -> Self {
        Self { path, start, ..Self::default() }
    }

    /// When it has all its steps.
    pub(super) fn complete(self) -> Self {
        let waits_end = self.steps.iter().rposition(Step::takes_message).map_or(0, |last| last + 1);
        Self { waits_end, ..self }
    }

    pub(crate) fn step(&self, number: usize) -> Option<&Step> {
        self.steps.get(number)
    }

    /// How many steps wait for a client message.
    pub(super) fn waits(&self) -> usize {
        self.steps.iter().filter(|step| step.takes_message()).count()
    }

    /// Whether a step from `number` on waits for a message.
    pub(crate) fn waits_from(&self, number: usize) -> bool {
        number < self.waits_end
    }

    pub(super) fn duration(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |last| Duration::from_millis(last.ts - self.start))
    }
}
