//! From a tree to a value of any type that serde can make, with all mistakes in one run.
//!
//! serde stops at the first mistake. So what is wrong is reported, cut out of the tree, and the rest is read again, until
//! nothing is wrong any more.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::mistake::{self, Mistake};
use super::tree::{Key, Node, Place, Value};

/// The most mistakes that are reported; a file with more is not what it was taken for.
const MOST: usize = 100;

/// Reads a value; or says all that is wrong, in the order of the file.
pub(super) fn read<T: DeserializeOwned>(mut tree: Node) -> Result<T, Vec<Mistake>> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    loop {
        let error = match T::deserialize(At(&tree)) {
            Ok(value) if mistakes.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error,
        };
        let place = error.place.unwrap_or(tree.place);
        let at = node(&tree, &error.trail);
        // What is wrong with the whole of something that lacks a part follows from that.
        if !at.is_some_and(|node| node.wounded) {
            mistakes.extend(split(&error.text, place, at));
        }
        if mistakes.len() >= MOST || !cut(&mut tree, &error.trail) {
            break;
        }
    }
    mistakes.sort_by_key(|mistake| mistake.place.map(|place| (place.line, place.column)));
    Err(mistakes)
}

/// The mistakes of one error: each line that begins with a key below `node` is one of its own.
fn split(text: &str, place: Place, node: Option<&Node>) -> Vec<Mistake> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    for line in text.lines() {
        match (node.and_then(|node| below(node, line)), mistakes.last_mut()) {
            (Some(mistake), _) => mistakes.push(mistake),
            (None, Some(before)) => before.text.extend([" ", line.trim()]),
            (None, None) => mistakes.push(Mistake { place: Some(place), text: line.to_owned() }),
        }
    }
    mistakes
}

/// The mistake of a text that begins with a key below `node`, such as `faults[2].probability: `. Of the key, only its last
/// name is left: the place says more, and what was cut out has moved the numbers.
fn below(mut node: &Node, text: &str) -> Option<Mistake> {
    let (key, what) = text.split_once(": ")?;
    let mut name = "";
    for step in key.split(['.', '[']) {
        node = match &node.value {
            Value::List(items) => items.get(step.strip_suffix(']')?.parse::<usize>().ok()?)?,
            Value::Map(entries) => {
                let (key, value) = entries.iter().find(|(key, _)| key.text == step)?;
                name = &key.text;
                value
            }
            _ => return None,
        };
    }
    Some(Mistake { place: Some(node.place), text: format!("`{name}`: {what}") })
}

/// The node that a trail leads to.
fn node<'t>(tree: &'t Node, trail: &[usize]) -> Option<&'t Node> {
    trail.iter().try_fold(tree, |node, step| match &node.value {
        Value::List(items) => items.get(*step),
        Value::Map(entries) => entries.get(*step).map(|(_, value)| value),
        _ => None,
    })
}

/// Cuts out what a trail leads to. The root is not cut out.
fn cut(tree: &mut Node, trail: &[usize]) -> bool {
    let Some((last, way)) = trail.split_last() else { return false };
    let parent = way.iter().try_fold(tree, |node, step| match &mut node.value {
        Value::List(items) => items.get_mut(*step),
        Value::Map(entries) => entries.get_mut(*step).map(|(_, value)| value),
        _ => None,
    });
    let Some(parent) = parent else { return false };
    parent.wounded = true;
    match &mut parent.value {
        Value::List(items) if *last < items.len() => drop(items.remove(*last)),
        Value::Map(entries) if *last < entries.len() => drop(entries.remove(*last)),
        _ => return false,
    }
    true
}

/// Why a tree cannot be read.
#[derive(Debug)]
struct ReadError {
    text: String,
    place: Option<Place>,
    /// The indices of lists and maps that lead to what is wrong.
    trail: Vec<usize>,
}

impl ReadError {
    fn new(text: String) -> Self {
        Self { text, place: None, trail: Vec::new() }
    }

    fn under(mut self, step: usize, place: Place) -> Self {
        self.place.get_or_insert(place);
        self.trail.insert(0, step);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(mistake::wrong_value(&found, expected))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(mistake::wrong_value(&found, expected))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(mistake::unknown_key(key, known))
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(mistake::unknown_word(word, known))
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(mistake::missing(key))
    }
}

/// A node, to be read.
#[derive(Clone, Copy)]
struct At<'t>(&'t Node);

impl<'de> Deserializer<'de> for At<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0.value {
            Value::Nothing => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Unsigned(value) => visitor.visit_u64(*value),
            Value::Signed(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Value::Map(entries) => visitor.visit_map(Entries { entries, next: 0 }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0.value {
            Value::Nothing => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// A heading with nothing below it, as when all below it is a comment.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0.value {
            Value::Nothing => visitor.visit_map(Entries { entries: &[], next: 0 }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0.value {
            Value::Nothing => visitor.visit_seq(Items { items: &[], next: 0 }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.0.value {
            // serde would take a list for the values in their order.
            Value::Nothing | Value::Map(_) => self.deserialize_map(visitor),
            other => Err(ReadError::new(mistake::no_keys(&other.unexpected(), keys))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.0.value {
            Value::Text(word) => visitor.visit_enum(StrDeserializer::new(word)),
            Value::Map(entries) if entries.len() == 1 => {
                visitor.visit_enum(Choice { key: &entries[0].0, value: &entries[0].1 })
            }
            other => Err(ReadError::new(mistake::wrong_word(&other.unexpected(), words))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct identifier ignored_any
    }
}

impl Value {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Nothing => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Unsigned(value) => Unexpected::Unsigned(*value),
            Self::Signed(value) => Unexpected::Signed(*value),
            Self::Float(value) => Unexpected::Float(*value),
            Self::Text(text) => Unexpected::Str(text),
            Self::List(_) => Unexpected::Seq,
            Self::Map(_) => Unexpected::Map,
        }
    }
}

struct Items<'t> {
    items: &'t [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some(item) = self.items.get(self.next) else { return Ok(None) };
        self.next += 1;
        seed.deserialize(At(item)).map(Some).map_err(|error| error.under(self.next - 1, item.place))
    }
}

struct Entries<'t> {
    entries: &'t [(Key, Node)],
    next: usize,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((key, _)) = self.entries.get(self.next) else { return Ok(None) };
        self.next += 1;
        let read = seed.deserialize(key.text.as_str().into_deserializer());
        read.map(Some).map_err(|error: ReadError| error.under(self.next - 1, key.place))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some((_, value)) = self.entries.get(self.next.wrapping_sub(1)) else {
            return Err(ReadError::new("a value was asked for before its key".to_owned()));
        };
        seed.deserialize(At(value)).map_err(|error| error.under(self.next - 1, value.place))
    }
}

/// One of several kinds, written as a key with its value.
struct Choice<'t> {
    key: &'t Key,
    value: &'t Node,
}

impl<'de, 't> EnumAccess<'de> for Choice<'t> {
    type Error = ReadError;
    type Variant = Chosen<'t>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Chosen<'t>), ReadError> {
        let read = seed.deserialize(self.key.text.as_str().into_deserializer());
        let word = read.map_err(|error: ReadError| error.under(0, self.key.place))?;
        Ok((word, Chosen(self.value)))
    }
}

struct Chosen<'t>(&'t Node);

impl Chosen<'_> {
    fn under(&self, error: ReadError) -> ReadError {
        error.under(0, self.0.place)
    }
}

impl<'de> VariantAccess<'de> for Chosen<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.0.value {
            Value::Nothing => Ok(()),
            _ => Err(self.under(ReadError::new("expected no value for this".to_owned()))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        seed.deserialize(At(self.0)).map_err(|error| self.under(error))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        At(self.0).deserialize_seq(visitor).map_err(|error| self.under(error))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, ReadError> {
        At(self.0).deserialize_map(visitor).map_err(|error| self.under(error))
    }
}
