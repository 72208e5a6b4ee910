//! What recordings learn from the client that is there now: ids and times that a client makes up anew each time.
//!
//! A recording says word for word what a client said. Values that it made up itself, which the server had not said
//! before, would be different today: in the messages that are expected they are wildcards, and where the recorded
//! answers repeat them, the answers of today have what the client says today.
//!
//! A client that says exactly what was recorded is treated exactly as if nothing were learnt: its messages are taken in
//! the same order and it gets the same bytes.
//!
//! Nothing here knows of players or files. All is decided when a recording is compiled, but for the comparison itself.

mod answer;
mod made;
mod message;
mod scalars;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde_json::{Number, Value};

pub(crate) use answer::LearntText;
pub(crate) use message::RecordedMessage;
use scalars::Scalar;

/// The longest value that is learnt, in bytes. A client that sends more is not what was recorded.
const MAX_VALUE_BYTES: usize = 1024;

/// The number of a value that the client made, in its session.
type Slot = u32;

/// Reads a recorded session in its order and finds what its client had made.
#[derive(Debug, Default)]
pub(crate) struct Learner {
    identities: Identities,
    /// What the client made so far.
    made: Made,
    /// Those of it that were numbers, and not strings, when they were first said.
    numbers: HashSet<Slot>,
    /// What the server said so far.
    said: HashSet<Identity>,
    verbatim: Arc<Verbatim>,
    /// The client's messages so far, each with the number of the last that had this text.
    recorded: HashMap<Identity, usize>,
    messages: usize,
}

/// The values that a client made, by what they are.
type Made = HashMap<Identity, Slot>;

/// What makes two occurrences of a value the same. Long values are the same wherever they stand; short ones, such as `1`,
/// only at keys of the same name.
///
/// It is a hash with a random key, as recordings have millions of values: that two of them are taken for one is less
/// likely than that the machine errs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Identity(u64);

#[derive(Debug, Clone, Default)]
struct Identities(RandomState);

impl Identities {
    /// None if the value is short and stands at no key: then it is only what it is.
    fn of(&self, text: &str, key: Option<&str>) -> Option<Identity> {
        match key {
            _ if made::is_long(text) => Some(self.of_whole(text)),
            Some(key) => Some(Identity(self.0.hash_one((key, text)))),
            None => None,
        }
    }

    fn of_whole(&self, text: &str) -> Identity {
        Identity(self.0.hash_one(text))
    }
}

/// The messages of a session that were recorded, each with the number of the last that had this text.
#[derive(Debug, Default)]
struct Verbatim {
    identities: Identities,
    last: OnceLock<HashMap<Identity, usize>>,
}

impl Verbatim {
    /// Whether the text was recorded as a message behind the one of this number: then it is that one which it releases.
    fn is_later(&self, text: &str, number: usize) -> bool {
        let last = self.last.get().and_then(|last| last.get(&self.identities.of_whole(text)));
        last.is_some_and(|last| *last > number)
    }
}

impl Learner {
    pub(crate) fn new() -> Self {
        let identities = Identities::default();
        let verbatim = Verbatim { identities: identities.clone(), last: OnceLock::new() };
        Self { identities, verbatim: Arc::new(verbatim), ..Self::default() }
    }

    /// The next message of the client.
    pub(crate) fn expect(&mut self, text: &str) -> RecordedMessage {
        let number = self.messages;
        self.messages += 1;
        self.recorded.insert(self.identities.of_whole(text), number);
        RecordedMessage::compile(text, number, self)
    }

    /// The next message of the server.
    pub(crate) fn answer(&mut self, text: String) -> LearntText {
        let scalars = scalars::scalars(&text);
        let places = LearntText::places(&text, scalars.as_deref(), self);
        self.note(&text, scalars.as_deref());
        LearntText::new(text, places)
    }

    /// When all messages of the session were read: how many values of its client are learnt.
    pub(crate) fn finish(self) -> usize {
        // It is set here and nowhere else.
        let _ = self.verbatim.last.set(self.recorded);
        self.made.len()
    }

    /// Takes note of what the server says.
    fn note(&mut self, text: &str, scalars: Option<&[Scalar<'_>]>) {
        let Self { identities, said, .. } = self;
        let mut words = |text: &str| said.extend(made::words(text).filter_map(|word| identities.of(&text[word], None)));
        let Some(scalars) = scalars else { return words(text) };
        scalars.iter().for_each(|scalar| words(&scalar.text));
        said.extend(scalars.iter().filter_map(|scalar| identities.of(&scalar.text, scalar.key.as_deref())));
    }

    /// The slot of a value that looks as if the client had made it; none if the server had said it.
    fn made(&mut self, text: &str, key: Option<&str>, is_number: bool) -> Option<Slot> {
        let identity = self.identities.of(text, key)?;
        if let Some(slot) = self.made.get(&identity) {
            return Some(*slot);
        }
        if self.said.contains(&identity) {
            return None;
        }
        let slot = Slot::try_from(self.made.len()).ok()?;
        self.made.insert(identity, slot);
        if is_number {
            self.numbers.insert(slot);
        }
        Some(slot)
    }

    /// The slot of a value that the client is known to have made.
    fn known(&self, text: &str, key: Option<&str>) -> Option<Slot> {
        self.made.get(&self.identities.of(text, key)?).copied()
    }

    /// The places of values that the client is known to have made, as whole words, apart from each other.
    fn known_words(&self, text: &str) -> Vec<(Range<usize>, Slot)> {
        let known = |word: Range<usize>| Some((word.clone(), self.known(&text[word], None)?));
        let mut found: Vec<_> = made::words(text).filter_map(known).collect();
        // Of those that begin at the same place the longest counts.
        found.sort_by_key(|(range, _)| (range.start, Reverse(range.end)));
        let mut end = 0;
        found.retain(|(range, _)| {
            let is_free = range.start >= end;
            if is_free {
                end = range.end;
            }
            is_free
        });
        found
    }
}

/// What the client of one session has made so far, where it is not what was recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Learned {
    present: HashMap<Slot, Present>,
}

/// What stands now where a recorded value stood.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Present {
    Text(Box<str>),
    Number(Number),
}

impl Present {
    fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.as_ref().into(),
            Self::Number(number) => number.to_string(),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => text.as_ref().into(),
            Self::Number(number) => number.clone().into(),
        }
    }
}
