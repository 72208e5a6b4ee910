//! Telling what a file is for by what stands in it, whatever is wrong with it. Nothing is checked here.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use crate::rules::{DOCUMENT_KEYS, is_rule_object};
use ws_patterns::nearest;

/// What a file is for.
///
/// ```
/// use ws_replay::FileKind;
///
/// assert_eq!(FileKind::of(br#"{"ts": 0, "text": "hello"}"#), Some(FileKind::Script));
/// assert_eq!(FileKind::of(b"rules:\n  - match: hi\n    response: hello\n"), Some(FileKind::Rules));
/// assert_eq!(FileKind::of(br#"{"log": {"entries": []}}"#), Some(FileKind::Har));
/// assert_eq!(FileKind::of(b"something else"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A replay file: [`ReplayScript`](crate::ReplayScript) reads it. It may hold rules among its entries.
    Script,
    /// A rules file: [`RuleSet`](crate::RuleSet) reads it. A file of lines that are all rules is one, too.
    Rules,
    /// A recording of a browser or a proxy, also a packed one: [`HarFile`](crate::HarFile) reads it.
    Har,
}

/// How files begin that are packed: `.zip`, and mitmproxy's `.zhar`.
const PACKED: [&[u8]; 4] = [b"PK\x03\x04", b"\x78\x01", b"\x78\x9c", b"\x78\xda"];

impl FileKind {
    /// What the file is for that has this content, or begins with it; `None` if nothing tells. A file with mistakes is told
    /// by what else stands in it.
    #[must_use]
    pub fn of(content: &[u8]) -> Option<Self> {
        if PACKED.iter().any(|magic| content.starts_with(magic)) {
            return Some(Self::Har);
        }
        let text = String::from_utf8_lossy(content);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let first = content_lines(text).next()?;
        if first.trim_start().starts_with('[') {
            return Some(Self::Script);
        }
        match keys_of_object(&text[offset_in(text, first)..]) {
            keys if keys.is_empty() => Self::of_yaml(text),
            keys => Self::of_json(text, first, &keys),
        }
    }

    /// Of a file whose first object has these `keys`.
    fn of_json(text: &str, first: &str, keys: &[String]) -> Option<Self> {
        let is_document = |key: &str| keys.iter().any(|other| other == key);
        if is_document("log") {
            return Some(Self::Har);
        }
        if is_document("rules") {
            return Some(Self::Rules);
        }
        let is_rule = |keys: &[String]| is_rule_object(keys.iter().map(String::as_str));
        if serde_json::from_str::<IgnoredAny>(first).is_err() {
            return is_rule(keys).then_some(Self::Rules);
        }
        if keys.iter().any(|key| key == "websocket") {
            return None;
        }
        // One entry makes a script of them all.
        let mut objects = content_lines(text).map(keys_of_object).filter(|keys| !keys.is_empty());
        Some(if objects.all(|keys| is_rule(&keys)) { Self::Rules } else { Self::Script })
    }

    /// Of a file that may be YAML. Its keys are looked for line by line: it need not be right.
    fn of_yaml(text: &str) -> Option<Self> {
        let lines = content_lines(text).filter(|line| !line.starts_with(char::is_whitespace));
        let keys = lines.filter_map(|line| {
            let (key, value) = line.trim_start_matches(['{', ' ']).split_once(':')?;
            value.chars().next().is_none_or(char::is_whitespace).then(|| key.trim_matches(['"', '\'', ' ']))
        });
        let mut is_rules = false;
        for key in keys {
            if key == "websocket" {
                return None;
            }
            is_rules |= nearest(key, DOCUMENT_KEYS.iter().copied()).is_some();
        }
        is_rules.then_some(Self::Rules)
    }
}

/// The lines that are neither blank nor comments, in any of these files.
fn content_lines(text: &str) -> impl Iterator<Item = &str> {
    let is_content = |line: &&str| {
        let line = line.trim_start();
        !(line.is_empty() || line.starts_with('#') || line.starts_with("//"))
    };
    text.split('\n').filter(is_content)
}

/// Where `part` begins, which is a part of `text`.
fn offset_in(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// The keys of the object with which the text begins, as far as they can be read.
fn keys_of_object(text: &str) -> Vec<String> {
    struct Keys<'k>(&'k mut Vec<String>);

    impl<'de> Visitor<'de> for Keys<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key()? {
                self.0.push(key);
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }

    let mut keys = Vec::new();
    // Where it goes wrong, the keys before are known.
    let _ = serde_json::Deserializer::from_str(text).deserialize_map(Keys(&mut keys));
    keys
}

#[cfg(test)]
mod tests {
    use super::FileKind::{Har, Rules, Script};
    use super::*;

    #[test]
    fn files_are_told_by_what_stands_in_them() {
        for (text, expected) in [
            ("", None),
            ("# nothing\n", None),
            ("{}", None),
            ("\u{feff}// a\n\n{\"text\":\"a\"}\n", Some(Script)),
            ("[\n  {\"text\": \"a\"}\n]", Some(Script)),
            ("{\"recording\":1}\n{\"dir\":\"in\",\"text\":\"a\"}\n{\"text\":\"b", Some(Script)),
            ("{\"txet\":\"a\"}", Some(Script)),
            // Rules as lines, and a script with rules in it.
            ("{\"state\":{\"a\":1}}\n{\"dir\":\"in\",\"text\":\"a\",\"response\":\"b\"}", Some(Rules)),
            ("{\"match\":\"a\",\"response\":\"b\"}\n{\"match\":\"a\",\"response\":\"b\"", Some(Rules)),
            ("{\"match\":\"a\",\"response\":\"b\"}\n{\"text\":\"b\"}", Some(Script)),
            // Rules as a document.
            ("# mine\n---\nrules:\n- match: a\n", Some(Rules)),
            ("ruels:\n- match: a\n", Some(Rules)),
            ("state: {a: 1}\nmachines:\n  door: [\n", Some(Rules)),
            ("{rules: [{match: a, response: b}]}", Some(Rules)),
            ("{\"rules\": [{\"match\": \"a\", \"response\": \"b\"}]}", Some(Rules)),
            ("{\n  \"machines\": {\n    \"door\": {}\n  }\n}", Some(Rules)),
            // Configurations.
            ("websocket: { port: 0 }", None),
            ("{\"websocket\": {\"port\": 0}}", None),
            ("websocket:\n  rules_file: rules.yaml\n", None),
            ("{websocket: {port: 0}}", None),
            // Recordings.
            ("{\"log\":{\"version\":\"1.2\",\"entries\":[{\"req", Some(Har)),
            ("{\n  \"log\": {\n    \"version\"", Some(Har)),
            ("PK\u{3}\u{4}...", Some(Har)),
            ("hello", None),
        ] {
            assert_eq!(FileKind::of(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(FileKind::of(b"\xff\xfe"), None);
    }
}
