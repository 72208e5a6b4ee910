//! Finds JSON patterns by what they want at a place: a tree of places that is walked together with the message.

use std::collections::HashMap;

use serde_json::Value;

use super::Number;
use crate::jsonpath::Key;
use crate::pattern::{Pin, Scalar, Wants};

/// What many patterns want where.
#[derive(Debug, Clone)]
pub(super) struct JsonIndex {
    /// The first is the root of messages.
    places: Vec<Place>,
    /// Patterns that any message but an object may match.
    unless_object: Vec<Number>,
    is_empty: bool,
}

/// A place in messages, and what patterns want there.
#[derive(Debug, Clone, Default)]
struct Place {
    names: HashMap<Box<str>, usize>,
    indexes: HashMap<usize, usize>,
    /// Who is content with anything.
    something: Vec<Number>,
    texts: HashMap<Box<str>, Vec<Number>>,
    /// All but texts.
    scalars: HashMap<Scalar, Vec<Number>>,
}

#[derive(Debug, Default)]
pub(super) struct JsonIndexBuilder {
    patterns: Vec<(Vec<Pin>, Number)>,
    unless_object: Vec<Number>,
}

impl JsonIndexBuilder {
    /// Adds a pattern that matches only what has *all* of the pins.
    pub(super) fn add(&mut self, pins: Vec<Pin>, number: Number) {
        self.patterns.push((pins, number));
    }

    /// Adds a pattern that matches only what has *all* of the pins, or is no object.
    pub(super) fn add_unless_object(&mut self, pins: Vec<Pin>, number: Number) {
        self.unless_object.push(number);
        self.add(pins, number);
    }

    pub(super) fn build(self) -> JsonIndex {
        let mut shared: HashMap<&Pin, usize> = HashMap::new();
        for pin in self.patterns.iter().flat_map(|(pins, _)| pins) {
            *shared.entry(pin).or_default() += 1;
        }
        let mut index = JsonIndex {
            places: vec![Place::default()],
            is_empty: self.patterns.is_empty(),
            unless_object: self.unless_object,
        };
        for (pins, number) in &self.patterns {
            // One pin is enough. The one that fewest other patterns have tells most; then a value rather than its presence.
            let rarest = pins.iter().min_by_key(|pin| (shared.get(pin), pin.wants == Wants::Something));
            match rarest {
                Some(pin) => index.add(pin, *number),
                None => index.places[0].something.push(*number),
            }
        }
        index
    }
}

impl JsonIndex {
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    fn add(&mut self, pin: &Pin, number: Number) {
        let mut at = 0;
        for key in &pin.place {
            let next = self.places.len();
            let place = &mut self.places[at];
            at = match key {
                Key::Name(name) => *place.names.entry(name.clone()).or_insert(next),
                Key::Index(index) => *place.indexes.entry(*index).or_insert(next),
            };
            if at == next {
                self.places.push(Place::default());
            }
        }
        let place = &mut self.places[at];
        match &pin.wants {
            Wants::Something => place.something.push(number),
            Wants::OneOf(scalars) => {
                for scalar in scalars {
                    match scalar {
                        Scalar::Text(text) => place.texts.entry(text.clone()).or_default().push(number),
                        other => place.scalars.entry(other.clone()).or_default().push(number),
                    }
                }
            }
        }
    }

    /// Adds the patterns that may match `message`, perhaps several times. It goes only where the message and some pattern
    /// both go.
    pub(super) fn find(&self, message: &Value, found: &mut Vec<Number>) {
        if !message.is_object() {
            found.extend(&self.unless_object);
        }
        let mut waiting = vec![(&self.places[0], message)];
        while let Some((place, value)) = waiting.pop() {
            found.extend(&place.something);
            let wanting = match value {
                Value::Object(members) => {
                    let below = |name: &str, value| Some((&self.places[*place.names.get(name)?], value));
                    // The shorter of the two lists is gone through, the other is asked.
                    if members.len() < place.names.len() {
                        waiting.extend(members.iter().filter_map(|(name, value)| below(name, value)));
                    } else {
                        let names = place.names.iter();
                        waiting.extend(names.filter_map(|(name, at)| Some((&self.places[*at], members.get(&**name)?))));
                    }
                    None
                }
                Value::Array(elements) => {
                    let indexes = place.indexes.iter();
                    waiting.extend(indexes.filter_map(|(index, at)| Some((&self.places[*at], elements.get(*index)?))));
                    None
                }
                Value::String(text) => place.texts.get(text.as_str()),
                other => Scalar::not_text(other).and_then(|scalar| place.scalars.get(&scalar)),
            };
            found.extend(wanting.into_iter().flatten());
        }
    }
}
