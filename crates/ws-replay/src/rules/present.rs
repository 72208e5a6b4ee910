//! What one connection's rules remember and plan, and how actions are done in it. It knows no sockets and no clock.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use ws_core::Message;
use ws_patterns::{CorrelationState, Expression, MachineState};

use super::RuleSet;
use super::actions::Actions;
use super::answers::Turns;
use super::checks::Checks;
use super::plan::{Plan, Schedule};
use super::scene::Scene;
use crate::CheckResult;
use crate::memory::{Memory, Room};
use crate::released::Released;
use crate::template::Values;

/// What changes while rules answer a connection.
#[derive(Debug)]
pub(super) struct Present {
    pub(super) machines: Vec<MachineState>,
    pub(super) correlations: Vec<CorrelationState>,
    pub(super) schedule: Schedule,
    pub(super) checks: Checks,
    /// What was decided of checks that the rules had before a reload and have no longer.
    pub(super) earlier_checks: Vec<CheckResult>,
    pub(super) hands: Hands,
    /// How many messages have come.
    messages: u64,
    pub(super) life: Life,
    /// How many outcomes were brought about by messages to the client since the client said something or time passed.
    pub(super) echoes: u32,
}

/// Whether rules are still followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Following,
    /// Only what is planned is still done.
    Resigned,
    /// The connection has ended.
    Over,
}

impl Present {
    /// What connections begin with, or go on with if others before have kept something.
    pub(super) fn new(rules: &RuleSet, memory: Memory, values: Values, now: Duration) -> Self {
        give_state(rules, &memory);
        for machine in rules.machines.iter() {
            memory.set_machine(&machine.name, machine.machine.initial());
        }
        Self {
            machines: rules.machines.iter().map(|machine| machine.machine.start(now)).collect(),
            correlations: rules.watches.iter().map(|watch| watch.correlation.start(now)).collect(),
            schedule: Schedule::default(),
            checks: Checks::default(),
            earlier_checks: Vec::new(),
            messages: memory.messages(),
            hands: Hands::new(memory, values, rules.stream()),
            life: Life::Following,
            echoes: 0,
        }
    }

    /// Takes note of a message that came in.
    pub(super) fn note(&mut self, message: &Message) {
        self.echoes = 0;
        if message.is_data() {
            self.messages += 1;
            self.hands.memory.message_came(self.messages, message);
        }
    }

    /// So many messages have come by now.
    pub(super) fn count_to(&mut self, messages: u64) {
        self.messages = self.messages.max(messages);
    }

    /// The connection has ended.
    pub(super) fn end(&mut self) {
        self.life = Life::Over;
        self.schedule = Schedule::default();
    }
}

/// What actions are done with.
#[derive(Debug)]
pub(super) struct Hands {
    pub(super) memory: Memory,
    values: Values,
    /// How far the random values of each of the actions are: so they do not depend on what else was done in between.
    drawn: HashMap<u32, u128>,
    /// The stream of the first actions.
    stream: u64,
    turns: Turns,
}

impl Hands {
    pub(super) fn new(memory: Memory, values: Values, stream: u64) -> Self {
        Self { memory, values, drawn: HashMap::new(), stream, turns: Turns::default() }
    }

    /// Those that rules of another version find: what was drawn is not drawn again, and answers take turns anew; but if
    /// some are the very same as before, those with these numbers, they go on with their turns.
    pub(super) fn renew(&mut self, values: Values, same: Option<HashSet<u32>>) {
        self.values = values;
        match same {
            Some(numbers) => {
                self.turns.keep(&numbers);
                self.drawn.retain(|number, _| numbers.contains(number));
            }
            None => self.turns = Turns::default(),
        }
    }

    /// Does what `actions` say, if `condition` holds. If not, says why.
    pub(super) fn perform(
        &mut self,
        actions: &Actions,
        condition: Option<&Expression>,
        released: Option<&Released>,
        is_seen: bool,
        plan: &mut Plan,
    ) -> Result<(), String> {
        let start = self.drawn.get(&actions.number).copied().unwrap_or_default();
        self.values.random.set_stream(self.stream.wrapping_add(u64::from(actions.number)));
        self.values.random.set_word_pos(start);
        let memory = self.memory.clone();
        let mut scene = Scene {
            memory: &memory,
            released,
            room: None,
            values: &mut self.values,
            turns: &mut self.turns,
            since_cause: Duration::ZERO,
            is_seen,
        };
        let name = actions.room().map(|room| scene.render(room));
        let room = name.as_ref().map(|name| memory.room(name));
        let mut kept = room.as_ref().map(Room::lock);
        scene.room = name.as_deref().zip(kept.as_deref_mut());
        let performed = match condition.filter(|condition| !scene.holds(condition)) {
            Some(condition) => Err(scene.why_not(condition)),
            None => {
                actions.perform(&mut scene, plan);
                Ok(())
            }
        };
        let end = self.values.random.get_word_pos();
        if end != start {
            self.drawn.insert(actions.number, end);
        }
        performed
    }
}

/// Puts what `rules` begin with into the memory. Values that are there already stay.
pub(super) fn give_state(rules: &RuleSet, memory: &Memory) {
    for (name, value) in rules.state.iter() {
        // It was found to fit when the rules were read.
        let _ = memory.set_at_first(name, value.clone());
    }
    if rules.reads_last_message {
        memory.keep_messages();
    }
}
