//! What a message must have before a pattern is worth trying: cheap to look up for many patterns at once.
//!
//! A requirement never excludes a message that the pattern matches; a message that meets it may still not match.

use serde_json::{Map, Value};

use super::{Literals, MessagePattern, Rule, Schema};
use crate::JsonPath;
use crate::jsonpath::Key;

/// The most pins that are taken from one pattern.
const MOST_PINS: usize = 16;
/// Pins lie no deeper than this below where a pattern starts.
const DEEPEST: usize = 16;

/// What a message must have.
#[derive(Debug)]
pub(crate) enum Requirement<'p> {
    Nothing,
    /// No message has it.
    Impossible,
    /// It is this text.
    Text(&'p str),
    /// It is a text with these literals.
    Literals(&'p Literals),
    /// It is JSON and has *all* of the pins.
    Json(Vec<Pin>),
    /// It is JSON, and if it is an object, it has *all* of the pins.
    JsonUnlessObject(Vec<Pin>),
}

/// Something at a place of the message that does not depend on the message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pin {
    pub(crate) place: Vec<Key>,
    pub(crate) wants: Wants,
}

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Wants {
    Something,
    OneOf(Vec<Scalar>),
}

/// A JSON value that is neither array nor object. Numbers that are equal by value are equal here; some others are too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    /// The bits of an `f64`.
    Number(u64),
    Text(Box<str>),
}

impl MessagePattern {
    pub(crate) fn requirement(&self) -> Requirement<'_> {
        match &self.0 {
            Rule::Any => Requirement::Nothing,
            Rule::Refused { .. } => Requirement::Impossible,
            Rule::Exact(text) => Requirement::Text(text),
            Rule::Regex(regular) => Requirement::Literals(regular.literals()),
            Rule::Selects(path) => Requirement::Json(of_query(path, None)),
            Rule::SelectsValue(path, value) => Requirement::Json(of_query(path, Some(value))),
            Rule::Subset(value) => Requirement::Json(of_value(&mut Vec::new(), value)),
            Rule::Schema(schema) => of_schema(schema),
        }
    }
}

impl Pin {
    /// What a message has at the place.
    pub(crate) fn find<'v>(&self, message: &'v Value) -> Option<&'v Value> {
        self.place.iter().try_fold(message, |value, key| key.find(value))
    }
}

impl Scalar {
    /// `None` of arrays and objects.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.as_str().into())),
            other => Self::not_text(other),
        }
    }

    /// `None` also of texts, so that one need not be copied to be looked up.
    pub(crate) fn not_text(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Null),
            Value::Bool(value) => Some(Self::Bool(*value)),
            // Adding 0 makes one zero of two.
            Value::Number(number) => number.as_f64().map(|number| Self::Number((number + 0.0).to_bits())),
            Value::String(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

fn of_query(path: &JsonPath, value: Option<&Value>) -> Vec<Pin> {
    let mut place = path.lead().to_vec();
    match value {
        Some(value) if path.leads_to_end() => of_value(&mut place, value),
        _ => vec![Pin { place, wants: Wants::Something }],
    }
}

/// What a value at `place` has if it has all of `value`.
fn of_value(place: &mut Vec<Key>, value: &Value) -> Vec<Pin> {
    let mut pins = Vec::new();
    add_value(&mut pins, place, value, 0);
    pins
}

fn add_value(pins: &mut Vec<Pin>, place: &mut Vec<Key>, value: &Value, level: usize) {
    if pins.len() == MOST_PINS {
        return;
    }
    match value {
        Value::Object(members) if !members.is_empty() && level < DEEPEST => {
            for (name, value) in members {
                place.push(Key::Name(name.as_str().into()));
                add_value(pins, place, value, level + 1);
                place.pop();
            }
        }
        Value::Array(elements) if !elements.is_empty() && level < DEEPEST => {
            for (index, value) in elements.iter().enumerate().take(MOST_PINS) {
                place.push(Key::Index(index));
                add_value(pins, place, value, level + 1);
                place.pop();
            }
        }
        value => {
            let wants = Scalar::of(value).map_or(Wants::Something, |scalar| Wants::OneOf(vec![scalar]));
            pins.push(Pin { place: place.clone(), wants });
        }
    }
}

fn of_schema(schema: &Schema) -> Requirement<'static> {
    match schema.source().get("type") {
        Some(kind) if kind == "object" => Requirement::Json(pins_of_schema(schema)),
        _ => Requirement::JsonUnlessObject(pins_of_schema(schema)),
    }
}

/// The values that a schema demands of an object by `required` with `const` or `enum`, as far down as it demands objects.
pub(super) fn pins_of_schema(schema: &Schema) -> Vec<Pin> {
    let mut pins = Vec::new();
    if let Some(members) = schema.source().as_object()
        && knows_const(members)
        && !members.contains_key("$ref")
    {
        add_schema(&mut pins, &mut Vec::new(), members, 0);
    }
    pins
}

/// Older drafts know no `const`, and take `$ref` to replace what stands beside it.
fn knows_const(schema: &Map<String, Value>) -> bool {
    let known = ["draft-06/", "draft-07/", "draft/2019-09/", "draft/2020-12/"];
    match schema.get("$schema") {
        None => true,
        Some(draft) => draft.as_str().is_some_and(|draft| known.iter().any(|known| draft.contains(known))),
    }
}

fn add_schema(pins: &mut Vec<Pin>, place: &mut Vec<Key>, schema: &Map<String, Value>, level: usize) {
    let Some(required) = schema.get("required").and_then(Value::as_array) else { return };
    let properties = schema.get("properties").and_then(Value::as_object);
    for name in required.iter().filter_map(Value::as_str) {
        if pins.len() >= MOST_PINS {
            return;
        }
        place.push(Key::Name(name.into()));
        let property = properties.and_then(|properties| plain(properties.get(name)?));
        let wants = property.and_then(scalars).map_or(Wants::Something, Wants::OneOf);
        pins.push(Pin { place: place.clone(), wants });
        if let Some(property) = property
            && property.get("type").is_some_and(|kind| kind == "object")
            && level < DEEPEST
        {
            add_schema(pins, place, property, level + 1);
        }
        place.pop();
    }
}

/// A schema inside another, if it means what stands there: not where a reference may replace it, nor of another draft.
fn plain(schema: &Value) -> Option<&Map<String, Value>> {
    schema.as_object().filter(|members| !members.contains_key("$ref") && !members.contains_key("$schema"))
}

/// The values that a schema allows, if it lists them.
fn scalars(schema: &Map<String, Value>) -> Option<Vec<Scalar>> {
    if let Some(value) = schema.get("const") {
        return Some(vec![Scalar::of(value)?]);
    }
    let values = schema.get("enum")?.as_array()?;
    values.iter().map(Scalar::of).collect()
}
