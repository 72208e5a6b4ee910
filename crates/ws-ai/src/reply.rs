//! The text of a provider, read while it comes: each event is found with the piece of text that completes it.
//!
//! Events are the elements of the array `events` of an object, or the objects of an array, or objects one after another, with
//! whatever a language model writes around them: prose, code fences, thoughts. What was meant as an event and is none is told,
//! with the reason; nothing is repaired. However the text is cut into pieces, the same is found. What is kept of a text is at
//! most the event that is not complete.

mod draft;
mod extent;
mod tag;

use crate::{Draft, RejectKind};

use extent::{Extent, MOST_LEVELS, Step};
use tag::Tag;

/// Of a longer reply, the rest is not read.
const MOST_BYTES: usize = 1 << 20;
/// A larger event is not taken.
const MOST_EVENT_BYTES: usize = 64 << 10;
/// A reply with so much that is no event is not read on.
const MOST_REJECTS: usize = 100;

/// Something that was meant as an event, but is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    pub(crate) kind: RejectKind,
    /// What is wrong with it, in one line, for the model that wrote it and for people.
    pub(crate) reason: String,
}

impl Reject {
    fn new(kind: RejectKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }
}

/// Reads one reply.
#[derive(Debug)]
pub(crate) struct ReplyReader {
    place: Place,
    /// What is there belongs to the array `events`.
    in_events: bool,
    bytes: usize,
    rejects: usize,
}

/// Where in a reply the reader is.
#[derive(Debug)]
enum Place {
    /// Between values, or in no array that is known to hold events.
    Prose(Tag),
    /// In what a model thinks before it answers.
    Thought(Tag),
    /// Between the elements of the array `events`. `true`: what is there is no event, and that is told.
    Events(bool),
    Value(Open),
    /// Behind what is read of a reply.
    Beyond,
}

/// A value that is not complete.
#[derive(Debug)]
struct Open {
    extent: Extent,
    role: Role,
    text: String,
    is_too_long: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// An object of JSON, or a brace in a sentence: what comes next tells.
    Undecided,
    Event,
    /// It is of no interest.
    Skipped,
}

type Found = Result<Draft, Reject>;

impl ReplyReader {
    pub(crate) fn new() -> Self {
        Self { place: Place::Prose(Tag::default()), in_events: false, bytes: 0, rejects: 0 }
    }

    /// Reads the next piece. What is complete with it is returned, in order.
    pub(crate) fn push(&mut self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for character in text.chars() {
            if self.is_full() {
                break;
            }
            self.bytes += character.len_utf8();
            if self.bytes > MOST_BYTES {
                self.place = Place::Beyond;
                let reason = format!("the reply is longer than {MOST_BYTES} bytes");
                found.push(Err(Reject::new(RejectKind::TooLarge, reason)));
                break;
            }
            let told = found.len();
            self.read(character, &mut found);
            self.rejects += found[told..].iter().filter(|found| found.is_err()).count();
            if self.rejects >= MOST_REJECTS {
                self.place = Place::Beyond;
            }
        }
        found
    }

    /// Whether nothing more is found, whatever comes: the reply is too long, or too much of it is no event.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.place, Place::Beyond)
    }

    /// The reply has ended. What was not complete is told.
    pub(crate) fn finish(self) -> Option<Reject> {
        match self.place {
            Place::Value(open) => open.unfinished(),
            Place::Thought(_) => Some(Reject::new(RejectKind::Truncated, "the reply ends in the middle of a thought")),
            Place::Prose(_) | Place::Events(_) | Place::Beyond => None,
        }
    }

    fn read(&mut self, character: char, found: &mut Vec<Found>) {
        match &mut self.place {
            Place::Prose(tag) => {
                if tag.opens_thought(character) {
                    self.place = Place::Thought(Tag::default());
                } else if character == '{' {
                    self.place = Place::Value(Open::object(Role::Undecided));
                }
            }
            Place::Thought(tag) => {
                if tag.closes_thought(character) {
                    self.place = Place::Prose(Tag::default());
                }
            }
            Place::Events(is_told) => match character {
                ' ' | '\t' | '\r' | '\n' => {}
                ',' => *is_told = false,
                '{' => self.place = Place::Value(Open::object(Role::Event)),
                // The rest of the object around the events.
                ']' => {
                    self.in_events = false;
                    self.place = Place::Value(Open::new(Extent::behind_an_array(), Role::Skipped));
                }
                '}' | '`' => self.leave_events(),
                _ => {
                    if !*is_told {
                        found.push(Err(Reject::new(RejectKind::Malformed, "an event is an object, in braces")));
                    }
                    *is_told = true;
                    if let Some(extent) = Extent::begun_by(character) {
                        self.place = Place::Value(Open::new(extent, Role::Skipped));
                    }
                }
            },
            Place::Value(open) => match open.push(character, self.in_events) {
                Step::Inside => {}
                Step::Events => {
                    self.in_events = true;
                    self.place = Place::Events(false);
                }
                Step::Closed => {
                    found.extend(open.judged(self.in_events));
                    self.place = self.between();
                }
                Step::Outside => {
                    found.extend(open.unfinished().map(Err));
                    self.place = self.between();
                    self.read(character, found);
                }
            },
            Place::Beyond => {}
        }
    }

    fn between(&self) -> Place {
        if self.in_events { Place::Events(false) } else { Place::Prose(Tag::default()) }
    }

    /// The array `events` has no end, but a fence or the end of what is around it.
    fn leave_events(&mut self) {
        self.in_events = false;
        self.place = Place::Prose(Tag::default());
    }
}

impl Open {
    fn new(extent: Extent, role: Role) -> Self {
        Self { extent, role, text: String::new(), is_too_long: false }
    }

    fn object(role: Role) -> Self {
        Self { text: "{".to_owned(), ..Self::new(Extent::object(), role) }
    }

    fn push(&mut self, character: char, in_events: bool) -> Step {
        if self.role == Role::Undecided && !character.is_ascii_whitespace() {
            // Single quotes are not JSON, but no sentence begins with them behind a brace: it is told that they are wrong.
            self.role = if matches!(character, '"' | '\'') { Role::Event } else { Role::Skipped };
        }
        let mut step = self.extent.push(character);
        if step == Step::Events && (in_events || self.role == Role::Skipped) {
            step = Step::Inside;
        }
        if self.role != Role::Skipped && !self.is_too_long {
            self.keep(character);
        }
        step
    }

    fn keep(&mut self, character: char) {
        if self.text.len() + character.len_utf8() > MOST_EVENT_BYTES {
            self.is_too_long = true;
            self.text = String::new();
        } else {
            self.text.push(character);
        }
    }

    /// What it is, now that it is complete.
    fn judged(&self, in_events: bool) -> Option<Found> {
        if self.role != Role::Event {
            return None;
        }
        Some(if self.is_too_long {
            Err(Reject::new(RejectKind::TooLarge, format!("an event is larger than {MOST_EVENT_BYTES} bytes")))
        } else if self.extent.is_too_deep() {
            Err(Reject::new(RejectKind::TooLarge, format!("an event is nested deeper than {MOST_LEVELS} levels")))
        } else {
            draft::parse(&self.text, !in_events)
        })
    }

    fn unfinished(&self) -> Option<Reject> {
        (self.role == Role::Event).then(|| Reject::new(RejectKind::Truncated, "the end of an event is missing"))
    }
}

#[cfg(test)]
mod tests;
