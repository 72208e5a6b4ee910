//! Comparing messages: JSON by structure, all else piece by piece, with wildcards in both.

use serde_json::{Number, Value};
use ws_patterns::MessageText;

use super::super::made::{self, Look};
use super::super::{Learned, Learner, MAX_VALUE_BYTES, Present, Slot};
use super::Found;

/// Messages beyond this are compared as text: their structure would take several times as much.
const MAX_JSON_BYTES: usize = 256 * 1024;

/// What a message must be like.
#[derive(Debug)]
pub(super) enum Shape {
    Text(TextShape),
    /// An object or an array.
    Json(JsonShape),
}

impl Shape {
    pub(super) fn compile(text: &str, learner: &mut Learner) -> Self {
        let may_be_json = text.len() <= MAX_JSON_BYTES && text.trim_start().starts_with(['{', '[']);
        match may_be_json.then(|| serde_json::from_str(text)) {
            Some(Ok(json)) => Self::Json(JsonShape::compile(json, None, learner)),
            _ => Self::Text(TextShape::compile(text, learner)),
        }
    }

    pub(super) fn compare(&self, message: &MessageText<'_>, learned: &Learned) -> Option<Found> {
        let mut found = Found::new();
        let matches = match self {
            Self::Text(shape) => shape.matches(message.as_str(), learned, &mut found),
            Self::Json(shape) => message.json().is_some_and(|json| shape.matches(json, learned, &mut found)),
        };
        matches.then_some(found)
    }

    /// The slots of its wildcards.
    pub(super) fn slots(&self) -> Vec<Slot> {
        let mut slots = Vec::new();
        match self {
            Self::Text(shape) => shape.slots(&mut slots),
            Self::Json(shape) => shape.slots(&mut slots),
        }
        slots
    }

    /// The recorded JSON with what the message has in place of wildcards.
    pub(super) fn likened(&self, message: &MessageText<'_>) -> Option<Value> {
        match self {
            Self::Text(_) => None,
            Self::Json(shape) => Some(shape.likened(message.json())),
        }
    }
}

/// JSON with wildcards. Keys may stand in any order, and numbers compare by value.
#[derive(Debug)]
pub(super) enum JsonShape {
    /// Without wildcards.
    Value(Value),
    Made(Wildcard),
    Text(TextShape),
    List(Vec<JsonShape>),
    Map(Vec<(String, JsonShape)>),
}

impl JsonShape {
    /// `key` is the name of the key at which the value stands, perhaps inside arrays.
    fn compile(value: Value, key: Option<&str>, learner: &mut Learner) -> Self {
        match value {
            Value::String(text) => {
                if let Some(key) = key.filter(|key| made::is_made_at(key, &text, false))
                    && let Some(slot) = learner.made(&text, Some(key), false)
                {
                    let recorded = Present::Text(text.into());
                    return Self::Made(Wildcard { slot, accepts: Accepts::Anything, recorded });
                }
                let shape = TextShape::compile(&text, learner);
                if shape.is_literal() { Self::Value(text.into()) } else { Self::Text(shape) }
            }
            Value::Number(number) => {
                let text = number.to_string();
                let accepts = match key {
                    Some(key) if made::is_made_at(key, &text, true) => Accepts::Anything,
                    _ if Look::Number.is_of(&text) => Accepts::Look(Look::Number),
                    _ => return Self::Value(number.into()),
                };
                match learner.made(&text, key, true) {
                    Some(slot) => Self::Made(Wildcard { slot, accepts, recorded: Present::Number(number) }),
                    None => Self::Value(number.into()),
                }
            }
            Value::Array(elements) => {
                let shapes: Vec<_> = elements.into_iter().map(|it| Self::compile(it, key, learner)).collect();
                if shapes.iter().all(Self::is_value) {
                    return Self::Value(shapes.into_iter().map(Self::recorded).collect());
                }
                Self::List(shapes)
            }
            Value::Object(members) => {
                let shape = |(key, value): (String, Value)| {
                    let shape = Self::compile(value, Some(&key), learner);
                    (key, shape)
                };
                let shapes: Vec<_> = members.into_iter().map(shape).collect();
                if shapes.iter().all(|(_, shape)| shape.is_value()) {
                    return Self::Value(shapes.into_iter().map(|(key, shape)| (key, shape.recorded())).collect());
                }
                Self::Map(shapes)
            }
            plain @ (Value::Null | Value::Bool(_)) => Self::Value(plain),
        }
    }

    fn is_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// What was recorded.
    fn recorded(self) -> Value {
        match self {
            Self::Value(value) => value,
            shape => shape.likened(None),
        }
    }

    fn matches(&self, value: &Value, learned: &Learned, found: &mut Found) -> bool {
        match (self, value) {
            (Self::Value(recorded), _) => is_same(recorded, value),
            (Self::Made(wildcard), Value::String(text)) => wildcard.takes(text, None, learned, found),
            (Self::Made(wildcard), Value::Number(number)) => {
                wildcard.takes(&number.to_string(), Some(number), learned, found)
            }
            (Self::Text(shape), Value::String(text)) => shape.matches(text, learned, found),
            (Self::List(shapes), Value::Array(elements)) => {
                let mut pairs = shapes.iter().zip(elements);
                shapes.len() == elements.len() && pairs.all(|(shape, element)| shape.matches(element, learned, found))
            }
            (Self::Map(shapes), Value::Object(members)) => {
                let mut matches = |(key, shape): &(String, Self)| {
                    members.get(key).is_some_and(|member| shape.matches(member, learned, found))
                };
                shapes.len() == members.len() && shapes.iter().all(&mut matches)
            }
            _ => false,
        }
    }

    fn slots(&self, slots: &mut Vec<Slot>) {
        match self {
            Self::Value(_) => {}
            Self::Made(wildcard) => slots.push(wildcard.slot),
            Self::Text(shape) => shape.slots(slots),
            Self::List(shapes) => shapes.iter().for_each(|shape| shape.slots(slots)),
            Self::Map(shapes) => shapes.iter().for_each(|(_, shape)| shape.slots(slots)),
        }
    }

    fn likened(&self, present: Option<&Value>) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Made(wildcard) => match present {
                Some(present @ (Value::String(_) | Value::Number(_))) => present.clone(),
                _ => wildcard.recorded.to_json(),
            },
            Self::Text(shape) => match present.and_then(Value::as_str) {
                Some(text) if shape.matches(text, &Learned::default(), &mut Found::new()) => text.into(),
                _ => shape.recorded().into(),
            },
            Self::List(shapes) => {
                let at = |number: usize| present.and_then(|present| present.get(number));
                shapes.iter().enumerate().map(|(number, shape)| shape.likened(at(number))).collect()
            }
            Self::Map(shapes) => {
                let at = |key: &str| present.and_then(|present| present.get(key));
                shapes.iter().map(|(key, shape)| (key.clone(), shape.likened(at(key)))).collect()
            }
        }
    }
}

/// A text with wildcards.
#[derive(Debug)]
pub(super) struct TextShape(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Literal(Box<str>),
    Made(Wildcard),
}

impl TextShape {
    fn compile(text: &str, learner: &mut Learner) -> Self {
        for (place, _) in made::looks(text) {
            learner.made(&text[place], None, false);
        }
        let mut pieces = Vec::new();
        let mut from = 0;
        for (place, slot) in learner.known_words(text) {
            let recorded = &text[place.clone()];
            let look = made::looks(recorded).find(|(part, _)| part.len() == recorded.len());
            let accepts = look.map_or(Accepts::Same, |(_, look)| Accepts::Look(look));
            pieces.push(Piece::Literal(text[from..place.start].into()));
            pieces.push(Piece::Made(Wildcard { slot, accepts, recorded: Present::Text(recorded.into()) }));
            from = place.end;
        }
        pieces.push(Piece::Literal(text[from..].into()));
        Self(pieces)
    }

    fn is_literal(&self) -> bool {
        self.0.len() == 1
    }

    fn matches(&self, text: &str, learned: &Learned, found: &mut Found) -> bool {
        let mut rest = text;
        for piece in &self.0 {
            let length = match piece {
                Piece::Literal(literal) => rest.starts_with(&**literal).then_some(literal.len()),
                Piece::Made(wildcard) => wildcard
                    .length_at_start(rest, learned, found)
                    .filter(|length| wildcard.takes(&rest[..*length], None, learned, found)),
            };
            match length {
                Some(length) => rest = &rest[length..],
                None => return false,
            }
        }
        rest.is_empty()
    }

    fn slots(&self, slots: &mut Vec<Slot>) {
        slots.extend(self.0.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Made(wildcard) => Some(wildcard.slot),
        }));
    }

    fn recorded(&self) -> String {
        self.0.iter().fold(String::new(), |text, piece| match piece {
            Piece::Literal(literal) => text + literal,
            Piece::Made(wildcard) => text + &wildcard.recorded.to_text(),
        })
    }
}

/// A value that the client made.
#[derive(Debug)]
pub(super) struct Wildcard {
    slot: Slot,
    accepts: Accepts,
    recorded: Present,
}

/// What may stand in place of a value that the client made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepts {
    /// Any string or number: the place says what it is.
    Anything,
    /// What looks the same.
    Look(Look),
    /// What the client said when it last had such a value.
    Same,
}

impl Wildcard {
    /// Takes note of the value, `text`, which is perhaps a JSON number, if it may stand here.
    fn takes(&self, text: &str, number: Option<&Number>, learned: &Learned, found: &mut Found) -> bool {
        let fits = match self.accepts {
            Accepts::Anything => !text.is_empty() && text.len() <= MAX_VALUE_BYTES,
            Accepts::Look(look) => look.is_of(text) && number.is_some() == matches!(self.recorded, Present::Number(_)),
            Accepts::Same => text == self.expected(learned, found),
        };
        if fits {
            let present = number.map_or_else(|| Present::Text(text.into()), |number| Present::Number(number.clone()));
            found.push((self.slot, (present != self.recorded).then_some(present)));
        }
        fits
    }

    /// How much of the beginning of a text may stand here.
    fn length_at_start(&self, text: &str, learned: &Learned, found: &Found) -> Option<usize> {
        match self.accepts {
            Accepts::Anything => Some(text.len()),
            Accepts::Look(look) => look.length_at_start(text),
            Accepts::Same => Some(self.expected(learned, found).len()).filter(|length| text.is_char_boundary(*length)),
        }
    }

    /// What the client said when it last had this value.
    fn expected(&self, learned: &Learned, found: &Found) -> String {
        let here = found.iter().rev().find(|(slot, _)| *slot == self.slot).map(|(_, present)| present.as_ref());
        here.unwrap_or_else(|| learned.present.get(&self.slot)).unwrap_or(&self.recorded).to_text()
    }
}

/// Equality of JSON in which numbers compare by value.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other
                || one.as_f64().is_some_and(|it| {
                    // Whole numbers that are not equal may be so near that as fractions they were.
                    let is_whole = |number: &Number| number.is_i64() || number.is_u64();
                    !(is_whole(one) && is_whole(other)) && Some(it) == other.as_f64()
                })
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| is_same(one, other)))
        }
        _ => one == other,
    }
}
