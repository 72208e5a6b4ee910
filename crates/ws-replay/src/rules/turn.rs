//! One look at a connection's rules, under their lock: what a message, a time or the end brings about.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;
use ws_core::Direction;
use ws_patterns::{MessagePattern, MessageText, Outcome, OutcomeKind};

use super::RuleSet;
use super::actions::Actions;
use super::checks::{CheckKey, Decision};
use super::machines::Machine;
use super::matching::captures;
use super::plan::Plan;
use super::present::Present;
use crate::memory::Memory;
use crate::moment::Moment;
use crate::released::Released;

/// The rules, what changes, and the time since the connection was opened.
pub(super) struct Turn<'t> {
    pub(super) rules: &'t RuleSet,
    /// Whether nobody else gets what the rules do not take.
    pub(super) is_alone: bool,
    pub(super) present: &'t mut Present,
    pub(super) now: Duration,
}

/// An outcome of a correlation, by its number.
pub(super) type Outcomes = Vec<(usize, Outcome)>;

/// How many outcomes messages to the client may bring about in a row, when nothing else happens: correlations that react
/// to each other would do that for ever.
const MOST_ECHOES: u32 = 1_000;

impl<'t> Turn<'t> {
    /// Lets machines and correlations have what time brings; what they do is planned.
    pub(super) fn keep_time(&mut self) {
        let mut plan = Plan::default();
        for (number, machine) in self.rules.machines.iter().enumerate() {
            while let Some(timer) = {
                let memory = self.present.hands.memory.clone();
                machine.machine.on_time(&mut self.present.machines[number], self.now, &moment(&memory, None))
            } {
                self.present.echoes = 0;
                self.present.hands.memory.set_machine(&machine.name, self.present.machines[number].current());
                self.act(timer.action(), None, true, &mut plan);
            }
        }
        let watches = self.rules.watches.iter().zip(&mut self.present.correlations).enumerate();
        let outcomes: Outcomes = watches
            .flat_map(|(number, (watch, state))| {
                watch.correlation.on_time(state, self.now).into_iter().map(move |outcome| (number, outcome))
            })
            .collect();
        if !outcomes.is_empty() {
            self.present.echoes = 0;
            self.count(&outcomes);
            self.act_on(outcomes, &mut plan);
        }
        self.present.schedule.extend(self.now, plan);
    }

    /// When time brings something next.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let machines = self.rules.machines.iter().zip(&self.present.machines);
        let machines = machines.filter_map(|(machine, state)| machine.machine.deadline(state));
        let watches = self.rules.watches.iter().zip(&self.present.correlations);
        let watches = watches.filter_map(|(watch, state)| watch.correlation.deadline(state));
        machines.chain(watches).min()
    }

    /// Takes note of a text that goes out; what that brings about is planned.
    pub(super) fn on_outbound(&mut self, text: &MessageText<'_>) {
        let outcomes = self.correlate(Direction::Outbound, text);
        let mut plan = Plan::default();
        if outcomes.iter().any(|(watch, outcome)| self.reaction_to(*watch, outcome).is_some()) {
            self.present.echoes += 1;
            match self.present.echoes.cmp(&MOST_ECHOES) {
                Ordering::Less => self.act_on(outcomes, &mut plan),
                Ordering::Equal => {
                    warn!(rules = self.rules.name(), "correlations react to their own messages without end: stopped");
                }
                Ordering::Greater => {}
            }
        } else {
            self.act_on(outcomes, &mut plan);
        }
        self.present.schedule.extend(self.now, plan);
    }

    /// What comes of the end of the connection. Nothing can be sent any more.
    pub(super) fn finish(&mut self) {
        let watches = self.rules.watches.iter().zip(&mut self.present.correlations).enumerate();
        let outcomes: Outcomes = watches
            .flat_map(|(number, (watch, state))| {
                watch.correlation.finish(state, self.now).into_iter().map(move |outcome| (number, outcome))
            })
            .collect();
        self.act_on(outcomes, &mut Plan::default());
    }

    /// Shows a message to all correlations.
    pub(super) fn correlate(&mut self, direction: Direction, text: &MessageText<'_>) -> Outcomes {
        let watches = self.rules.watches.iter().zip(&mut self.present.correlations).enumerate();
        let outcomes: Outcomes = watches
            .flat_map(|(number, (watch, state))| {
                let outcomes = watch.correlation.on_message(state, self.now, direction, text);
                outcomes.into_iter().map(move |outcome| (number, outcome))
            })
            .collect();
        self.count(&outcomes);
        outcomes
    }

    fn count(&self, outcomes: &Outcomes) {
        for (number, outcome) in outcomes {
            if outcome.kind() != OutcomeKind::Forgotten {
                let name = &self.rules.watches[*number].name;
                self.present.hands.memory.count_outcome(name, outcome.is_fulfilled());
            }
        }
    }

    /// What is done about an outcome.
    fn reaction_to(&self, number: usize, outcome: &Outcome) -> Option<&'t Actions> {
        let watch = &self.rules.watches[number];
        match outcome.kind() {
            OutcomeKind::Fulfilled => watch.on_fulfilled.as_ref(),
            OutcomeKind::Violated => watch.on_violated.as_ref(),
            OutcomeKind::Forgotten => None,
        }
    }

    /// Does what is to be done about outcomes. Correlations do not look at what is sent for that.
    pub(super) fn act_on(&mut self, outcomes: Outcomes, plan: &mut Plan) {
        for (number, outcome) in outcomes {
            let decision = match outcome.kind() {
                OutcomeKind::Fulfilled => Decision::Passed,
                OutcomeKind::Violated => Decision::Failed(outcome.reason().to_owned()),
                OutcomeKind::Forgotten => {
                    warn!(rules = self.rules.name(), reason = outcome.reason(), "a correlation had too much open");
                    continue;
                }
            };
            self.present.checks.decide(CheckKey::Correlation(number), decision, self.now);
            if let Some(actions) = self.reaction_to(number, &outcome) {
                self.act(actions, None, false, plan);
            }
        }
    }

    /// Moves the machines; returns the first of them that answered.
    pub(super) fn move_machines(&mut self, text: &MessageText<'static>, plan: &mut Plan) -> Option<Arc<str>> {
        let mut answered_by = None;
        let has_guards = self.rules.machines.iter().any(Machine::has_guards);
        let whole = has_guards.then(|| captures(&MessagePattern::any(), text)).flatten();
        for (number, machine) in self.rules.machines.iter().enumerate() {
            let taken = {
                let memory = self.present.hands.memory.clone();
                let facts = moment(&memory, whole.as_ref());
                machine.machine.on_message(&mut self.present.machines[number], self.now, text, &facts)
            };
            let Some(transition) = taken else { continue };
            self.present.hands.memory.set_machine(&machine.name, self.present.machines[number].current());
            let released = captures(transition.pattern(), text);
            if transition.action().answers() {
                answered_by.get_or_insert_with(|| Arc::clone(&self.rules.machine_names[number]));
            }
            self.act(transition.action(), released.as_ref(), true, plan);
        }
        answered_by
    }

    pub(super) fn act(&mut self, actions: &Actions, released: Option<&Released>, is_seen: bool, plan: &mut Plan) {
        // Without a condition, nothing speaks against it.
        let _ = self.present.hands.perform(actions, None, released, is_seen, plan);
        self.decide(actions);
    }

    /// Decides the check of actions that are done.
    pub(super) fn decide(&mut self, actions: &Actions) {
        if let Some(check) = actions.check() {
            let decision = match check.passes {
                true => Decision::Passed,
                false => Decision::Failed("this must not happen".to_owned()),
            };
            self.present.checks.decide(CheckKey::Actions(actions.number), decision, self.now);
        }
    }
}

/// What guards of machines look at. A message is whole to them: no pattern has taken anything from it yet.
fn moment<'m>(memory: &'m Memory, released: Option<&'m Released>) -> Moment<'m> {
    Moment { script_time: Duration::ZERO, released, memory, room: None, repetition: None }
}
