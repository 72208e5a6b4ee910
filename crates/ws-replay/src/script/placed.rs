//! Entries with their places, for programs that add entries to a file and leave the rest of it as it is.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};

use super::ReplayScript;
use super::fields::Fields;
use super::mark::Mark;
use super::read::{self, RawEntry};
use super::sessions::FIRST;
use crate::rules::is_rule_object;
use crate::source::{Findings, Source};
use crate::{ProblemKind, ReplayEntry, ReplayErrors};

/// An entry of a file, and where it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlacedEntry {
    /// The entry. A `ts` that is left out in the file is here the one of the entry before it.
    pub entry: ReplayEntry,
    /// The number of the connection whose session it belongs to.
    pub connection: u64,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Where its object stands in the text, in bytes.
    pub place: Range<usize>,
    /// Whether it is an element of a JSON array; if not, it has a line of its own.
    pub is_element: bool,
}

impl ReplayScript {
    /// Reads and compiles a text as [`parse`](Self::parse) does, and then shows `each` of its entries in the order of the
    /// text, without marks and rules.
    ///
    /// ```
    /// use ws_replay::ReplayScript;
    ///
    /// let text = "// A greeting.\n{\"ts\": 5, \"text\": \"hello\"}\n{\"close\": true}\n";
    /// let mut entries = Vec::new();
    /// ReplayScript::parse_entries(text, "greeting.jsonl", |placed| entries.push(placed))?;
    /// assert_eq!(&text[entries[0].place.clone()], r#"{"ts": 5, "text": "hello"}"#);
    /// assert_eq!((entries[1].line, entries[1].entry.ts, entries[1].entry.close), (3, 5, true));
    /// # Ok::<(), ws_replay::ReplayErrors>(())
    /// ```
    ///
    /// # Errors
    /// As [`parse`](Self::parse); then `each` is not called.
    pub fn parse_entries(text: &str, name: &str, mut each: impl FnMut(PlacedEntry)) -> Result<Self, ReplayErrors> {
        let script = Self::parse(text, name)?;
        let without_mark = text.strip_prefix('\u{feff}').unwrap_or(text);
        let blanked = read::without_comments(without_mark);
        let (read, whole) = (Source::new(name.into(), &blanked), Source::new(name.into(), without_mark));
        let before = text.len() - without_mark.len();
        // Where comments were blanked out, lines may have other lengths; those with entries are as they were.
        let offset = |at: usize| before + whole.line_start(read.line(at)) + (at - read.line_start(read.line(at)));
        let mut times = BTreeMap::new();
        let mut findings = Findings::new(&read);
        read::read_entries(&read, &mut findings, |object, findings| {
            let Some((connection, entry)) = entry(&object, &mut times, findings) else { return };
            let start = read.offset_of(object.object);
            let place = offset(start)..offset(start + object.object.len() - 1) + 1;
            let (line, is_element) = (read.line(start), read::is_array(&blanked));
            each(PlacedEntry { entry, connection, line, place, is_element });
        });
        findings.into_result().map(|_| script)
    }
}

/// The entry that `object` is, if it is one, and its connection. `times` has the `ts` of the last entry of each.
fn entry(
    object: &RawEntry<'_>,
    times: &mut BTreeMap<u64, u64>,
    findings: &mut Findings<'_, '_>,
) -> Option<(u64, ReplayEntry)> {
    if is_rule_object(object.fields.iter().map(|(key, _)| key.trim_matches('"'))) {
        return None;
    }
    if let Some(mark) = Mark::read(object, findings) {
        if let Mark::Open { conn, opened } = mark {
            times.insert(conn.unwrap_or(FIRST), opened.start);
        }
        return None;
    }
    // What the compiler took is an entry in the sense of serde, but for nulls, which stand for nothing.
    let read = serde_json::from_str::<Map<String, Value>>(object.object).and_then(|mut fields| {
        fields.retain(|_, value| !value.is_null());
        serde_json::from_value::<ReplayEntry>(Value::Object(fields))
    });
    let mut entry = match read {
        Ok(entry) => entry,
        Err(error) => {
            findings.at(object.object, ProblemKind::Json(error.to_string()));
            return None;
        }
    };
    let fields = Fields::read(object, findings);
    let connection = entry.conn.unwrap_or(FIRST);
    let last = times.entry(connection).or_default();
    entry.ts = fields.ts.map_or(*last, |ts| ts.value);
    *last = entry.ts;
    Some((connection, entry))
}
