//! State machines in rules: reading them, and what they do on the way.

use std::time::Duration;

use ws_patterns::{MessagePattern, StateMachine, StateMachineProblem, StateMachineWarning, Timer, Transition};

use super::actions::{Actions, keys_with_actions};
use super::matching::{Match, groups};
use super::problem::RuleProblem;
use super::reading::Reading;
use crate::located::{Key, Node};
use crate::source::Span;

/// A machine of a rules file.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) name: String,
    pub(super) machine: StateMachine<Actions>,
}

const KEYS: &[&str] = &["initial", "states"];
const STATE_KEYS: &[&str] = &["on", "after"];
const TRANSITION_KEYS: [&str; 16] = keys_with_actions(["match", "when", "to"]);
const TIMER_KEYS: [&str; 16] = keys_with_actions(["ms", "when", "to"]);

/// The parts of a machine while it is read, each with its place.
struct Draft {
    states: Vec<Span>,
    transitions: Vec<(Span, Transition<Actions>)>,
    timers: Vec<(Span, Timer<Actions>)>,
}

impl Machine {
    /// Reads what stands behind the name of a machine.
    pub(super) fn read(name: &Key, node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<Self> {
        let record = node.record("machines", "a machine with `initial` and `states`", KEYS, reading.findings)?;
        let initial = record
            .required("initial", reading.findings)
            .and_then(|node| Some((node.text("initial", "the name of a state", reading.findings)?, node.span)));
        let states = record.required("states", reading.findings)?;
        let states = states.map("states", "names of states, each with what it does", reading.findings)?;
        let mut draft = Draft { states: Vec::new(), transitions: Vec::new(), timers: Vec::new() };
        let (initial, initial_span) = initial?;
        let mut builder = StateMachine::builder(initial);
        for (state, node) in states {
            builder = builder.state(state.text.as_str());
            draft.states.push(state.span);
            read_state(&state.text, node, &mut draft, reading);
        }
        let (places, transitions): (Vec<_>, Vec<_>) = draft.transitions.into_iter().unzip();
        let (timer_places, timers): (Vec<_>, Vec<_>) = draft.timers.into_iter().unzip();
        let builder = transitions.into_iter().fold(builder, ws_patterns::StateMachineBuilder::transition);
        let builder = timers.into_iter().fold(builder, ws_patterns::StateMachineBuilder::timer);
        let at = |spans: &[Span], number: usize| spans.get(number).copied().unwrap_or(name.span);
        let machine = match builder.build() {
            Ok(machine) => machine,
            Err(error) => {
                for problem in error.problems() {
                    let (span, problem) = match problem {
                        StateMachineProblem::UnknownInitial { name, nearest } => (initial_span, unknown(name, nearest)),
                        StateMachineProblem::TransitionOfUnknownState { transition, name, nearest, .. } => {
                            (at(&places, *transition), unknown(name, nearest))
                        }
                        StateMachineProblem::TimerOfUnknownState { timer, name, nearest, .. } => {
                            (at(&timer_places, *timer), unknown(name, nearest))
                        }
                        StateMachineProblem::TimerWithoutTime { timer, .. } => {
                            let reason = "`ms`: expected 1 or more: a timer needs some time".to_owned();
                            (at(&timer_places, *timer), RuleProblem::Senseless(reason))
                        }
                        StateMachineProblem::DeclaredTwice { state, name } => {
                            let reason = format!("the state `{name}` is there twice");
                            (at(&draft.states, *state), RuleProblem::Senseless(reason))
                        }
                        other => (name.span, RuleProblem::Senseless(other.to_string())),
                    };
                    reading.wrong::<()>(span, problem);
                }
                return None;
            }
        };
        for warning in machine.warnings() {
            let span = match &warning {
                StateMachineWarning::UnreachableState { state, .. } => at(&draft.states, *state),
                StateMachineWarning::TransitionNeverTaken { transition, .. } => at(&places, *transition),
                StateMachineWarning::TimerNeverFires { timer, .. } => at(&timer_places, *timer),
                _ => name.span,
            };
            reading.wrong::<()>(span, RuleProblem::NeverHappens(warning.to_string()));
        }
        Some(Self { name: name.text.clone(), machine })
    }

    /// Whether it moves by time.
    pub(super) fn has_timers(&self) -> bool {
        !self.machine.timers().is_empty()
    }

    /// Whether a message moves it only under a condition.
    pub(super) fn has_guards(&self) -> bool {
        self.machine.transitions().iter().any(|transition| transition.guard().is_some())
    }

    /// Everything that it may do.
    pub(super) fn actions(&self) -> impl Iterator<Item = &Actions> {
        let of_transitions = self.machine.transitions().iter().map(Transition::action);
        of_transitions.chain(self.machine.timers().iter().map(Timer::action))
    }

    /// The patterns that move it.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &MessagePattern> {
        self.machine.transitions().iter().map(Transition::pattern)
    }
}

fn unknown(name: &str, nearest: &Option<String>) -> RuleProblem {
    RuleProblem::Unknown { what: "state", name: name.to_owned(), nearest: nearest.clone() }
}

fn read_state(state: &str, node: &Node, draft: &mut Draft, reading: &mut Reading<'_, '_, '_>) {
    // A state in which nothing happens any more has nothing behind its name.
    if node.is_null() {
        return;
    }
    let Some(record) = node.record("states", "keys such as `on` and `after`", STATE_KEYS, reading.findings) else {
        return;
    };
    for node in record.get("on").map_or(&[][..], Node::one_or_more) {
        draft.transitions.extend(read_transition(state, node, reading));
    }
    for node in record.get("after").map_or(&[][..], Node::one_or_more) {
        draft.timers.extend(read_timer(state, node, reading));
    }
}

/// The place is that of the name of the state to which it leads.
fn read_transition(state: &str, node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<(Span, Transition<Actions>)> {
    let record =
        node.record("on", "a transition with keys such as `match` and `to`", &TRANSITION_KEYS, reading.findings)?;
    let to = record.text("to", "the name of a state", reading.findings);
    let pattern = record.required("match", reading.findings).and_then(|node| {
        let matching = Match::read(node, reading)?;
        matching.single(node, reading)
    });
    // A guard decides before anything is taken from the message: it knows no groups.
    let guard = record.get("when").and_then(|node| reading.condition("when", node, &[None]));
    let groups = pattern.as_ref().map_or_else(|| vec![None], groups);
    let actions = Actions::read(&record, &groups, reading);
    if to.is_none() {
        Actions::expect_some(&record, "this transition", reading);
    }
    let transition = match &to {
        Some(to) => Transition::new(state, to.value, pattern?),
        None => Transition::inside(state, pattern?),
    };
    let transition = match guard {
        Some(guard) => transition.when(guard),
        None => transition,
    };
    Some((to.map_or(record.span(), |to| to.span), transition.then(actions)))
}

fn read_timer(state: &str, node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<(Span, Timer<Actions>)> {
    let record = node.record("after", "a timer with keys such as `ms` and `to`", &TIMER_KEYS, reading.findings)?;
    let to = record.text("to", "the name of a state", reading.findings);
    let ms = record
        .required("ms", reading.findings)
        .and_then(|node| node.whole("ms", "a whole number of milliseconds, 1 or more", reading.findings));
    let guard = record.get("when").and_then(|node| reading.condition("when", node, &[]));
    let actions = Actions::read(&record, &[], reading);
    if to.is_none() {
        Actions::expect_some(&record, "this timer", reading);
    }
    let after = Duration::from_millis(ms?);
    let timer = match &to {
        Some(to) => Timer::new(state, after, to.value),
        None => Timer::inside(state, after),
    };
    let timer = match guard {
        Some(guard) => timer.when(guard),
        None => timer,
    };
    Some((to.map_or(record.span(), |to| to.span), timer.then(actions)))
}
