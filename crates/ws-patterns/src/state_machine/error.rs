//! Why a definition is no machine.

use std::fmt;

/// All that is wrong with the definition of a machine.
///
/// It displays as one line for each problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateMachineError {
    /// Never empty.
    pub(super) problems: Vec<StateMachineProblem>,
}

impl StateMachineError {
    /// The problems, at least one: of states first, then of transitions, then of timers.
    #[must_use]
    pub fn problems(&self) -> &[StateMachineProblem] {
        &self.problems
    }
}

impl fmt::Display for StateMachineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for StateMachineError {}

/// One thing that is wrong with the definition of a machine. Numbers are those of the state, transition or timer, from
/// 0, in the order in which the builder was given them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateMachineProblem {
    /// The machine is to begin in a state that was not declared.
    #[error("the initial state `{name}` is not declared{}", did_you_mean(nearest))]
    UnknownInitial {
        /// The name of that state.
        name: String,
        /// The declared state that was probably meant.
        nearest: Option<String>,
    },
    /// Two states have the same name.
    #[error("the state `{name}` is declared twice")]
    DeclaredTwice {
        /// The number of the later one.
        state: usize,
        /// Their name.
        name: String,
    },
    /// A transition starts from, or leads to, a state that was not declared.
    #[error("a transition from `{from}` to `{to}`: the state `{name}` is not declared{}", did_you_mean(nearest))]
    TransitionOfUnknownState {
        /// The number of the transition.
        transition: usize,
        /// Where it starts.
        from: String,
        /// Where it leads.
        to: String,
        /// Which of the two is not declared.
        name: String,
        /// The declared state that was probably meant.
        nearest: Option<String>,
    },
    /// A timer belongs, or leads, to a state that was not declared.
    #[error("a timer of `{state}` to `{to}`: the state `{name}` is not declared{}", did_you_mean(nearest))]
    TimerOfUnknownState {
        /// The number of the timer.
        timer: usize,
        /// Where it runs.
        state: String,
        /// Where it leads.
        to: String,
        /// Which of the two is not declared.
        name: String,
        /// The declared state that was probably meant.
        nearest: Option<String>,
    },
    /// A timer that would fire at once: two of them could follow each other forever.
    #[error("a timer of `{state}` to `{to}` takes no time; it needs more than 0")]
    TimerWithoutTime {
        /// The number of the timer.
        timer: usize,
        /// Where it runs.
        state: String,
        /// Where it leads.
        to: String,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
