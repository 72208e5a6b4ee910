//! Making messages, and deciding conditions, of what is known at the moment.

use std::time::Duration;

use ws_core::Message;
use ws_patterns::Expression;

use super::{Action, Player};
use crate::memory::Memory;
use crate::moment::Moment;
use crate::released::Released;
use crate::script::{Content, Learned, Step};
use crate::template::{Template, Values};

impl Player {
    pub(super) fn holds(&self, condition: &Expression) -> bool {
        condition.holds(&self.moment())
    }

    pub(super) fn render(&mut self, template: &Template) -> String {
        let Self { memory, values, clock, released, .. } = self;
        let moment =
            Moment { script_time: clock.shown(), released: released.as_deref(), memory, room: None, repetition: None };
        template.render(&moment, values).into()
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            script_time: self.clock.shown(),
            released: self.released.as_deref(),
            memory: &self.memory,
            room: None,
            repetition: None,
        }
    }
}

/// What a message is made of.
pub(super) struct Making<'m> {
    /// The time that the script's clock shows.
    pub(super) shown: Duration,
    pub(super) released: Option<&'m Released>,
    pub(super) memory: &'m Memory,
    pub(super) learned: &'m Learned,
    pub(super) repetition: Option<u64>,
}

impl Making<'_> {
    /// Sending the text of a step.
    pub(super) fn action(&self, step: &Step, values: &mut Values) -> Option<Action> {
        let moment = Moment {
            script_time: self.shown,
            released: self.released,
            memory: self.memory,
            room: None,
            repetition: self.repetition,
        };
        let message = match step.content.as_ref()? {
            Content::Text(template) => Message::Text(template.render(&moment, values)),
            Content::Recorded(text) => Message::Text(text.render(self.learned)),
            Content::Binary(data) => Message::Binary(data.clone()),
            Content::Ping(data) => Message::Ping(data.clone()),
        };
        Some(match step.logic.as_ref().and_then(|logic| logic.room.as_ref()) {
            Some(room) => Action::Broadcast { room: room.render(&moment, values).into(), message },
            None => Action::Send(message),
        })
    }
}
