//! Recognising files that are no replay files at all, so that they get one answer and not one for each line.

use serde::Deserializer as _;

use super::fields::is_key;
use super::read::{FieldsVisitor, content_lines, content_start};

/// Whether nothing in the text looks like an entry: no line starts an object, and some line is no JSON.
pub(super) fn is_not_json(text: &str) -> bool {
    let is_json = |line: &str| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    content_lines(text).all(|line| !line.trim_start().starts_with('{')) && !content_lines(text).all(is_json)
}

/// The key behind which the text, one object, holds its entries, as it stands in the text: `"entries"` in
/// `{"entries": [...]}`.
pub(super) fn list_in_object(text: &str) -> Option<&str> {
    let mut object = serde_json::Deserializer::from_str(content_start(text)?);
    let fields = object.deserialize_map(FieldsVisitor).ok()?;
    object.end().ok()?;
    let list = |(key, value): &(&str, &str)| value.starts_with('[') && !is_key(key.trim_matches('"'));
    fields.into_iter().find(list).map(|(key, _)| key)
}
