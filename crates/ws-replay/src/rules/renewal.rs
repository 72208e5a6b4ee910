//! What becomes of a connection's rules when a reload brings another version of their file: what is remembered goes on under
//! the new rules, found again by its names.

use std::time::Duration;

use tracing::debug;
use ws_patterns::{CorrelationState, MachineState, StateMachine};

use super::RuleSet;
use super::checks::Checks;
use super::correlations::Watch;
use super::machines::Machine;
use super::present::{Present, give_state};
use crate::template::Values;

/// How many results of checks that the file has no longer are kept. Somebody who changes their words all day has no use for
/// more.
const MOST_EARLIER_CHECKS: usize = 1_000;

impl Present {
    /// Goes from the rules of one version over to those of another. What is planned stays planned.
    pub(super) fn renew(&mut self, old: &RuleSet, new: &RuleSet, values: Values, now: Duration) {
        let memory = &self.hands.memory;
        give_state(new, memory);
        let machines = new.machines.iter().map(|machine| {
            let before = old.machines.iter().zip(&self.machines).find(|(old, _)| old.name == machine.name);
            let kept = before.and_then(|(old, state)| machine_goes_on(old, machine, state, now));
            if let (Some((_, state)), None) = (before, &kept) {
                debug!(
                    rules = new.name(),
                    "the machine `{}` has no state `{}` any more, and begins anew",
                    machine.name,
                    state.current()
                );
            }
            kept.unwrap_or_else(|| machine.machine.start(now))
        });
        self.machines = machines.collect();
        for (machine, state) in new.machines.iter().zip(&self.machines) {
            memory.set_machine(&machine.name, state.current());
        }
        let watches = new.watches.iter().map(|watch| {
            let before = old.watches.iter().zip(&self.correlations).find(|(old, _)| old.name == watch.name);
            before
                .and_then(|(old, state)| watch_goes_on(old, watch, state, now))
                .unwrap_or_else(|| watch.correlation.start(now))
        });
        self.correlations = watches.collect();
        self.renew_checks(old, new);
        self.hands.renew(values, new.goes_on(old).then(|| new.numbers()));
    }

    /// What was decided of a check is decided of the one with the same words; where there is none, it is kept as it is.
    fn renew_checks(&mut self, old: &RuleSet, new: &RuleSet) {
        let decided = std::mem::take(&mut self.checks);
        let mut checks = Checks::default();
        for check in &old.checks {
            let Some((decision, at)) = decided.get(check.key) else { continue };
            let same = new.checks.iter().find(|new| new.is_like(check) && checks.get(new.key).is_none());
            if let Some(same) = same {
                checks.decide(same.key, decision.clone(), *at);
            } else if self.earlier_checks.len() < MOST_EARLIER_CHECKS {
                self.earlier_checks.push(check.result(Some((decision.clone(), *at))));
            }
        }
        self.checks = checks;
    }
}

/// Where a session stands in the new version of a machine: in the state of the same name, if it has one. The timers of that
/// state go on if they take the same times as before; if not, they start now.
fn machine_goes_on(old: &Machine, new: &Machine, state: &MachineState, now: Duration) -> Option<MachineState> {
    let name = state.current();
    new.machine.states().find(|known| *known == name)?;
    let times = |machine: &Machine| -> Vec<_> {
        machine.machine.timers().iter().filter(|timer| timer.state() == name).map(|timer| timer.after()).collect()
    };
    if times(old) == times(new) {
        return Some(state.clone());
    }
    // A machine of nothing but this state enters it.
    StateMachine::builder::<()>(name).state(name).build().ok().map(|machine| machine.start(now))
}

/// What is open in the new version of a correlation: the same as before, if it is of the same kind.
fn watch_goes_on(old: &Watch, new: &Watch, state: &CorrelationState, now: Duration) -> Option<CorrelationState> {
    // An absence without a key always has something open: it may have had a key before.
    let is_whole = state.open() > 0 || new.correlation.start(now).open() == 0;
    (old.kind == new.kind && is_whole).then(|| state.clone())
}
