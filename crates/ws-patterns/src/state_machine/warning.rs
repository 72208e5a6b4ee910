//! What a machine can do and yet never will.

use std::collections::HashMap;
use std::fmt;

use super::{Exit, StateMachine};
use crate::MessagePattern;
use crate::excerpt::shorten;

/// A part of a machine that can never come to anything; the machine works without it. Numbers are those of the
/// transition or timer, from 0, in the order in which the builder was given them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateMachineWarning {
    /// Nothing leads to this state.
    UnreachableState {
        /// Its number.
        state: usize,
        /// Its name.
        name: String,
    },
    /// An earlier transition of the same state takes all that this one would take.
    TransitionNeverTaken {
        /// Its number.
        transition: usize,
        /// The number of the earlier one.
        earlier: usize,
        /// The name of the state.
        state: String,
        /// Its pattern.
        pattern: String,
    },
    /// An earlier timer of the same state always leads away, or starts it anew, before this one is due.
    TimerNeverFires {
        /// Its number.
        timer: usize,
        /// The number of the earlier one.
        earlier: usize,
        /// The name of the state.
        state: String,
    },
}

impl fmt::Display for StateMachineWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnreachableState { name, .. } => write!(f, "nothing leads to the state `{name}`"),
            Self::TransitionNeverTaken { state, pattern, .. } => write!(
                f,
                "in the state `{state}`, the transition on `{pattern}` is never taken: an earlier one takes all of its \
                 messages"
            ),
            Self::TimerNeverFires { state, .. } => {
                write!(f, "in the state `{state}`, a timer never fires: an earlier one always leaves the state before")
            }
        }
    }
}

impl<A> StateMachine<A> {
    /// What can never come to anything: states that nothing leads to, and transitions and timers that an earlier one of
    /// the same state, without a guard, always forestalls.
    ///
    /// A state without a way out is no warning: sessions may end there.
    ///
    /// ```
    /// use ws_patterns::{MessagePattern, StateMachine, Transition};
    ///
    /// let machine = StateMachine::builder("a")
    ///     .states(["a", "b", "c"])
    ///     .transition(Transition::new("a", "b", MessagePattern::any()))
    ///     .build()?;
    /// let warnings: Vec<_> = machine.warnings().iter().map(ToString::to_string).collect();
    /// assert_eq!(warnings, ["nothing leads to the state `c`"]);
    /// # Ok::<(), ws_patterns::StateMachineError>(())
    /// ```
    #[must_use]
    pub fn warnings(&self) -> Vec<StateMachineWarning> {
        let mut warnings = Vec::new();
        let reached = self.reached();
        for (number, state) in self.states.iter().enumerate() {
            if !reached[number] {
                let name = state.name.to_string();
                warnings.push(StateMachineWarning::UnreachableState { state: number, name });
            }
        }
        for state in &self.states {
            warnings.extend(self.never_taken(&state.name, &state.transitions));
            warnings.extend(self.never_firing(&state.name, &state.timers));
        }
        warnings
    }

    /// For each state, whether something leads there.
    fn reached(&self) -> Vec<bool> {
        let mut reached = vec![false; self.states.len()];
        let mut waiting = vec![self.initial];
        while let Some(number) = waiting.pop() {
            if !std::mem::replace(&mut reached[number], true) {
                let state = &self.states[number];
                waiting.extend(state.transitions.iter().chain(&state.timers).filter_map(|exit| exit.to));
            }
        }
        reached
    }

    fn never_taken(&self, state: &str, exits: &[Exit]) -> impl Iterator<Item = StateMachineWarning> {
        // Patterns have no equality; two that are written alike, and are of the same kind, match alike.
        let written = |pattern: &MessagePattern| format!("{pattern:?}");
        let any = written(&MessagePattern::any());
        let mut unguarded: HashMap<String, usize> = HashMap::new();
        exits.iter().filter_map(move |exit| {
            let transition = &self.transitions[exit.number];
            let pattern = written(transition.pattern());
            if let Some(&earlier) = unguarded.get(&any).or_else(|| unguarded.get(&pattern)) {
                return Some(StateMachineWarning::TransitionNeverTaken {
                    transition: exit.number,
                    earlier,
                    state: state.to_owned(),
                    pattern: shorten(&transition.pattern().to_string()),
                });
            }
            if transition.guard().is_none() {
                unguarded.insert(pattern, exit.number);
            }
            None
        })
    }

    fn never_firing(&self, state: &str, exits: &[Exit]) -> impl Iterator<Item = StateMachineWarning> {
        let mut leaves = None;
        exits.iter().filter_map(move |exit| {
            if let Some(earlier) = leaves {
                let state = state.to_owned();
                return Some(StateMachineWarning::TimerNeverFires { timer: exit.number, earlier, state });
            }
            if exit.to.is_some() && self.timers[exit.number].guard().is_none() {
                leaves = Some(exit.number);
            }
            None
        })
    }
}
