//! What stands in a file beside entries: that it is a recording, where a session begins, and where something is missing.

use serde::Deserializer as _;

use super::fields::{Located, Reader, key_named};
use super::read::{FieldsVisitor, RawEntry, content_lines};
use super::session::Opened;
use crate::ProblemKind;
use crate::source::Findings;
use ws_patterns::nearest;

/// The version of recordings that is read.
const VERSION: u64 = 1;

/// Something that is no entry: nothing is sent or waited for.
#[derive(Debug)]
pub(super) enum Mark {
    /// `{"recording": 1}`: the file was recorded. Without `"learn": false`, what its client made up is learnt.
    Recording { learn: bool },
    /// `{"open": "/ws"}`: here a session begins, or the rest of one whose beginning is in another file.
    Open { conn: Option<u64>, opened: Opened },
    /// `{"truncated": "why"}`: from here on something is missing.
    Truncated { reason: String },
}

/// The keys that make an object a mark, and what each may have beside it.
const MARKS: [(&str, &[&str]); 3] = [
    ("recording", &["recording", "learn"]),
    ("open", &["open", "ts", "conn", "at", "url"]),
    ("truncated", &["truncated", "ts", "conn"]),
];

/// Whether a text begins as a recording does. Such a file may be cut off anywhere.
pub(super) fn is_recording(text: &str) -> bool {
    content_lines(text).next().is_some_and(|line| {
        let fields = serde_json::Deserializer::from_str(line).deserialize_map(FieldsVisitor);
        fields.is_ok_and(|fields| fields.iter().any(|(key, _)| is_key(key, "recording")))
    })
}

/// Whether a key as it stands in a file is that of a mark. Nobody writes those with escapes.
fn is_key(written: &str, mark: &str) -> bool {
    written.trim_matches('"') == mark
}

impl Mark {
    /// Reads `entry` as a mark, if it has the key of one.
    pub(super) fn read(entry: &RawEntry<'_>, findings: &mut Findings<'_, '_>) -> Option<Self> {
        const VERSIONS: &str = "1, the version that this program reads";
        let name = |key: &str| serde_json::from_str::<String>(key).unwrap_or_else(|_| key.to_owned());
        let is_there = |mark: &str| entry.fields.iter().any(|(key, _)| is_key(key, mark));
        let (mark, keys) = MARKS.into_iter().find(|(mark, _)| is_there(mark))?;
        let (mut version, mut ts, mut conn) = (None::<Located<'_, u64>>, None, None);
        let (mut path, mut reason) = (None::<Located<'_, String>>, None::<Located<'_, String>>);
        // They tell where it comes from; nothing of what is played depends on them.
        let (mut time, mut url) = (None::<Located<'_, String>>, None::<Located<'_, String>>);
        let mut learn = None::<Located<'_, bool>>;
        let mut reader = Reader::new(findings);
        for &(key, value) in &entry.fields {
            match name(key).as_str() {
                name if !keys.contains(&name) => reader.problem(key, stranger(name, mark, keys)),
                "recording" => reader.field("recording", VERSIONS, key, value, &mut version),
                "learn" => reader.field("learn", "true or false", key, value, &mut learn),
                "ts" => reader.ts(key, value, &mut ts),
                "conn" => reader.conn(key, value, &mut conn),
                "open" => reader.field("open", "a path such as \"/ws\"", key, value, &mut path),
                "at" => reader.field("at", "a time such as \"2024-01-01T00:00:00Z\"", key, value, &mut time),
                "url" => reader.field("url", "a URL such as \"wss://example.com/chat\"", key, value, &mut url),
                _ => reader.field("truncated", "a string that says why", key, value, &mut reason),
            }
        }
        Some(match mark {
            "recording" => {
                if let Some(version) = version.filter(|version| version.value != VERSION) {
                    let found = version.value.to_string();
                    reader.problem(version.at, ProblemKind::WrongValue { key: "recording", expected: VERSIONS, found });
                }
                Self::Recording { learn: learn.is_none_or(|learn| learn.value) }
            }
            "open" => Self::Open {
                conn: conn.map(|conn| conn.value),
                opened: Opened {
                    path: path.map(|path| path.value),
                    start: ts.map_or(0, |ts| ts.value),
                    at: time.map(|time| time.value),
                    url: url.map(|url| url.value),
                },
            },
            _ => Self::Truncated { reason: reason.map_or_else(String::new, |reason| reason.value) },
        })
    }
}

/// A key that this mark does not have.
fn stranger(name: &str, mark: &'static str, keys: &'static [&'static str]) -> ProblemKind {
    match key_named(name) {
        Some(key) => ProblemKind::Excluded {
            key,
            beside: match mark {
                "recording" => "beside `recording`",
                "open" => "beside `open`",
                _ => "beside `truncated`",
            },
        },
        None => ProblemKind::UnknownKey { nearest: nearest(name, keys.iter().copied()), key: name.to_owned() },
    }
}
