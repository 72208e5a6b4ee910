//! What one connection gets: a script has at least one session, and a recording of several connections as many.

use std::time::Duration;

use super::step::Step;

/// One session of a script.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) opened: Opened,
    pub(crate) steps: Vec<Step>,
    /// What can fail in it, in the order of the file.
    pub(crate) checks: Vec<Check>,
    /// How many values of the client it learns.
    pub(super) learnt: usize,
    waits_ahead: WaitsAhead,
}

/// Where and when a session began, as far as its file says so.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// The path on which it was recorded.
    pub(crate) path: Option<String>,
    /// What its clock shows at first, in milliseconds: 0, unless its beginning is in another file.
    pub(crate) start: u64,
    /// The time of day, as it is written.
    pub(crate) at: Option<String>,
    /// Where another tool recorded it.
    pub(crate) url: Option<String>,
}

/// Something that a session demands of its client.
#[derive(Debug)]
pub(crate) struct Check {
    /// The line of its entry, from 1.
    pub(crate) line: usize,
    pub(crate) description: String,
}

/// From which steps a step can be reached that waits for a message.
#[derive(Debug)]
enum WaitsAhead {
    /// From all before this one, and from no other: without jumps.
    Before(usize),
    From(Vec<bool>),
}

impl Default for WaitsAhead {
    fn default() -> Self {
        Self::Before(0)
    }
}

impl Session {
    pub(super) fn opened(opened: Opened) -> Self {
        Self { opened, ..Self::default() }
    }

    /// When it has all its steps.
    pub(super) fn complete(mut self) -> Self {
        self.waits_ahead = if self.steps.iter().any(|step| step.logic.is_some()) {
            WaitsAhead::From(self.with_waits_ahead())
        } else {
            let last = self.steps.iter().rposition(Step::takes_message);
            WaitsAhead::Before(last.map_or(0, |last| last + 1))
        };
        self
    }

    /// Goes back from the steps that wait for a message to all that lead to them.
    fn with_waits_ahead(&self) -> Vec<bool> {
        let mut leading_to = vec![Vec::new(); self.steps.len() + 1];
        let silences: Vec<usize> = self.steps.iter().filter_map(|step| step.silence()).collect();
        for (number, step) in self.steps.iter().enumerate() {
            if let Some(next) = self.follows(number) {
                leading_to[next].push(number);
            }
            for (_, jump) in step.jumps() {
                leading_to[jump.to].push(number);
            }
            // Whoever waits for the client to close may find it silent.
            if step.wait.as_ref().is_some_and(|wait| !wait.is_for_message()) {
                for silence in &silences {
                    leading_to[*silence].push(number);
                }
            }
        }
        let mut reaches: Vec<bool> = self.steps.iter().map(Step::takes_message).collect();
        reaches.push(false);
        let mut to_visit: Vec<usize> = (0..self.steps.len()).filter(|number| reaches[*number]).collect();
        while let Some(number) = to_visit.pop() {
            for &before in &leading_to[number] {
                if !std::mem::replace(&mut reaches[before], true) {
                    to_visit.push(before);
                }
            }
        }
        reaches
    }

    /// The number of the end: no step has it.
    pub(crate) fn end(&self) -> usize {
        self.steps.len()
    }

    /// Where a script goes on that comes from a step without a jump: behind it, unless what stands there is entered by jumps
    /// only; then it is at its end.
    pub(crate) fn behind(&self, number: usize) -> usize {
        let next = number + 1;
        if self.step(next).is_some_and(Step::begins_section) { self.end() } else { next.min(self.end()) }
    }

    /// The step that may come behind this one without a jump, or the end; `None` if that cannot be.
    pub(crate) fn follows(&self, number: usize) -> Option<usize> {
        self.step(number)?.falls_through().then(|| self.behind(number))
    }

    pub(crate) fn step(&self, number: usize) -> Option<&Step> {
        self.steps.get(number)
    }

    /// How many steps wait for a client message.
    pub(super) fn waits(&self) -> usize {
        self.steps.iter().filter(|step| step.takes_message()).count()
    }

    /// Whether a message may still be waited for from this step on.
    pub(crate) fn waits_from(&self, number: usize) -> bool {
        match &self.waits_ahead {
            WaitsAhead::Before(end) => number < *end,
            WaitsAhead::From(reaches) => reaches.get(number).copied().unwrap_or_default(),
        }
    }

    /// How long it takes if nothing jumps and nobody is waited for.
    pub(super) fn duration(&self) -> Duration {
        let leads = self.steps.iter().fold(0_u64, |sum, step| sum.saturating_add(step.lead));
        Duration::from_millis(leads)
    }
}
