//! From a part of a JSON file to nodes.
//!
//! Each level of nesting is gone over once more, to know where its parts begin and end; so the levels are bounded.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::Error;
use serde_json::value::RawValue;

use super::{Key, MOST_LEVELS, Node, Tree};
use crate::ProblemKind;
use crate::source::Findings;

pub(super) fn read(part: &str, findings: &mut Findings<'_, '_>) -> Option<Node> {
    node(part, MOST_LEVELS, findings)
}

fn node(part: &str, levels: usize, findings: &mut Findings<'_, '_>) -> Option<Node> {
    // A raw value has no blanks around it; the whole part may.
    let part = part.trim_matches([' ', '\t', '\n', '\r']);
    let value = match part.as_bytes().first() {
        Some(b'{' | b'[') if levels == 0 => {
            findings.at(part, ProblemKind::TooDeep { most: MOST_LEVELS });
            return None;
        }
        Some(b'{') => {
            let members =
                understood(serde_json::Deserializer::from_str(part).deserialize_map(Members), part, findings)?;
            let nodes = members.into_iter().map(|(name, value)| {
                let text = understood(serde_json::from_str(name), name, findings)?;
                Some((Key { text, span: findings.source().span(name) }, node(value, levels - 1, findings)?))
            });
            Tree::Map(nodes.collect::<Option<_>>()?)
        }
        Some(b'[') => {
            let items = understood(serde_json::Deserializer::from_str(part).deserialize_seq(Items), part, findings)?;
            let nodes = items.into_iter().map(|item| node(item, levels - 1, findings));
            Tree::List(nodes.collect::<Option<_>>()?)
        }
        Some(b'"') => Tree::Text(understood(serde_json::from_str(part), part, findings)?),
        Some(b't' | b'f') => Tree::Bool(understood(serde_json::from_str(part), part, findings)?),
        Some(b'n') => {
            understood(serde_json::from_str::<()>(part), part, findings)?;
            Tree::Null
        }
        _ => Tree::Number(understood(serde_json::from_str(part), part, findings)?),
    };
    Some(Node { value, span: findings.source().span(part) })
}

fn understood<T>(read: Result<T, Error>, part: &str, findings: &mut Findings<'_, '_>) -> Option<T> {
    read.map_err(|error| {
        let (message, offset) = explain(part, &error);
        findings.at_offset(findings.source().offset_of(part) + offset, ProblemKind::Json(message));
    })
    .ok()
}

/// What is wrong, without its place, and the place as an offset into what was parsed.
pub(crate) fn explain(parsed: &str, error: &Error) -> (String, usize) {
    let line_start: usize = parsed.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let offset = line_start + error.column().saturating_sub(1);
    let text = error.to_string();
    let mut message = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]).to_owned();
    if message == "invalid escape" {
        message.push_str("; a backslash in JSON is written `\\\\`");
    }
    (message, offset.min(parsed.len()))
}

/// The keys and values of an object, as they stand in the text.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(&'de str, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            members.push((key.get(), value.get()));
        }
        Ok(members)
    }
}

/// The items of an array, as they stand in the text.
struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<&RawValue>()? {
            list.push(item.get());
        }
        Ok(list)
    }
}
