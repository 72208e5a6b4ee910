//! Where a script goes on: from step to step.

use std::sync::Arc;

use ws_patterns::MessagePattern;

use super::{Ended, JumpsBack, Player, Stage};
use crate::released::Released;
use crate::script::{Case, Logic, Session, Step, decisive};

/// How often a script may jump back while no time passes and no message is taken.
const MOST_JUMPS_BACK: u32 = 10_000;

impl Player {
    /// Where the script goes on when a step is done.
    pub(super) fn next(&mut self, session: &Session, step: &Step) -> usize {
        let behind = session.behind(self.step);
        let Some(logic) = step.logic.as_deref() else { return behind };
        if let Some(other) = self.choice.and_then(|number| logic.alternatives.get(number)) {
            self.released_as(&other.pattern);
            return other.goto.to;
        }
        if let Some(to) = self.branch(logic) {
            return to;
        }
        if let Some(round) = &logic.round
            && self.rounds.goes_on(self.step, round.times)
        {
            return round.goto.to;
        }
        logic.next.as_ref().map_or(behind, |next| next.to)
    }

    /// The branch that is taken, if one is.
    fn branch(&mut self, logic: &Logic) -> Option<usize> {
        let holding = logic.branches.iter().find(|branch| match &branch.when {
            Case::Holds(condition) => self.holds(condition),
            Case::Matches(_) => false,
        });
        if let Some(branch) = holding {
            return Some(branch.goto.to);
        }
        let released = self.released.clone();
        let Some(Released::Text(captures)) = released.as_deref() else { return None };
        let patterns = logic.branches.iter().enumerate().filter_map(|(number, branch)| match &branch.when {
            Case::Matches(pattern) => Some((number, pattern)),
            Case::Holds(_) => None,
        });
        let (number, pattern) = decisive(patterns, captures.message())?;
        self.released_as(pattern);
        Some(logic.branches[number].goto.to)
    }

    /// What templates take from the message from here on is what this pattern takes.
    fn released_as(&mut self, pattern: &MessagePattern) {
        let captures = match self.released.as_deref() {
            Some(Released::Text(captures)) => pattern.captures(captures.message()),
            _ => None,
        };
        if let Some(captures) = captures {
            self.released = Some(Arc::new(Released::Text(captures)));
        }
    }

    /// Goes to another step, or to the end.
    pub(super) fn go(&mut self, session: &Session, to: usize) {
        if to <= self.step && !self.may_jump_back() {
            let line = session.step(self.step).map_or(0, |step| step.line);
            self.background.stop_all();
            self.ended = Some(Ended::Endless { line, told: false });
            return;
        }
        self.rounds.entered(session, self.step, to);
        self.step = to;
        self.stage = Stage::Entered;
        self.choice = None;
        if !self.waits_ahead() {
            self.inbox.clear();
        }
    }

    fn may_jump_back(&mut self) -> bool {
        let since = self.clock.since();
        if self.jumps_back.since != since {
            self.jumps_back = JumpsBack { count: 0, since };
        }
        self.jumps_back.count += 1;
        self.jumps_back.count <= MOST_JUMPS_BACK
    }
}
