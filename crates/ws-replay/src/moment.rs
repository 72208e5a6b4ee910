//! What templates and conditions may look at while one message is decided or made.

mod names;

use std::time::Duration;

use serde_json::Value;
use ws_patterns::{Facts, Name};

use crate::memory::{Kept, Memory};
use crate::released::Released;

pub(crate) use names::UnknownName;
#[cfg(test)]
pub(crate) use names::known_names;

/// One moment of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    /// The script's time, which `{{now}}` shows under a fixed clock.
    pub(crate) script_time: Duration,
    /// The message that released the last wait or matched a rule.
    pub(crate) released: Option<&'a Released>,
    pub(crate) memory: &'a Memory,
    /// What the room remembers that this is about. Its lock is held for as long as that.
    pub(crate) room: Option<&'a Kept>,
    /// Which repetition it is, from 1.
    pub(crate) repetition: Option<u64>,
}

impl Facts for Moment<'_> {
    fn value(&self, name: &Name) -> Option<Value> {
        // A word alone is a group, if there is one of that name: names of groups are older.
        if name.rest().is_empty()
            && let Some(group) = self.released.and_then(|released| released.named(name.root()))
        {
            return Some(group.into());
        }
        let step = |number: usize| name.rest().get(number).map(String::as_str);
        match (name.root(), step(0), step(1), name.rest().len()) {
            ("state", ..) => self.memory.state(name),
            ("room", ..) => name.rest_in(self.room?.as_value()).cloned(),
            ("match", Some(group), _, 1) => self.group(group).map(Value::from),
            ("lastMessage", .., 0) => self.memory.message_before(self.released).map(Value::from),
            ("request", Some("ws"), Some("message"), 2) => Some(self.released?.text().into()),
            ("request", ..) => self.memory.request().value(name),
            ("connection", Some("id"), _, 1) => Some(self.memory.request().connection_id().into()),
            ("connection", Some("number"), _, 1) => self.memory.number().map(Value::from),
            ("connection", Some("messages"), _, 1) => Some(self.memory.messages().into()),
            ("machine", Some(machine), _, 1) => self.memory.machine(machine).map(Value::from),
            ("correlation", Some(correlation), Some(outcome), 2) => {
                self.memory.outcomes(correlation).get_mut(outcome).map(Value::take)
            }
            ("repetition", .., 0) => self.repetition.map(Value::from),
            _ => None,
        }
    }

    fn message(&self) -> Option<&Value> {
        self.released?.json()
    }
}

impl Moment<'_> {
    /// What a group of the pattern matched, by its number or name.
    fn group(&self, group: &str) -> Option<&str> {
        let released = self.released?;
        match group.parse() {
            Ok(number) => released.numbered(number),
            Err(_) => released.named(group),
        }
    }
}
