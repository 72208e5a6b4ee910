//! What the server said, with the places where it repeats what the client had made.

use std::ops::Range;

use bytestring::ByteString;

use super::scalars::{Kind, Scalar};
use super::{Learned, Learner, Present, Slot};

/// A recorded answer.
#[derive(Debug)]
pub(crate) struct LearntText {
    source: ByteString,
    /// In their order, apart from each other.
    places: Vec<Place>,
}

#[derive(Debug)]
pub(super) struct Place {
    range: Range<usize>,
    slot: Slot,
    surroundings: Surroundings,
}

/// What a value must look like to be at home there.
#[derive(Debug, Clone, Copy)]
enum Surroundings {
    /// Text that is no JSON.
    Text,
    /// Inside the quotes of a JSON string.
    JsonString,
    /// In place of a JSON string or number.
    JsonValue,
}

impl LearntText {
    pub(super) fn new(text: String, places: Vec<Place>) -> Self {
        Self { source: text.into(), places }
    }

    /// Where a text has values that the client had made before. `scalars` are those of the text, if it is JSON.
    pub(super) fn places(text: &str, scalars: Option<&[Scalar<'_>]>, learner: &Learner) -> Vec<Place> {
        if learner.made.is_empty() {
            return Vec::new();
        }
        let Some(scalars) = scalars else {
            let place = |(range, slot)| Place { range, slot, surroundings: Surroundings::Text };
            return learner.known_words(text).into_iter().map(place).collect();
        };
        let mut places = Vec::new();
        for scalar in scalars {
            let surroundings = match scalar.kind {
                Kind::Text | Kind::Key => Surroundings::JsonString,
                Kind::Number => Surroundings::JsonValue,
            };
            let found = match learner.known(&scalar.text, scalar.key.as_deref()) {
                // A string that stands for a string may become a number, as that may today.
                Some(slot) if scalar.kind == Kind::Text && !learner.numbers.contains(&slot) => {
                    places.push(Place { range: scalar.whole(), slot, surroundings: Surroundings::JsonValue });
                    continue;
                }
                Some(slot) => vec![(0..scalar.text.len(), slot)],
                None if scalar.kind == Kind::Number => Vec::new(),
                None => learner.known_words(&scalar.text),
            };
            let (parts, slots): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            let place = |(range, slot)| Place { range, slot, surroundings };
            places.extend(scalar.places(parts).zip(slots).map(place));
        }
        places
    }

    /// What was recorded.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// What is to be said to a client that made these values.
    pub(crate) fn render(&self, learned: &Learned) -> ByteString {
        let is_changed = |place: &Place| learned.present.contains_key(&place.slot);
        if !self.places.iter().any(is_changed) {
            return self.source.clone();
        }
        let mut text = String::with_capacity(self.source.len());
        let mut from = 0;
        for place in &self.places {
            if let Some(present) = learned.present.get(&place.slot) {
                text.push_str(&self.source[from..place.range.start]);
                text.push_str(&place.surroundings.written(present));
                from = place.range.end;
            }
        }
        text.push_str(&self.source[from..]);
        text.into()
    }
}

impl Surroundings {
    fn written(self, present: &Present) -> String {
        let json = |text: &str| serde_json::Value::from(text).to_string();
        match (self, present) {
            (_, Present::Number(number)) => number.to_string(),
            (Self::Text, Present::Text(text)) => text.as_ref().to_owned(),
            (Self::JsonValue, Present::Text(text)) => json(text),
            (Self::JsonString, Present::Text(text)) => {
                let quoted = json(text);
                quoted[1..quoted.len() - 1].to_owned()
            }
        }
    }
}
