//! YAML as a tree in which every key and every value knows its place.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Spanned};

use super::mistake::Mistake;

/// A place in the file, as editors count: lines and characters from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
    /// Whether something was cut out of it because it was wrong. What then seems to be missing was reported already.
    pub(super) wounded: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Nothing,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) text: String,
}

impl Node {
    /// Reads YAML 1.2. What is no YAML ends the reading: there is one such mistake at most.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        let options = serde_saphyr::options! { strict_booleans: true };
        let root: Spanned<Value> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| no_yaml(&error, text))?;
        Ok(root.into())
    }

    /// What stands below these keys, one below the other.
    pub(super) fn below(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| match &node.value {
            Value::Map(entries) => entries.iter().find(|(found, _)| found.text == *key).map(|(_, value)| value),
            _ => None,
        })
    }
}

fn no_yaml(error: &Error, source: &str) -> Mistake {
    let place = error.location().map(Place::from);
    let mut text = match error.without_snippet() {
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is given twice"),
        Error::MultipleDocuments { .. } => "expected one document, found another one behind `---`".to_owned(),
        Error::Unexpected { expected: "string scalar", .. } => "expected a text as the key".to_owned(),
        error => {
            // The place stands before the text already.
            let text = error.to_string();
            let end = text.rfind(" at line ").unwrap_or(text.len());
            format!("is not YAML: {}", &text[..end])
        }
    };
    let line = place.and_then(|place| source.lines().nth(usize::try_from(place.line).ok()?.checked_sub(1)?));
    if line.is_some_and(|line| line.contains("{{")) {
        text.push_str("; a text that begins with `{` stands in quotes: \"{{...}}\"");
    }
    Mistake { place, text }
}

impl From<serde_saphyr::Location> for Place {
    fn from(location: serde_saphyr::Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { place: spanned.referenced.into(), value: spanned.value, wounded: false }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(u64::try_from(value).map_or(Value::Signed(value), Value::Unsigned))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Spanned<Value>>()? {
            items.push(item.into());
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<Spanned<String>, Spanned<Value>>()? {
            entries.push((Key { place: key.referenced.into(), text: key.value }, value.into()));
        }
        Ok(Value::Map(entries))
    }
}
