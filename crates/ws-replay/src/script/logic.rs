//! What makes a script branch, compiled: where a step goes on, and what it does beside sending.
//!
//! These are the keys that format version 2 added. How they are written and checked is in `logic_keys`, and names in `names`; what they do at
//! which moment is the player's.

use std::time::Duration;

use ws_patterns::{Expression, MessagePattern};

use super::assertion::Assertion;
use super::step::Step;
use crate::ReplayDirection;
use crate::setting::Setting;
use crate::source::Span;
use crate::template::Template;

/// Everything that a step has of version 2.
#[derive(Debug, Default)]
pub(crate) struct Logic {
    /// What it is called where something jumps to it.
    pub(crate) id: Option<Box<str>>,
    /// Whether it is entered by jumps only: its time is before that of the step before it.
    pub(crate) begins_section: bool,
    /// If it does not hold, the step is skipped.
    pub(crate) condition: Option<Expression>,
    /// What a silent client leads to, from this step on.
    pub(crate) silence: Option<Silence>,
    /// Beside a wait: what else may come. Without one: what is waited for when the step has sent.
    pub(crate) alternatives: Vec<Alternative>,
    pub(crate) timeout: Option<Timeout>,
    pub(crate) assertions: Vec<Assertion>,
    /// The rooms that the client is put into before the step sends, and those that it is then taken out of.
    pub(crate) join: Vec<Template>,
    pub(crate) leave: Vec<Template>,
    /// The room that the text goes to, instead of to the client.
    pub(crate) room: Option<Template>,
    pub(crate) repeat: Repeat,
    /// The steps whose repeating in the background ends here.
    pub(crate) stop: Vec<Jump>,
    pub(crate) set: Vec<Assignment>,
    pub(crate) branches: Vec<Branch>,
    pub(crate) round: Option<Round>,
    pub(crate) next: Option<Jump>,
}

/// The name of a step, and where it is.
#[derive(Debug)]
pub(crate) struct Jump {
    pub(crate) name: Box<str>,
    /// Where the name is written.
    pub(crate) at: Span,
    /// The number of the step; behind the last is the end. It is known when all steps of a session are.
    pub(crate) to: usize,
}

/// What a silent client leads to.
#[derive(Debug)]
pub(crate) enum Silence {
    /// Nothing any more.
    Ignored,
    /// A jump, when it has said nothing for so long while the script waits.
    After(Duration, Jump),
}

/// Another message that may come, and where it leads.
#[derive(Debug)]
pub(crate) struct Alternative {
    pub(crate) pattern: MessagePattern,
    pub(crate) goto: Jump,
}

/// How long a wait may take.
#[derive(Debug)]
pub(crate) struct Timeout {
    pub(crate) after: Duration,
    /// Without it, the wait has failed.
    pub(crate) goto: Option<Jump>,
    /// The number of the check that fails then.
    pub(crate) check: Option<usize>,
}

/// How often a step sends.
#[derive(Debug, Default)]
pub(crate) enum Repeat {
    #[default]
    Once,
    /// So often, with such a distance; then the script goes on.
    Times { count: u64, every: Duration },
    /// Once, and then again and again beside what the script does.
    Background { every: Duration },
}

/// A name that gets a value.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) name: Box<str>,
    /// Where the name is written.
    pub(crate) at: Span,
    pub(crate) value: Setting,
}

/// Where a step may lead.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) when: Case,
    pub(crate) goto: Jump,
}

/// When a branch is taken.
#[derive(Debug)]
pub(crate) enum Case {
    /// The message that released the step is like this.
    Matches(MessagePattern),
    Holds(Expression),
}

/// A jump back that is taken so many times.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) goto: Jump,
    pub(crate) times: u64,
}

/// Why a step leads to another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum JumpKind<'s> {
    /// A message like this came.
    OnMatch(&'s MessagePattern),
    Timeout(Duration),
    Branch(&'s Case),
    Loop(u64),
    Silence(Duration),
    Next,
}

impl Logic {
    /// All its jumps to which the script may go, with the reason of each.
    fn jumps(&self) -> impl Iterator<Item = (JumpKind<'_>, &Jump)> {
        let on_match = self.alternatives.iter().map(|other| (JumpKind::OnMatch(&other.pattern), &other.goto));
        let timeout = self.timeout.iter().filter_map(|it| Some((JumpKind::Timeout(it.after), it.goto.as_ref()?)));
        let branches = self.branches.iter().map(|branch| (JumpKind::Branch(&branch.when), &branch.goto));
        let rounds = self.round.iter().map(|round| (JumpKind::Loop(round.times), &round.goto));
        let silence = self.silence.iter().filter_map(|silence| match silence {
            Silence::After(after, jump) => Some((JumpKind::Silence(*after), jump)),
            Silence::Ignored => None,
        });
        let next = self.next.iter().map(|jump| (JumpKind::Next, jump));
        on_match.chain(timeout).chain(branches).chain(rounds).chain(silence).chain(next)
    }

    /// Everything that names a step, with the key behind which it is written.
    pub(super) fn names_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Jump)> {
        let on_match = self.alternatives.iter_mut().map(|other| ("on_match", &mut other.goto));
        let timeout = self.timeout.iter_mut().filter_map(|it| Some(("on_timeout", it.goto.as_mut()?)));
        let branches = self.branches.iter_mut().map(|branch| ("branches", &mut branch.goto));
        let rounds = self.round.iter_mut().map(|round| ("loop", &mut round.goto));
        let silence = self.silence.iter_mut().filter_map(|silence| match silence {
            Silence::After(_, jump) => Some(("on_silence", jump)),
            Silence::Ignored => None,
        });
        let next = self.next.iter_mut().map(|jump| ("next_step", jump));
        let stop = self.stop.iter_mut().map(|jump| ("stop", jump));
        on_match.chain(timeout).chain(branches).chain(rounds).chain(silence).chain(next).chain(stop)
    }
}

impl Step {
    pub(crate) fn id(&self) -> Option<&str> {
        self.logic.as_ref()?.id.as_deref()
    }

    pub(crate) fn begins_section(&self) -> bool {
        self.logic.as_ref().is_some_and(|logic| logic.begins_section)
    }

    /// Where a silent client leads to from this step on, if it says so.
    pub(super) fn silence(&self) -> Option<usize> {
        match self.logic.as_ref()?.silence.as_ref()? {
            Silence::After(_, jump) => Some(jump.to),
            Silence::Ignored => None,
        }
    }

    pub(crate) fn alternatives(&self) -> &[Alternative] {
        self.logic.as_ref().map_or(&[], |logic| &logic.alternatives)
    }

    pub(crate) fn timeout(&self) -> Option<&Timeout> {
        self.logic.as_ref()?.timeout.as_ref()
    }

    /// Where the script may go from here by a jump, and why.
    pub(crate) fn jumps(&self) -> impl Iterator<Item = (JumpKind<'_>, &Jump)> {
        self.logic.iter().flat_map(|logic| logic.jumps())
    }

    /// Whether the step behind it in the file may be the next one.
    pub(crate) fn falls_through(&self) -> bool {
        let Some(logic) = &self.logic else { return !self.ends_connection() };
        let fails_on = logic.timeout.as_ref().is_some_and(|timeout| timeout.goto.is_none());
        let is_done = !self.ends_connection() && !self.awaits_answer() && logic.next.is_none();
        logic.condition.is_some() || fails_on || is_done
    }

    /// Whether there is nothing behind it when it is done: either side closes.
    fn ends_connection(&self) -> bool {
        let awaits_close =
            self.direction == ReplayDirection::In && self.wait.as_ref().is_some_and(|wait| !wait.is_for_message());
        self.close.is_some() || awaits_close
    }
}
