//! State machines: what a session may do next depends on what it has done.
//!
//! A machine decides; it does nothing. It knows no clock: the caller says what time it is, and does the actions.

mod builder;
mod error;
mod mermaid;
mod present;
mod transition;
mod warning;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::{Expression, Facts, MessageText, Name};

pub use builder::StateMachineBuilder;
pub use error::{StateMachineError, StateMachineProblem};
pub use present::MachineState;
pub use transition::{Timer, Transition};
pub use warning::StateMachineWarning;

/// States, what leads from one to another, and what to do on the way: an action of the caller's own type `A`.
///
/// Guards are [`Expression`]s on the caller's [`Facts`]; `()` are facts of somebody who knows none.
///
/// The machine itself never changes; where one session stands in it is a [`MachineState`]. Time is a [`Duration`] since
/// any start that the caller likes. It should not go back; a time that does counts as the latest one before it.
///
/// ```
/// use std::time::Duration;
/// use ws_patterns::{Expression, MessagePattern, MessageText, StateMachine, Timer, Transition};
///
/// let second = Duration::from_secs(1);
/// let machine = StateMachine::builder("out")
///     .states(["out", "in"])
///     .transition(
///         Transition::new("out", "in", MessagePattern::jsonpath_equals("$.type", "login")?)
///             .when(Expression::parse("$.name != ''")?)
///             .then("welcome"),
///     )
///     .timer(Timer::new("in", 30 * second, "out").then("you were away too long"))
///     .build()?;
///
/// let mut present = machine.start(Duration::ZERO);
/// let login = MessageText::new(r#"{"type": "login", "name": "Ann"}"#);
/// let taken = machine.on_message(&mut present, second, &login, &()).unwrap();
/// assert_eq!((*taken.action(), present.current()), ("welcome", "in"));
///
/// assert_eq!(machine.deadline(&present), Some(31 * second));
/// let fired = machine.on_time(&mut present, 31 * second, &()).unwrap();
/// assert_eq!((*fired.action(), present.current()), ("you were away too long", "out"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct StateMachine<A = ()> {
    /// Never empty.
    states: Vec<State>,
    /// The number of a state.
    initial: usize,
    transitions: Vec<Transition<A>>,
    timers: Vec<Timer<A>>,
}

/// A state, and by number what leads out of it.
#[derive(Debug, Clone)]
struct State {
    name: Arc<str>,
    /// In the order in which they are tried.
    transitions: Vec<Exit>,
    /// Those that are due earlier come earlier.
    timers: Vec<Exit>,
}

#[derive(Debug, Clone, Copy)]
struct Exit {
    /// Of the transition or timer.
    number: usize,
    /// The number of the state that it enters; `None` if it stays inside.
    to: Option<usize>,
}

/// How many states timers may enter while they catch up with a time that came late. After that, the state that is
/// reached counts as entered at that time, so that short timers and a long sleep cannot keep a session busy.
const MAX_CATCH_UP: u32 = 1_000;

impl StateMachine {
    /// Starts a definition of a machine that begins in the state `initial`. That state is declared like all others, by
    /// [`state`](StateMachineBuilder::state).
    pub fn builder<A>(initial: impl Into<String>) -> StateMachineBuilder<A> {
        StateMachineBuilder::new(initial.into())
    }
}

impl<A> StateMachine<A> {
    /// A session that enters the initial state at the time `now`.
    #[must_use]
    pub fn start(&self, now: Duration) -> MachineState {
        MachineState::new(&self.states[self.initial].name, now)
    }

    /// Moves by a message: takes the first transition of the present state, in the order in which they were given,
    /// whose pattern matches and whose guard holds, and returns it for its action to be done. `None` if there is none.
    ///
    /// Guards read `message` as `$.`, and all else from `facts`. Timers that were due before are not looked at: call
    /// [`on_time`](Self::on_time) first.
    pub fn on_message(
        &self,
        present: &mut MachineState,
        now: Duration,
        message: &MessageText<'_>,
        facts: &dyn Facts,
    ) -> Option<&Transition<A>> {
        let now = present.advance(now);
        let facts = AtMessage { message, facts };
        let (exit, transition) = self.state_of(present)?.transitions.iter().find_map(|exit| {
            let transition = &self.transitions[exit.number];
            let taken = transition.pattern().matches_text(message) && holds(transition.guard(), &facts);
            taken.then_some((exit, transition))
        })?;
        if let Some(to) = exit.to {
            present.enter(&self.states[to].name, now);
        }
        Some(transition)
    }

    /// Moves by time: fires the next timer of the present state that is due and whose guard holds, and returns it for
    /// its action to be done. To be called until it returns `None`.
    ///
    /// Timers run from when their state was entered. When several were due before `now`, they fire one by one, in the
    /// order and from the times at which they were due, as if each had been noticed at once; but not more than 1,000
    /// states are entered so, then the state that is reached counts as entered at `now`. A timer whose guard does not
    /// hold when its turn comes is spent until its state is entered again.
    pub fn on_time(&self, present: &mut MachineState, now: Duration, facts: &dyn Facts) -> Option<&Timer<A>> {
        let now = present.advance(now);
        while let Some((exit, due)) = self.next_timer(present)
            && due <= now
        {
            let timer = &self.timers[exit.number];
            present.spend_timer();
            if holds(timer.guard(), facts) {
                if let Some(to) = exit.to {
                    let entered = if present.count_catch_up() < MAX_CATCH_UP { due } else { now };
                    present.enter(&self.states[to].name, entered);
                }
                return Some(timer);
            }
        }
        present.caught_up();
        None
    }

    /// When the next timer of the present state is due, and so [`on_time`](Self::on_time) is to be called; `None` if
    /// only a message can move the machine.
    #[must_use]
    pub fn deadline(&self, present: &MachineState) -> Option<Duration> {
        self.next_timer(present).map(|(_, due)| due)
    }

    /// The name of the state in which it begins.
    #[must_use]
    pub fn initial(&self) -> &str {
        &self.states[self.initial].name
    }

    /// The names of all states, in the order in which they were given.
    pub fn states(&self) -> impl Iterator<Item = &str> {
        self.states.iter().map(|state| &*state.name)
    }

    /// All transitions, in the order in which they were given.
    pub fn transitions(&self) -> &[Transition<A>] {
        &self.transitions
    }

    /// All timers, in the order in which they were given.
    pub fn timers(&self) -> &[Timer<A>] {
        &self.timers
    }

    /// By name, so that a session goes on when its machine was loaded again from a file that has changed.
    fn state_of(&self, present: &MachineState) -> Option<&State> {
        self.states.iter().find(|state| *state.name == *present.current())
    }

    /// The timer that is next in the present state, and when it is due; one beyond the end of time never is.
    fn next_timer(&self, present: &MachineState) -> Option<(Exit, Duration)> {
        let exit = *self.state_of(present)?.timers.get(present.spent_timers())?;
        let due = present.entered().checked_add(self.timers[exit.number].after())?;
        Some((exit, due))
    }
}

fn holds(guard: Option<&Expression>, facts: &dyn Facts) -> bool {
    guard.is_none_or(|guard| guard.holds(facts))
}

/// The caller's facts while the machine looks at a message.
struct AtMessage<'a> {
    message: &'a MessageText<'a>,
    facts: &'a dyn Facts,
}

impl Facts for AtMessage<'_> {
    fn value(&self, name: &Name) -> Option<Value> {
        self.facts.value(name)
    }

    fn message(&self) -> Option<&Value> {
        self.message.json()
    }
}
