//! Rules on one connection, as decisions: what is done for a message, for a time, and at the end. It sends nothing itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::warn;
use ws_core::{Direction, Message, NearMiss};
use ws_patterns::{MessagePattern, MessageText, Outcome, OutcomeKind};

use super::RuleSet;
use super::actions::Actions;
use super::checks::{CheckKey, Checks, Decision};
use super::incoming::Incoming;
use super::machines::Machine;
use super::matching::captures;
use super::plan::{Deed, Plan, Schedule};
use super::present::{Hands, Present};
use crate::ReplayOptions;
use crate::memory::Memory;
use crate::moment::Moment;
use crate::released::Released;
use crate::template::Values;

/// The rules of one connection, shared by the handler that tells it of messages and by the work that keeps its time.
pub(crate) struct RuleSession {
    rules: Arc<RuleSet>,
    opened_at: Instant,
    /// Whether nobody else gets what the rules do not take: no script, and nobody behind them.
    pub(super) is_alone: bool,
    present: Mutex<Present>,
    /// Something was planned, or another time is the next one.
    pub(super) changed: Notify,
    /// Something that was planned has been done.
    pub(super) delivered: Notify,
}

/// What is to be done for a message at once.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Reaction {
    pub(super) deeds: Vec<Deed>,
    /// What is to be done later, counted from then: planned when the rest is done, so that nothing of it overtakes that.
    pub(super) later: (Duration, Plan),
    /// Whether a rule or a machine took the message.
    pub(crate) is_taken: bool,
    /// Whether it was taken because it is not JSON, which is required.
    pub(super) is_refused: bool,
    /// What came nearest, of a message that nobody took.
    pub(super) near_misses: Vec<NearMiss>,
}

/// What is to be done about time.
#[derive(Debug)]
pub(super) enum Next {
    Do(Deed),
    /// Nothing before this time since the connection was opened.
    At(Duration),
    /// Nothing before something happens.
    Nothing,
    Over,
}

/// An outcome of a correlation, by its number.
type Outcomes = Vec<(usize, Outcome)>;

/// How many outcomes messages to the client may bring about in a row, when nothing else happens: correlations that react
/// to each other would do that for ever.
const MOST_ECHOES: u32 = 1_000;

impl RuleSession {
    /// For the `nth` connection on `path`, from 0.
    pub(super) fn new(
        rules: Arc<RuleSet>,
        options: &ReplayOptions,
        memory: Memory,
        path: &str,
        nth: u64,
        opened_at: Instant,
        is_alone: bool,
    ) -> Self {
        for (name, value) in &rules.state {
            // It was found to fit when the rules were read.
            let _ = memory.set(name, value.clone());
        }
        for machine in &rules.machines {
            memory.set_machine(&machine.name, machine.machine.initial());
        }
        if rules.reads_last_message {
            memory.keep_messages();
        }
        let values = Values::new(options, path, nth);
        let messages = memory.messages();
        let now = opened_at.elapsed();
        let present = Present {
            machines: rules.machines.iter().map(|machine| machine.machine.start(now)).collect(),
            correlations: rules.watches.iter().map(|watch| watch.correlation.start(now)).collect(),
            schedule: Schedule::default(),
            checks: Checks::default(),
            hands: Hands::new(memory, values, rules.stream()),
            messages,
            is_over: false,
            echoes: 0,
        };
        let (changed, delivered) = (Notify::new(), Notify::new());
        Self { rules, opened_at, is_alone, present: Mutex::new(present), changed, delivered }
    }

    pub(super) fn opened_at(&self) -> Instant {
        self.opened_at
    }

    /// The time since the connection was opened.
    pub(crate) fn now(&self) -> Duration {
        self.opened_at.elapsed()
    }

    /// Whether as much is planned as may be.
    pub(super) fn is_full(&self) -> bool {
        let present = self.present();
        !present.is_over && present.schedule.is_full()
    }

    pub(super) fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Decides about a message that came in. `is_taken`: somebody before the rules took it; then they do not answer it.
    pub(super) fn on_message(&self, now: Duration, message: &Message, is_taken: bool) -> Reaction {
        let mut reaction = Reaction::default();
        let Some(incoming) = Incoming::new(message) else { return reaction };
        let present = &mut *self.present();
        present.echoes = 0;
        if message.is_data() {
            present.messages += 1;
            present.hands.memory.message_came(present.messages, message);
        }
        self.keep_time(present, now);
        let mut plan = Plan::default();
        let outcomes = match incoming.text() {
            Some(text) => self.correlate(present, now, Direction::Inbound, text),
            None => Vec::new(),
        };
        if let Some(text) = incoming.text() {
            reaction.is_taken = self.move_machines(present, now, text, &mut plan);
        }
        if !is_taken && !reaction.is_taken {
            reaction.is_taken = self.answer(present, now, &incoming, &mut plan, &mut reaction);
        }
        self.act_on(outcomes, present, now, &mut plan);
        reaction.deeds = plan.take_present();
        reaction.later = (now, plan);
        if self.rules.takes_time() {
            self.changed.notify_one();
        }
        reaction
    }

    /// Plans what a message has brought about for later; `now` is when it came.
    pub(super) fn plan(&self, now: Duration, later: Plan) {
        if !later.is_empty() {
            self.present().schedule.extend(now, later);
            self.changed.notify_one();
        }
    }

    /// Takes note of a message that goes out, whoever sent it.
    pub(super) fn on_outbound(&self, now: Duration, message: &Message) {
        let Some(text) = message.as_text().filter(|_| self.rules.sees_outbound()) else { return };
        let present = &mut *self.present();
        let outcomes = self.correlate(present, now, Direction::Outbound, &MessageText::new(text));
        let mut plan = Plan::default();
        if outcomes.iter().any(|(watch, outcome)| self.reaction_to(*watch, outcome).is_some()) {
            present.echoes += 1;
            match present.echoes.cmp(&MOST_ECHOES) {
                std::cmp::Ordering::Less => self.act_on(outcomes, present, now, &mut plan),
                std::cmp::Ordering::Equal => {
                    warn!(rules = self.rules.name(), "correlations react to their own messages without end: stopped");
                }
                std::cmp::Ordering::Greater => {}
            }
        } else {
            self.act_on(outcomes, present, now, &mut plan);
        }
        present.schedule.extend(now, plan);
        self.changed.notify_one();
    }

    /// What time brings. To be asked again after each deed, and when [`changed`](Self::changed) says so.
    pub(super) fn next(&self, now: Duration) -> Next {
        let present = &mut *self.present();
        if present.is_over {
            return Next::Over;
        }
        if present.schedule.is_full() {
            // What is planned goes first.
            return match present.schedule.take_due(now) {
                Some(deed) => Next::Do(deed),
                None => present.schedule.next_time().map_or(Next::Nothing, Next::At),
            };
        }
        self.keep_time(present, now);
        if let Some(deed) = present.schedule.take_due(now) {
            return Next::Do(deed);
        }
        let machines = self.rules.machines.iter().zip(&present.machines);
        let machines = machines.filter_map(|(machine, state)| machine.machine.deadline(state));
        let watches = self.rules.watches.iter().zip(&present.correlations);
        let watches = watches.filter_map(|(watch, state)| watch.correlation.deadline(state));
        let deadline = machines.chain(watches).chain(present.schedule.next_time()).min();
        deadline.map_or(Next::Nothing, Next::At)
    }

    /// The connection has ended: what was still to come never will. Only the first call does something.
    pub(crate) fn finish(&self, now: Duration) {
        let present = &mut *self.present();
        if std::mem::replace(&mut present.is_over, true) {
            return;
        }
        let watches = self.rules.watches.iter().zip(&mut present.correlations).enumerate();
        let outcomes: Outcomes = watches
            .flat_map(|(number, (watch, state))| {
                watch.correlation.finish(state, now).into_iter().map(move |outcome| (number, outcome))
            })
            .collect();
        // Nobody is there any more to whom something could be sent.
        self.act_on(outcomes, present, now, &mut Plan::default());
        present.schedule = Schedule::default();
        self.changed.notify_one();
    }

    /// Lets machines and correlations have what time brings; what they do is planned.
    fn keep_time(&self, present: &mut Present, now: Duration) {
        let mut plan = Plan::default();
        for (number, machine) in self.rules.machines.iter().enumerate() {
            while let Some(timer) = {
                let memory = present.hands.memory.clone();
                let facts = moment(&memory, None);
                machine.machine.on_time(&mut present.machines[number], now, &facts)
            } {
                present.echoes = 0;
                present.hands.memory.set_machine(&machine.name, present.machines[number].current());
                self.act(timer.action(), None, present, now, true, &mut plan);
            }
        }
        let watches = self.rules.watches.iter().zip(&mut present.correlations).enumerate();
        let outcomes: Outcomes = watches
            .flat_map(|(number, (watch, state))| {
                watch.correlation.on_time(state, now).into_iter().map(move |outcome| (number, outcome))
            })
            .collect();
        if !outcomes.is_empty() {
            present.echoes = 0;
            self.count(&outcomes, present);
            self.act_on(outcomes, present, now, &mut plan);
        }
        present.schedule.extend(now, plan);
    }

    /// Shows a message to all correlations.
    fn correlate(
        &self,
        present: &mut Present,
        now: Duration,
        direction: Direction,
        text: &MessageText<'_>,
    ) -> Outcomes {
        let watches = self.rules.watches.iter().zip(&mut present.correlations).enumerate();
        let outcomes: Outcomes = watches
            .flat_map(|(number, (watch, state))| {
                let outcomes = watch.correlation.on_message(state, now, direction, text);
                outcomes.into_iter().map(move |outcome| (number, outcome))
            })
            .collect();
        self.count(&outcomes, present);
        outcomes
    }

    fn count(&self, outcomes: &Outcomes, present: &Present) {
        for (number, outcome) in outcomes {
            if outcome.kind() != OutcomeKind::Forgotten {
                present.hands.memory.count_outcome(&self.rules.watches[*number].name, outcome.is_fulfilled());
            }
        }
    }

    /// What is done about an outcome.
    fn reaction_to(&self, number: usize, outcome: &Outcome) -> Option<&Actions> {
        let watch = &self.rules.watches[number];
        match outcome.kind() {
            OutcomeKind::Fulfilled => watch.on_fulfilled.as_ref(),
            OutcomeKind::Violated => watch.on_violated.as_ref(),
            OutcomeKind::Forgotten => None,
        }
    }

    /// Does what is to be done about outcomes. Correlations do not look at what is sent for that.
    fn act_on(&self, outcomes: Outcomes, present: &mut Present, now: Duration, plan: &mut Plan) {
        for (number, outcome) in outcomes {
            let decision = match outcome.kind() {
                OutcomeKind::Fulfilled => Decision::Passed,
                OutcomeKind::Violated => Decision::Failed(outcome.reason().to_owned()),
                OutcomeKind::Forgotten => {
                    warn!(rules = self.rules.name(), reason = outcome.reason(), "a correlation had too much open");
                    continue;
                }
            };
            present.checks.decide(CheckKey::Correlation(number), decision, now);
            if let Some(actions) = self.reaction_to(number, &outcome) {
                self.act(actions, None, present, now, false, plan);
            }
        }
    }

    /// Moves the machines; returns whether one of them answered.
    fn move_machines(
        &self,
        present: &mut Present,
        now: Duration,
        text: &MessageText<'static>,
        plan: &mut Plan,
    ) -> bool {
        let mut is_answered = false;
        let has_guards = self.rules.machines.iter().any(Machine::has_guards);
        let whole = has_guards.then(|| captures(&MessagePattern::any(), text)).flatten();
        for (number, machine) in self.rules.machines.iter().enumerate() {
            let taken = {
                let memory = present.hands.memory.clone();
                let facts = moment(&memory, whole.as_ref());
                machine.machine.on_message(&mut present.machines[number], now, text, &facts)
            };
            let Some(transition) = taken else { continue };
            present.hands.memory.set_machine(&machine.name, present.machines[number].current());
            let released = captures(transition.pattern(), text);
            is_answered |= transition.action().answers();
            self.act(transition.action(), released.as_ref(), present, now, true, plan);
        }
        is_answered
    }

    pub(super) fn act(
        &self,
        actions: &Actions,
        released: Option<&Released>,
        present: &mut Present,
        now: Duration,
        is_seen: bool,
        plan: &mut Plan,
    ) {
        // Without a condition, nothing speaks against it.
        let _ = present.hands.perform(actions, None, released, is_seen, plan);
        self.decide(actions, present, now);
    }

    /// Decides the check of actions that are done.
    pub(super) fn decide(&self, actions: &Actions, present: &mut Present, now: Duration) {
        if let Some(check) = actions.check() {
            let decision = match check.passes {
                true => Decision::Passed,
                false => Decision::Failed("this must not happen".to_owned()),
            };
            present.checks.decide(CheckKey::Actions(actions.number), decision, now);
        }
    }

    /// No code of others runs under it.
    pub(super) fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What guards of machines look at. A message is whole to them: no pattern has taken anything from it yet.
fn moment<'m>(memory: &'m Memory, released: Option<&'m Released>) -> Moment<'m> {
    Moment { script_time: Duration::ZERO, released, memory, room: None, repetition: None }
}
