//! Putting a machine together, and finding all that is wrong with it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Exit, State, StateMachine, StateMachineError, StateMachineProblem, Timer, Transition};
use crate::nearest::nearest;

/// A definition of a [`StateMachine`] that is being written; started by [`StateMachine::builder`].
#[must_use = "a definition is of use once it is built"]
#[derive(Debug, Clone)]
pub struct StateMachineBuilder<A = ()> {
    initial: String,
    states: Vec<String>,
    transitions: Vec<Transition<A>>,
    timers: Vec<Timer<A>>,
}

impl<A> StateMachineBuilder<A> {
    pub(super) fn new(initial: String) -> Self {
        Self { initial, states: Vec::new(), transitions: Vec::new(), timers: Vec::new() }
    }

    /// Declares a state. Any name will do.
    pub fn state(mut self, name: impl Into<String>) -> Self {
        self.states.push(name.into());
        self
    }

    /// Declares several states.
    pub fn states<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.states.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds a transition; of those of one state, the first that matches is taken.
    pub fn transition(mut self, transition: Transition<A>) -> Self {
        self.transitions.push(transition);
        self
    }

    /// Adds a timer; of those of one state that are due at the same time, the first fires first.
    pub fn timer(mut self, timer: Timer<A>) -> Self {
        self.timers.push(timer);
        self
    }

    /// The machine.
    ///
    /// # Errors
    /// [`StateMachineError`] lists all problems: names of states that were not declared, with the nearest that was,
    /// states that were declared twice, and timers that take no time.
    ///
    /// ```
    /// use ws_patterns::{MessagePattern, StateMachine, Transition};
    ///
    /// let machine = StateMachine::builder("closed")
    ///     .states(["closed", "open"])
    ///     .transition(Transition::new("closed", "opne", MessagePattern::exact("open")));
    /// assert_eq!(
    ///     machine.build().unwrap_err().to_string(),
    ///     "a transition from `closed` to `opne`: the state `opne` is not declared; did you mean `open`?"
    /// );
    /// ```
    pub fn build(self) -> Result<StateMachine<A>, StateMachineError> {
        let mut problems = Vec::new();
        let mut numbers = HashMap::new();
        for (state, name) in self.states.iter().enumerate() {
            match numbers.entry(name.as_str()) {
                Entry::Vacant(vacant) => _ = vacant.insert(state),
                Entry::Occupied(_) => {
                    problems.push(StateMachineProblem::DeclaredTwice { state, name: name.clone() });
                }
            }
        }
        let find = |name: &str| {
            numbers.get(name).copied().ok_or_else(|| {
                let nearest = nearest(name, self.states.iter().map(String::as_str)).map(str::to_owned);
                (name.to_owned(), nearest)
            })
        };

        let initial = find(&self.initial);
        let new_state = |name: &String| State { name: name.as_str().into(), transitions: vec![], timers: vec![] };
        let mut states: Vec<_> = self.states.iter().map(new_state).collect();
        if let Err((name, nearest)) = &initial {
            problems.insert(0, StateMachineProblem::UnknownInitial { name: name.clone(), nearest: nearest.clone() });
        }

        for (number, transition) in self.transitions.iter().enumerate() {
            let (from, to) = (find(transition.from()), find(transition.to()));
            if let (Ok(from), Ok(to)) = (&from, &to) {
                let to = (!transition.is_inside()).then_some(*to);
                states[*from].transitions.push(Exit { number, to });
            }
            problems.extend(unknown(from, to).map(|(name, nearest)| StateMachineProblem::TransitionOfUnknownState {
                transition: number,
                from: transition.from().to_owned(),
                to: transition.to().to_owned(),
                name,
                nearest,
            }));
        }

        for (number, timer) in self.timers.iter().enumerate() {
            let (from, to) = (find(timer.state()), find(timer.to()));
            if let (Ok(from), Ok(to)) = (&from, &to) {
                let to = (!timer.is_inside()).then_some(*to);
                states[*from].timers.push(Exit { number, to });
            }
            problems.extend(unknown(from, to).map(|(name, nearest)| StateMachineProblem::TimerOfUnknownState {
                timer: number,
                state: timer.state().to_owned(),
                to: timer.to().to_owned(),
                name,
                nearest,
            }));
            if timer.after().is_zero() {
                problems.push(StateMachineProblem::TimerWithoutTime {
                    timer: number,
                    state: timer.state().to_owned(),
                    to: timer.to().to_owned(),
                });
            }
        }
        for state in &mut states {
            // Stable: of those with the same time, the first stays first.
            state.timers.sort_by_key(|exit| self.timers[exit.number].after());
        }

        match initial {
            Ok(initial) if problems.is_empty() => {
                Ok(StateMachine { states, initial, transitions: self.transitions, timers: self.timers })
            }
            _ => Err(StateMachineError { problems }),
        }
    }
}

/// A name that was looked for, and the nearest that there is.
type Unknown = (String, Option<String>);

/// Which of the two ends are unknown; the same name is told once.
fn unknown(from: Result<usize, Unknown>, to: Result<usize, Unknown>) -> impl Iterator<Item = Unknown> {
    let (from, to) = (from.err(), to.err());
    let to = to.filter(|to| Some(to) != from.as_ref());
    from.into_iter().chain(to)
}
