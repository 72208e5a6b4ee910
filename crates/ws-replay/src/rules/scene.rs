//! What actions see while they are done, and what they can change at once.

use std::time::Duration;

use bytestring::ByteString;
use serde_json::Value;
use tracing::warn;
use ws_patterns::{Expression, Facts};

use super::answers::{Answers, Turns};
use super::response::Response;
use crate::memory::{Kept, Memory};
use crate::moment::Moment;
use crate::released::Released;
use crate::setting::Setting;
use crate::template::{Template, Values};

/// One message or time-out, for one connection.
pub(super) struct Scene<'s> {
    pub(super) memory: &'s Memory,
    /// The message and what its pattern took from it.
    pub(super) released: Option<&'s Released>,
    /// The room that this is about, by name, and what it remembers. Its lock is held as long as the scene, so what is read
    /// and then set is one change.
    pub(super) room: Option<(&'s str, &'s mut Kept)>,
    pub(super) values: &'s mut Values,
    pub(super) turns: &'s mut Turns,
    /// How long after its cause what is made now will be sent.
    pub(super) since_cause: Duration,
    /// Whether correlations look at what is sent.
    pub(super) is_seen: bool,
}

impl Scene<'_> {
    fn moment(&self) -> Moment<'_> {
        moment(self.since_cause, self.released, self.memory, &self.room)
    }

    pub(super) fn holds(&self, condition: &Expression) -> bool {
        condition.holds(&self.moment())
    }

    /// What a condition that does not hold looked at, for a near miss.
    pub(super) fn why_not(&self, condition: &Expression) -> String {
        const MOST_NAMES: usize = 3;
        let moment = self.moment();
        let mut known = Vec::<String>::new();
        for name in condition.names() {
            let value = moment.value(name).unwrap_or_default();
            let said = format!("`{name}` is {}", excerpt(&value.to_string()));
            if !known.contains(&said) && known.len() < MOST_NAMES {
                known.push(said);
            }
        }
        let values = if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) };
        format!("`when`: `{}` does not hold{values}", excerpt(condition.as_str()))
    }

    pub(super) fn render(&mut self, template: &Template) -> ByteString {
        let moment = moment(self.since_cause, self.released, self.memory, &self.room);
        template.render(&moment, self.values)
    }

    pub(super) fn make(&mut self, setting: &Setting) -> Value {
        let moment = moment(self.since_cause, self.released, self.memory, &self.room);
        setting.value(&mut |template| template.render(&moment, self.values))
    }

    /// Sets a value of the connection.
    pub(super) fn set(&self, name: &str, value: Value) {
        if let Err(error) = self.memory.set(name, value)
            && error.is_first()
        {
            warn!(%error, "a value of a connection was not set");
        }
    }

    /// Sets a value of the room.
    pub(super) fn set_room(&mut self, name: &str, value: Value) {
        if let Some((_, room)) = &mut self.room
            && let Err(error) = room.set(name, value)
            && error.is_first()
        {
            warn!(%error, "a value of a room was not set");
        }
    }

    pub(super) fn room_name(&self) -> Option<&str> {
        self.room.as_ref().map(|(name, _)| *name)
    }

    /// The answer that comes next; `number` is that of its actions.
    pub(super) fn next_answer<'a>(&mut self, number: u32, answers: &'a Answers) -> &'a [Response] {
        answers.next(number, self.turns, &mut self.values.random)
    }
}

/// Of the parts of a scene that do not change while something is rendered; the others do.
fn moment<'m>(
    script_time: Duration,
    released: Option<&'m Released>,
    memory: &'m Memory,
    room: &'m Option<(&str, &mut Kept)>,
) -> Moment<'m> {
    let room = room.as_ref().map(|(_, kept)| &**kept);
    Moment { script_time, released, memory, room, repetition: None }
}

fn excerpt(text: &str) -> String {
    crate::script::excerpt(text)
}
