//! The keys of an entry and the types of their values. What an entry means as a whole is decided in `compile`.

use serde::de::DeserializeOwned;

use super::logic_keys;
use super::read::{RawEntry, kind_of};
use crate::located::{Node, explain};
use crate::source::Findings;
use crate::{ProblemKind, ReplayDirection};
use ws_patterns::nearest;

/// A value and the slice of the file that it was read from.
pub(super) struct Located<'a, T> {
    pub(super) value: T,
    pub(super) at: &'a str,
}

/// The values of an entry. What is missing, or of a wrong type and so reported already, is `None`.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) ts: Option<Located<'a, u64>>,
    pub(super) conn: Option<Located<'a, u64>>,
    pub(super) dir: Option<Located<'a, ReplayDirection>>,
    pub(super) text: Option<Located<'a, String>>,
    pub(super) wait_for: Option<Located<'a, String>>,
    pub(super) close: Option<Located<'a, bool>>,
    pub(super) code: Option<Located<'a, u64>>,
    pub(super) reason: Option<Located<'a, String>>,
    pub(super) binary: Option<Located<'a, bool>>,
    pub(super) ping: Option<Located<'a, bool>>,
    pub(super) pong: Option<Located<'a, bool>>,
    /// The keys of version 2 that are there, each with its place and its value.
    pub(super) logic: Vec<(&'static str, &'a str, Node)>,
    /// Whether something in the entry was reported: then what seems to be missing may only be misspelt.
    pub(super) flawed: bool,
}

/// Every key that an entry may have in version 1; `waitFor` may be spelt `wait_for` too.
const KEYS: [&str; 11] = ["ts", "dir", "text", "waitFor", "close", "code", "reason", "binary", "conn", "ping", "pong"];

/// Every key that an entry may have.
fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().chain(logic_keys::KEYS)
}

/// Whether an entry may have this key.
pub(super) fn is_key(name: &str) -> bool {
    key_named(name).is_some()
}

/// The key of entries that is written so.
pub(super) fn key_named(name: &str) -> Option<&'static str> {
    let name = if name == "wait_for" { "waitFor" } else { name };
    keys().find(|key| *key == name)
}

impl<'a> Fields<'a> {
    pub(super) fn read(entry: &RawEntry<'a>, findings: &mut Findings<'_, '_>) -> Self {
        let mut reader = Reader::new(findings);
        let mut fields = Self::default();
        for &(key, value) in &entry.fields {
            // Escapes of lone surrogates are the one thing that is well-formed here and no string.
            let name = serde_json::from_str::<String>(key).unwrap_or_else(|_| key.to_owned());
            match name.as_str() {
                "ts" => reader.ts(key, value, &mut fields.ts),
                "conn" => reader.conn(key, value, &mut fields.conn),
                "dir" => reader.field("dir", "\"in\" or \"out\"", key, value, &mut fields.dir),
                "text" => {
                    reader.field("text", "a string (JSON in it with escaped quotes)", key, value, &mut fields.text);
                }
                "waitFor" | "wait_for" => {
                    let expected = "a string: JSONPath if it starts with `$.` or `$[`, else a regex";
                    reader.field("waitFor", expected, key, value, &mut fields.wait_for);
                }
                "close" => reader.field("close", "true or false", key, value, &mut fields.close),
                "code" => reader.field("code", "a close code such as 1000", key, value, &mut fields.code),
                "reason" => reader.field("reason", "a string", key, value, &mut fields.reason),
                "binary" => reader.field("binary", "true or false", key, value, &mut fields.binary),
                "ping" => reader.field("ping", "true or false", key, value, &mut fields.ping),
                "pong" => reader.field("pong", "true or false", key, value, &mut fields.pong),
                _ => match logic_keys::KEYS.into_iter().find(|known| *known == name) {
                    Some(known) => reader.logic(known, key, value, &mut fields.logic),
                    None => reader.problem(key, ProblemKind::UnknownKey { nearest: nearest(&name, keys()), key: name }),
                },
            }
        }
        fields.flawed = reader.flawed;
        fields
    }

    pub(super) fn direction(&self) -> ReplayDirection {
        self.dir.as_ref().map_or_else(ReplayDirection::default, |dir| dir.value)
    }

    /// The place of `true`, if the entry closes the connection.
    pub(super) fn closes(&self) -> Option<&'a str> {
        self.close.as_ref().filter(|close| close.value).map(|close| close.at)
    }

    /// The place of `true` and the key, if the entry is a ping or a pong.
    pub(super) fn control(&self) -> Option<(&'static str, &'a str)> {
        let keys = [("ping", &self.ping), ("pong", &self.pong)];
        keys.into_iter().find_map(|(key, value)| value.as_ref().filter(|it| it.value).map(|it| (key, it.at)))
    }

    /// Whether there is a key of version 2 that may have to do with other entries: all but the one that is about the text
    /// alone.
    pub(super) fn may_branch(&self) -> bool {
        self.logic.iter().any(|(key, ..)| *key != "verbatim")
    }

    /// The value of a key of version 2.
    pub(super) fn logic(&self, key: &str) -> Option<&Node> {
        self.logic.iter().find(|(name, ..)| *name == key).map(|(.., node)| node)
    }

    /// The place of a key of version 2.
    pub(super) fn logic_key(&self, key: &str) -> Option<&'a str> {
        self.logic.iter().find(|(name, ..)| *name == key).map(|(_, at, _)| *at)
    }

    /// The place of `true`, if the message of the entry is binary.
    pub(super) fn is_binary(&self) -> Option<&'a str> {
        self.binary.as_ref().filter(|binary| binary.value).map(|binary| binary.at)
    }
}

/// Reads the values of one object.
pub(super) struct Reader<'f, 's, 'a> {
    findings: &'f mut Findings<'s, 'a>,
    flawed: bool,
}

impl<'f, 's, 'a> Reader<'f, 's, 'a> {
    pub(super) fn new(findings: &'f mut Findings<'s, 'a>) -> Self {
        Self { findings, flawed: false }
    }

    pub(super) fn ts<'v>(&mut self, key: &str, value: &'v str, slot: &mut Option<Located<'v, u64>>) {
        self.field("ts", "a whole number of milliseconds, 0 or more", key, value, slot);
    }

    pub(super) fn conn<'v>(&mut self, key: &str, value: &'v str, slot: &mut Option<Located<'v, u64>>) {
        self.field("conn", "the number of a connection, 0 or more", key, value, slot);
    }

    pub(super) fn field<'v, T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        key: &str,
        value: &'v str,
        slot: &mut Option<Located<'v, T>>,
    ) {
        if slot.is_some() {
            return self.problem(key, ProblemKind::GivenTwice(name));
        }
        // Many programs write what is left out as null.
        if value == "null" {
            return;
        }
        match serde_json::from_str(value) {
            Ok(read) => *slot = Some(Located { value: read, at: value }),
            // A string of which serde_json says so has an escape that stands for no character.
            Err(error) if error.is_syntax() => {
                let (message, offset) = explain(value, &error);
                self.problem(value.get(offset..).unwrap_or(value), ProblemKind::Json(message));
            }
            Err(_) => self.problem(value, ProblemKind::WrongValue { key: name, expected, found: excerpt(value) }),
        }
    }

    /// A value whose type is looked at later.
    fn logic<'v>(
        &mut self,
        name: &'static str,
        key: &'v str,
        value: &'v str,
        slot: &mut Vec<(&'static str, &'v str, Node)>,
    ) {
        if slot.iter().any(|(known, ..)| *known == name) {
            return self.problem(key, ProblemKind::GivenTwice(name));
        }
        if value == "null" {
            return;
        }
        match Node::from_json(value, self.findings) {
            Some(node) => slot.push((name, key, node)),
            None => self.flawed = true,
        }
    }

    pub(super) fn problem(&mut self, at: &str, kind: ProblemKind) {
        self.flawed = true;
        self.findings.at(at, kind);
    }
}

/// A short value as it stands, else what sort of value it is.
fn excerpt(value: &str) -> String {
    const LONGEST: usize = 40;
    let is_plain = value.len() <= LONGEST && !value.starts_with(['{', '[']);
    if is_plain { value.to_owned() } else { kind_of(value).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        for (slip, key) in [
            ("waitfor", "waitFor"),
            ("WaitFor", "waitFor"),
            ("wait-for", "waitFor"),
            ("wait", "waitFor"),
            ("txt", "text"),
            ("test", "text"),
            ("direction", "dir"),
            ("closed", "close"),
            ("reasons", "reason"),
            ("bin", "binary"),
            ("tz", "ts"),
            ("stepid", "step_id"),
            ("on_matched", "on_match"),
            ("timeout", "timeout_ms"),
            ("branch", "branches"),
            ("assert", "assertions"),
            ("next", "next_step"),
        ] {
            assert_eq!(nearest(slip, keys()), Some(key), "{slip}");
        }
        for word in ["", "payload", "data", "id", "$schema"] {
            assert_eq!(nearest(word, keys()), None, "{word}");
        }
    }
}
