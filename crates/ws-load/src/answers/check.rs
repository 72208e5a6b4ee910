//! What an answer must have.

use std::fmt;
use std::str::FromStr;

use memchr::memmem;
use serde_json::Value;

use super::JsonPath;

/// A check of every answer. Its text is its name in reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    written: String,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Same,
    Contains(Vec<u8>),
    Field(JsonPath, Option<String>),
}

impl Check {
    /// Whether answers have to be compared with what was sent.
    pub(crate) fn compares(&self) -> bool {
        self.wanted == Wanted::Same
    }

    /// Whether an answer is right. `is_same`: whether it is what was sent.
    pub(crate) fn passes(&self, answer: &[u8], is_same: bool) -> bool {
        match &self.wanted {
            Wanted::Same => is_same,
            Wanted::Contains(text) => memmem::find(answer, text).is_some(),
            Wanted::Field(path, wanted) => {
                let json = serde_json::from_slice::<Value>(answer).ok();
                let found = json.as_ref().and_then(|json| path.of(json));
                match (found, wanted) {
                    (Some(Value::String(found)), Some(wanted)) => found == wanted,
                    (Some(found), Some(wanted)) => serde_json::from_str::<Value>(wanted).is_ok_and(|it| it == *found),
                    (found, None) => found.is_some(),
                    (None, Some(_)) => false,
                }
            }
        }
    }
}

impl FromStr for Check {
    type Err = String;

    /// `same`, `contains:TEXT`, `json:PATH` or `json:PATH=VALUE`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = match text.split_once(':') {
            None if text == "same" => Wanted::Same,
            Some(("contains", part)) if !part.is_empty() => Wanted::Contains(part.as_bytes().to_vec()),
            Some(("json", field)) => match field.split_once('=') {
                Some((path, value)) => Wanted::Field(path.parse()?, Some(value.to_owned())),
                None => Wanted::Field(field.parse()?, None),
            },
            _ => return Err("expected same, contains:TEXT, json:PATH or json:PATH=VALUE".to_owned()),
        };
        Ok(Self { written: text.to_owned(), wanted })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_checked() {
        let answer = br#"{"type":"pong","n":1,"ok":true,"s":"1"}"#;
        for (check, passes) in [
            ("same", false),
            ("contains:pong", true),
            ("contains:ping", false),
            ("json:type=pong", true),
            ("json:$.n=1", true),
            ("json:$.n=2", false),
            ("json:ok=true", true),
            ("json:s=1", true),
            ("json:type", true),
            ("json:missing", false),
            ("json:missing=1", false),
        ] {
            let check: Check = check.parse().unwrap();
            assert_eq!(check.passes(answer, false), passes, "{check}");
        }
        assert!("same".parse::<Check>().unwrap().passes(b"", true));
        assert!(!"json:a".parse::<Check>().unwrap().passes(b"no JSON", true));
        for wrong in ["", "equal", "contains:", "json:", "same:x"] {
            assert!(wrong.parse::<Check>().unwrap_err().contains("expected"), "{wrong}");
        }
    }
}
