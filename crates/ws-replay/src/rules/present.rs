//! What one connection's rules remember and plan, and how actions are done in it. It knows no sockets and no clock.

use std::collections::HashMap;
use std::time::Duration;

use ws_patterns::{CorrelationState, Expression, MachineState};

use super::actions::Actions;
use super::answers::Turns;
use super::checks::Checks;
use super::plan::{Plan, Schedule};
use super::scene::Scene;
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
    pub(super) hands: Hands,
    /// How many messages have come.
    pub(super) messages: u64,
    /// Whether the connection has ended.
    pub(super) is_over: bool,
    /// How many outcomes were brought about by messages to the client since the client said something or time passed.
    pub(super) echoes: u32,
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
