//! What is done for a message, a time-out or an outcome: things are set, rooms entered, answers sent, checks decided.

use std::time::Duration;

use ws_core::CloseFrame;

use super::answers::Answers;
use super::plan::{Deed, Plan};
use super::problem::RuleProblem;
use super::reading::Reading;
use super::response::{Place, Response, delay, read_close};
use super::scene::Scene;
use crate::ProblemKind;
use crate::located::{Node, Record};
use crate::setting::Setting;
use crate::template::Template;

/// What is done, in the order of the fields.
#[derive(Debug)]
pub(super) struct Actions {
    /// Its number in the file: under it, a connection remembers what has come of it.
    pub(super) number: u32,
    /// The room that `room.X`, `set_room` and `to: room` are about.
    room: Option<Template>,
    set: Vec<(String, Setting)>,
    set_room: Vec<(String, Setting)>,
    join: Vec<Template>,
    leave: Vec<Template>,
    check: Option<RuleCheck>,
    delay: Duration,
    answers: Option<Answers>,
    close: Option<CloseFrame>,
}

/// A check that is decided as soon as its rule is followed.
#[derive(Debug)]
pub(super) struct RuleCheck {
    pub(super) line: usize,
    pub(super) description: String,
    pub(super) passes: bool,
}

/// The keys of actions, wherever they stand.
pub(super) const KEYS: [&str; 13] = [
    "room",
    "set",
    "set_room",
    "join",
    "leave",
    "assert",
    "fail",
    "delay_ms",
    "response",
    "responses",
    "choose",
    "cycle",
    "close",
];

/// The keys of something that has actions: its own ones and theirs.
pub(super) const fn keys_with_actions<const OWN: usize, const ALL: usize>(
    own: [&'static str; OWN],
) -> [&'static str; ALL] {
    assert!(OWN + KEYS.len() == ALL, "the number of all keys");
    let mut all = [""; ALL];
    let mut n = 0;
    while n < ALL {
        all[n] = if n < OWN { own[n] } else { KEYS[n - OWN] };
        n += 1;
    }
    all
}

impl Actions {
    /// Reads the actions of a record; `groups` are those of the pattern before them, none if there is no message.
    pub(super) fn read(record: &Record<'_>, groups: &[Option<String>], reading: &mut Reading<'_, '_, '_>) -> Self {
        let room = record.get("room").and_then(|node| reading.template("room", node, groups));
        let place = Place { groups, has_room: record.get("room").is_some() };
        if let Some(span) = record.key_span("set_room").filter(|_| !place.has_room) {
            let needs = "`room`, the name of the room, in the same rule";
            reading.findings.at_span(span, ProblemKind::Needs { key: "set_room", needs });
        }
        let mut rooms = |key: &'static str| {
            let nodes = record.get(key).map_or(&[][..], Node::one_or_more);
            nodes.iter().filter_map(|node| reading.template(key, node, groups)).collect::<Vec<_>>()
        };
        let (join, leave) = (rooms("join"), rooms("leave"));
        let set = values("set", record, groups, reading);
        let set_room = values("set_room", record, groups, reading);
        Self {
            number: reading.next_number(),
            room,
            set,
            set_room,
            join,
            leave,
            check: check(record, reading),
            delay: delay(record.get("delay_ms"), reading),
            answers: Answers::read(record, place, reading),
            close: record.get("close").and_then(|node| read_close(node, reading)),
        }
    }

    /// Actions that do nothing but answer.
    pub(super) fn answering(responses: Vec<Response>, reading: &mut Reading<'_, '_, '_>) -> Self {
        Self::answering_always(reading.next_number(), responses)
    }

    /// As [`answering`](Self::answering), with this number.
    pub(super) fn answering_always(number: u32, responses: Vec<Response>) -> Self {
        Self {
            number,
            room: None,
            set: Vec::new(),
            set_room: Vec::new(),
            join: Vec::new(),
            leave: Vec::new(),
            check: None,
            delay: Duration::ZERO,
            answers: Some(Answers::Same(responses)),
            close: None,
        }
    }

    /// Reports `what`, if it has no actions at all.
    pub(super) fn expect_some(record: &Record<'_>, what: &'static str, reading: &mut Reading<'_, '_, '_>) {
        let does_something = |key: &str| KEYS.contains(&key) && !["room", "delay_ms", "choose", "cycle"].contains(&key);
        if !record.keys().any(does_something) && !record.is_misspelt() {
            reading.wrong::<()>(record.span(), RuleProblem::DoesNothing(what));
        }
    }

    /// The check that it decides, if it has one.
    pub(super) fn check(&self) -> Option<&RuleCheck> {
        self.check.as_ref()
    }

    /// Whether the client hears of it at once or later: whether it answers.
    pub(super) fn answers(&self) -> bool {
        self.answers.is_some() || self.close.is_some()
    }

    /// Whether something of it waits for its time.
    pub(super) fn takes_time(&self) -> bool {
        !self.delay.is_zero() || self.answers.as_ref().is_some_and(Answers::takes_time)
    }

    /// The room that it is about, as a template.
    pub(super) fn room(&self) -> Option<&Template> {
        self.room.as_ref()
    }

    /// Does what can be done at once, and plans what is to be sent.
    pub(super) fn perform(&self, scene: &mut Scene<'_>, plan: &mut Plan) {
        for (name, value) in &self.set {
            let value = scene.make(value);
            scene.set(name, value);
        }
        for (name, value) in &self.set_room {
            let value = scene.make(value);
            scene.set_room(name, value);
        }
        for room in &self.join {
            plan.add(scene.since_cause, Deed::Join(scene.render(room).to_string()));
        }
        for room in &self.leave {
            plan.add(scene.since_cause, Deed::Leave(scene.render(room).to_string()));
        }
        scene.since_cause += self.delay;
        for response in self.answers.as_ref().map_or(&[][..], |answers| scene.next_answer(self.number, answers)) {
            scene.since_cause += response.delay;
            if let Some(message) = response.make(scene) {
                let room = scene.room_name().filter(|_| response.to_room);
                let deed = match room {
                    Some(room) => Deed::Broadcast { room: room.to_owned(), message },
                    None => Deed::Send { message, is_seen: scene.is_seen },
                };
                plan.add(scene.since_cause, deed);
            }
            if let Some(frame) = &response.close {
                plan.add(scene.since_cause, Deed::Close(frame.clone()));
            }
        }
        if let Some(frame) = &self.close {
            plan.add(scene.since_cause, Deed::Close(frame.clone()));
        }
    }
}

/// Reads `set` or `set_room`: names and their values.
fn values(
    key: &'static str,
    record: &Record<'_>,
    groups: &[Option<String>],
    reading: &mut Reading<'_, '_, '_>,
) -> Vec<(String, Setting)> {
    let entries = record.get(key).and_then(|node| node.map(key, "names and their values", reading.findings));
    let entries = entries.unwrap_or_default().iter();
    entries
        .map(|(name, node)| {
            match key {
                "set" => reading.state_names.sets(&name.text, name.span),
                _ => reading.names.sets_room(&name.text, name.span),
            }
            (name.text.clone(), reading.setting(key, node, groups))
        })
        .collect()
}

fn check(record: &Record<'_>, reading: &mut Reading<'_, '_, '_>) -> Option<RuleCheck> {
    const EXPECTED: &str = "a text that says what was checked";
    let assert = record.text("assert", EXPECTED, reading.findings);
    let fail = record.text("fail", EXPECTED, reading.findings);
    if let (Some(_), Some(fail)) = (&assert, &fail) {
        reading.findings.at_span(fail.span, ProblemKind::Excluded { key: "fail", beside: "beside `assert`" });
    }
    let description = assert.or(fail)?;
    Some(RuleCheck { line: description.span.line, description: description.value.to_owned(), passes: assert.is_some() })
}
