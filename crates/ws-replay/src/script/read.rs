//! Taking a file apart: JSON lines or one JSON array, to entries whose keys and values are slices of the file.
//!
//! Whatever stands in one entry, the ones after it are still read. What keys and values mean is not decided here.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{foreign, mark};
use crate::ProblemKind;
use crate::located::explain;
use crate::source::{Findings, Source};

/// The keys and values of one entry, in their order, as they stand in the file.
pub(super) struct RawEntry<'a> {
    /// The whole object.
    pub(super) object: &'a str,
    pub(super) fields: Vec<(&'a str, &'a str)>,
}

/// Whether a line is a comment, in both forms of a file. A JSON string has no line breaks, so no value is mistaken for one.
fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("//")
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// The lines that are neither blank nor comments.
pub(super) fn content_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').filter(|line| !is_blank(line) && !is_comment(line))
}

/// The text from the first line on that is neither blank nor a comment.
pub(super) fn content_start(text: &str) -> Option<&str> {
    let first = content_lines(text).next()?;
    text.get(first.as_ptr() as usize - text.as_ptr() as usize..)
}

/// Blanks out the comment lines of a JSON array; every other character keeps its line and column. JSON lines are left as they are.
pub(super) fn without_comments(text: &str) -> Cow<'_, str> {
    if !is_array(text) || !text.lines().any(is_comment) {
        return Cow::Borrowed(text);
    }
    let blanked = text.split_inclusive('\n').map(|line| {
        if !is_comment(line) {
            return Cow::Borrowed(line);
        }
        let content = line.trim_end_matches('\n');
        Cow::Owned(" ".repeat(content.chars().count()) + &line[content.len()..])
    });
    Cow::Owned(blanked.collect())
}

/// Whether the entries are the elements of an array.
pub(super) fn is_array(text: &str) -> bool {
    content_lines(text).next().is_some_and(|line| line.trim_start().starts_with('['))
}

/// Calls `each` with every entry of the text, which [`without_comments`] has seen.
pub(super) fn read_entries<'a, 's>(
    source: &'s Source<'a>,
    findings: &mut Findings<'s, 'a>,
    mut each: impl FnMut(RawEntry<'a>, &mut Findings<'s, 'a>),
) {
    let mut value = |value: &'a RawValue, findings: &mut Findings<'s, 'a>| {
        if let Some(entry) = entry(value.get(), source, findings) {
            each(entry, findings);
        }
    };
    let text = source.text();
    if is_array(text) {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let elements = Elements(|element| value(element, findings));
        let read = deserializer.deserialize_seq(elements).and_then(|()| deserializer.end());
        if let Err(error) = read {
            json_error(text, &error, "", source, findings);
        }
        return;
    }
    if let Some(key) = foreign::list_in_object(text) {
        findings.at(key, ProblemKind::ListInObject { key: key.trim_matches('"').to_owned() });
        return;
    }
    if foreign::is_not_json(text) {
        findings.at(content_start(text).unwrap_or(text), ProblemKind::NotJson);
        return;
    }
    let may_be_cut_off = mark::is_recording(text) && !text.ends_with('\n');
    for line in content_lines(text) {
        match serde_json::from_str(line) {
            Ok(entry) => value(entry, findings),
            Err(_) if may_be_cut_off && source.offset_of(line) + line.len() == text.len() => {
                findings.at(line, ProblemKind::BrokenLastLine);
            }
            Err(error) => {
                // A slice is read over in haste; the reader of values says more exactly what is wrong.
                let error = serde_json::from_str::<serde_json::Value>(line).err().unwrap_or(error);
                let hint = match error.classify() {
                    serde_json::error::Category::Eof => {
                        " (an entry is one line; a list over several lines starts with `[`)"
                    }
                    _ => "",
                };
                json_error(line, &error, hint, source, findings);
            }
        }
    }
}

fn entry<'a>(object: &'a str, source: &Source<'a>, findings: &mut Findings<'_, 'a>) -> Option<RawEntry<'a>> {
    if !object.starts_with('{') {
        findings.at(object, ProblemKind::NotAnEntry { found: kind_of(object) });
        return None;
    }
    match serde_json::Deserializer::from_str(object).deserialize_map(FieldsVisitor) {
        Ok(fields) => Some(RawEntry { object, fields }),
        Err(error) => {
            json_error(object, &error, "", source, findings);
            None
        }
    }
}

/// What sort of JSON value it is, for an error.
pub(super) fn kind_of(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// `part` is the slice of the file that was parsed.
fn json_error(part: &str, error: &serde_json::Error, hint: &str, source: &Source<'_>, findings: &mut Findings<'_, '_>) {
    let (message, offset) = explain(part, error);
    findings.at_offset(source.offset_of(part) + offset, ProblemKind::Json(message + hint));
}

/// Hands on the elements of an array one by one, so that those before a mistake are not lost.
struct Elements<F>(F);

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            (self.0)(element);
        }
        Ok(())
    }
}

/// The keys and values of an object, as they stand in the text.
pub(super) struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(&'de str, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            fields.push((key.get(), value.get()));
        }
        Ok(fields)
    }
}
