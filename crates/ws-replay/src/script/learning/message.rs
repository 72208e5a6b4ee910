//! What the client said, with wildcards for what it had made.

mod shape;

use std::fmt;
use std::sync::Arc;

use ws_patterns::{Difference, MessagePattern, MessageText};

use super::{Learned, Learner, Present, Slot, Verbatim};
use shape::Shape;

/// A recorded message of the client.
#[derive(Debug)]
pub(crate) struct RecordedMessage {
    text: Box<str>,
    /// Its number among the client's messages of the session.
    number: usize,
    shape: Shape,
    verbatim: Arc<Verbatim>,
}

/// What a message has in place of the recorded values; nothing where it has the same.
type Found = Vec<(Slot, Option<Present>)>;

impl RecordedMessage {
    pub(super) fn compile(text: &str, number: usize, learner: &mut Learner) -> Self {
        let shape = Shape::compile(text, learner);
        Self { text: text.into(), number, shape, verbatim: Arc::clone(&learner.verbatim) }
    }

    /// What was recorded.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is this message word for word.
    pub(crate) fn is_verbatim(&self, message: &MessageText<'_>) -> bool {
        *self.text == *message.as_str()
    }

    /// Whether it is this message, but for the values that the client makes; those of a message that is are learnt.
    ///
    /// A message that was recorded word for word further behind is left for its own turn.
    pub(crate) fn matches(&self, message: &MessageText<'_>, learned: &mut Learned) -> bool {
        let Some(found) = self.compare(message, learned) else { return false };
        for (slot, present) in found {
            match present {
                Some(present) => learned.present.insert(slot, present),
                None => learned.present.remove(&slot),
            };
        }
        true
    }

    fn compare(&self, message: &MessageText<'_>, learned: &Learned) -> Option<Found> {
        if self.is_verbatim(message) {
            return Some(self.shape.slots().into_iter().map(|slot| (slot, None)).collect());
        }
        let is_later = self.verbatim.is_later(message.as_str(), self.number);
        if is_later { None } else { self.shape.compare(message, learned) }
    }

    /// Why a message does not match, in a session that has learnt this; `None` if it does.
    pub(crate) fn difference(&self, message: &MessageText<'_>, learned: &Learned) -> Option<Difference> {
        if self.compare(message, learned).is_some() {
            return None;
        }
        let likened = self.shape.likened(message).map(MessagePattern::json_subset);
        let of_json = likened.and_then(|pattern| pattern.difference(message));
        of_json.or_else(|| MessagePattern::exact(&*self.text).difference(message))
    }
}

/// As an exact pattern, which is what it is to a client that makes nothing up.
impl fmt::Display for RecordedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exact {:?}", self.text)
    }
}
