//! What is not written down: values that JSONPath selects, and text that a regex matches.
//!
//! Only what was found is replaced; all else stays byte for byte as it was.

mod locate;

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ws_patterns::JsonPath;

use locate::locate;

use crate::RecordError;
use crate::problem::pattern_reason;

/// Something that is replaced before a message is written down.
///
/// It looks at text messages and at all else that is UTF-8: binary messages, pings, close reasons, the path. A client
/// message in which something was replaced is waited for by what was left of it, whatever stands in the gaps; a binary one
/// by any binary message.
///
/// In a configuration it is `{"jsonpath": "$.token"}` or `{"regex": "\\d{16}"}`, each perhaps with `"with": "..."`.
///
/// ```
/// use ws_replay::Redaction;
///
/// let password = Redaction::jsonpath("$..password")?;
/// let card = Redaction::regex(r"\b\d{16}\b")?.with("(card)");
/// # Ok::<(), ws_replay::RecordError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "Written"))]
pub struct Redaction {
    target: Target,
    with: String,
}

#[derive(Clone)]
enum Target {
    JsonPath(JsonPath),
    Regex(Regex),
}

/// A redaction as configurations have it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jsonpath: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    regex: Option<String>,
    #[serde(default = "default_replacement")]
    with: String,
}

fn default_replacement() -> String {
    Redaction::REPLACEMENT.to_owned()
}

impl Redaction {
    /// What is put in the place of what is left out, if nobody says otherwise.
    pub const REPLACEMENT: &str = "[redacted]";

    /// Replaces each value that `query` selects in JSON texts. Other texts are left as they are.
    ///
    /// # Errors
    /// [`RecordError::Redaction`] if the query does not compile.
    pub fn jsonpath(query: &str) -> Result<Self, RecordError> {
        let path = JsonPath::compile(query).map_err(|error| RecordError::Redaction(pattern_reason(error)))?;
        Ok(Self { target: Target::JsonPath(path), with: default_replacement() })
    }

    /// Replaces each part of a text that `pattern` matches, also in JSON, where quotes and line ends stand as escapes.
    ///
    /// # Errors
    /// [`RecordError::Redaction`] if the pattern does not compile.
    pub fn regex(pattern: &str) -> Result<Self, RecordError> {
        let regex = Regex::new(pattern)
            .map_err(|error| RecordError::Redaction(format!("regular expression `{pattern}`: {error}")))?;
        Ok(Self { target: Target::Regex(regex), with: default_replacement() })
    }

    /// What is put in its place, `[redacted]` by default: as it stands, and for JSONPath as a JSON string.
    #[must_use]
    pub fn with(self, replacement: impl Into<String>) -> Self {
        Self { with: replacement.into(), ..self }
    }

    /// `text` with everything replaced that one of `redactions` finds; `None` if there is nothing.
    ///
    /// ```
    /// use ws_replay::Redaction;
    ///
    /// let password = [Redaction::jsonpath("$..password")?];
    /// assert_eq!(Redaction::apply(&password, r#"{"password": 1}"#).as_deref(), Some(r#"{"password": "[redacted]"}"#));
    /// assert_eq!(Redaction::apply(&password, "{}"), None);
    /// # Ok::<(), ws_replay::RecordError>(())
    /// ```
    #[must_use]
    pub fn apply(redactions: &[Self], text: &str) -> Option<String> {
        redact(text, redactions).map(|redacted| redacted.text)
    }

    fn find(&self, text: &str, json: &mut Json<'_>, gaps: &mut Vec<Gap>) {
        match &self.target {
            Target::Regex(regex) => {
                let matches = regex.find_iter(text).map(|found| found.range()).filter(|range| !range.is_empty());
                gaps.extend(matches.map(|range| Gap { range, with: self.with.clone() }));
            }
            Target::JsonPath(path) => {
                let Some(value) = json.value() else { return };
                let selected: HashSet<*const Value> = path.select(value).into_iter().map(std::ptr::from_ref).collect();
                if selected.is_empty() {
                    return;
                }
                let with = Value::String(self.with.clone()).to_string();
                locate(text.trim_ascii(), value, &selected, &mut |part| {
                    let start = part.as_ptr().addr() - text.as_ptr().addr();
                    gaps.push(Gap { range: start..start + part.len(), with: with.clone() });
                });
            }
        }
    }
}

/// The JSON of a text, parsed when the first asks for it.
struct Json<'t> {
    text: &'t str,
    parsed: Option<Option<Value>>,
}

impl Json<'_> {
    fn value(&mut self) -> Option<&Value> {
        self.parsed.get_or_insert_with(|| serde_json::from_str(self.text).ok()).as_ref()
    }
}

/// A part of a text, and what is put in its place.
#[derive(Debug)]
struct Gap {
    range: Range<usize>,
    with: String,
}

/// A text in which something was replaced.
#[derive(Debug)]
pub(super) struct Redacted {
    pub(super) text: String,
    /// The parts that were left of the original, the one before the first gap first.
    left: Vec<String>,
}

/// `text` with everything replaced that a redaction finds; `None` if there is nothing.
pub(super) fn redact(text: &str, redactions: &[Redaction]) -> Option<Redacted> {
    let mut gaps = Vec::new();
    let mut json = Json { text, parsed: None };
    for redaction in redactions {
        redaction.find(text, &mut json, &mut gaps);
    }
    if gaps.is_empty() {
        return None;
    }
    // The sort is stable: where two begin together, the longer and then the earlier in the list says what is put there.
    gaps.sort_by_key(|gap| (gap.range.start, std::cmp::Reverse(gap.range.end)));
    gaps.dedup_by(|next, before| {
        let overlaps = next.range.start < before.range.end;
        if overlaps {
            before.range.end = before.range.end.max(next.range.end);
        }
        overlaps
    });
    let mut redacted = String::with_capacity(text.len());
    let mut left = Vec::with_capacity(gaps.len() + 1);
    let mut from = 0;
    for gap in &gaps {
        left.push(text[from..gap.range.start].to_owned());
        redacted.push_str(&text[from..gap.range.start]);
        redacted.push_str(&gap.with);
        from = gap.range.end;
    }
    left.push(text[from..].to_owned());
    redacted.push_str(&text[from..]);
    Some(Redacted { text: redacted, left })
}

impl Redacted {
    /// The most of a text that the pattern for it holds, in bytes: it is compiled for every such entry.
    const LONGEST_PATTERN: usize = 2048;

    /// A regex for the original: what was left of it, with anything in the gaps. Of a long text, its beginning.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = "^".to_owned();
        let mut room = Self::LONGEST_PATTERN;
        for (number, part) in self.left.iter().enumerate() {
            // A gap costs room too, so that there are not too many.
            let gap = if number == 0 { "" } else { "(?s:.*)" };
            let end = part.floor_char_boundary(room.saturating_sub(gap.len()));
            pattern.push_str(gap);
            pattern.push_str(&regex::escape(&part[..end]));
            if end < part.len() || room < gap.len() {
                return pattern;
            }
            room = room.saturating_sub(gap.len() + end);
        }
        pattern.push('$');
        pattern
    }
}

impl TryFrom<Written> for Redaction {
    type Error = RecordError;

    fn try_from(written: Written) -> Result<Self, RecordError> {
        let redaction = match (&written.jsonpath, &written.regex) {
            (Some(query), None) => Self::jsonpath(query),
            (None, Some(pattern)) => Self::regex(pattern),
            _ => Err(RecordError::Redaction("expected either `jsonpath` or `regex`".to_owned())),
        };
        Ok(redaction?.with(written.with))
    }
}

impl From<Redaction> for Written {
    fn from(Redaction { target, with }: Redaction) -> Self {
        match target {
            Target::JsonPath(path) => Self { jsonpath: Some(path.as_str().to_owned()), regex: None, with },
            Target::Regex(regex) => Self { jsonpath: None, regex: Some(regex.as_str().to_owned()), with },
        }
    }
}

/// Two are equal if they are written alike.
impl PartialEq for Redaction {
    fn eq(&self, other: &Self) -> bool {
        let is_same_target = match (&self.target, &other.target) {
            (Target::JsonPath(a), Target::JsonPath(b)) => a.as_str() == b.as_str(),
            (Target::Regex(a), Target::Regex(b)) => a.as_str() == b.as_str(),
            _ => false,
        };
        is_same_target && self.with == other.with
    }
}

impl Eq for Redaction {}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match &self.target {
            Target::JsonPath(path) => path.as_str(),
            Target::Regex(regex) => regex.as_str(),
        };
        f.debug_struct("Redaction").field("target", &target).field("with", &self.with).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str, redactions: &[Redaction]) -> String {
        redact(text, redactions).map_or_else(|| "(nothing)".to_owned(), |redacted| redacted.text)
    }

    #[test]
    fn values_are_replaced_and_the_rest_stays_as_it_was() {
        let path = |query| [Redaction::jsonpath(query).unwrap()];
        for (query, text, expected) in [
            ("$.token", r#" { "token" :  "s\"e" ,"n": 1.0e5 } "#, r#" { "token" :  "[redacted]" ,"n": 1.0e5 } "#),
            ("$.a", r#"{"a":{"b":[1]}}"#, r#"{"a":"[redacted]"}"#),
            ("$", " 42 ", " \"[redacted]\" "),
            (
                "$..pin",
                r#"[{"pin":1},[{"x":{"pin":[2]}}],3]"#,
                r#"[{"pin":"[redacted]"},[{"x":{"pin":"[redacted]"}}],3]"#,
            ),
            ("$.a[-1:]", "{\"a\":[1,2,\n3]}", "{\"a\":[1,2,\n\"[redacted]\"]}"),
            // A name that comes twice, also where it is a parent: neither value is told.
            ("$.a", r#"{"a":"first","a":"last"}"#, r#"{"a":"[redacted]","a":"[redacted]"}"#),
            ("$.a.b", r#"{"a":"first","a":{"b":"last"}}"#, r#"{"a":"[redacted]","a":{"b":"[redacted]"}}"#),
            ("$.\u{e9}", "{\"\\u00e9\":1}", "{\"\\u00e9\":\"[redacted]\"}"),
            ("$.token", "token=secret", "(nothing)"),
            ("$.token", "{}", "(nothing)"),
        ] {
            assert_eq!(redacted(text, &path(query)), expected, "{query} {text}");
        }
    }

    proptest::proptest! {
        /// What JSONPath finds is gone, also where names come twice, and all else is still the same JSON.
        #[test]
        fn redacted_json_is_json_without_the_values(
            names in proptest::collection::vec(proptest::sample::select(vec!["a", "b", "\\u0061"]), 0..6),
            depth in 0..4_usize,
        ) {
            let members = |inner: &str| {
                let members: Vec<_> = names.iter().map(|name| format!(" \"{name}\" : {inner}")).collect();
                format!("{{{}}}", members.join(","))
            };
            let text = (0..depth).fold(members("[1, \"secret\"]"), |inner, _| members(&inner));
            let redacted = redacted(&text, &[Redaction::jsonpath("$..a").unwrap()]);
            if redacted == "(nothing)" {
                proptest::prop_assert!(!names.iter().any(|name| *name != "b"));
                return Ok(());
            }
            let json: Value = serde_json::from_str(&redacted).unwrap();
            let path = JsonPath::compile("$..a").unwrap();
            proptest::prop_assert!(path.select(&json).into_iter().all(|value| value == "[redacted]"), "{}", redacted);
            proptest::prop_assert!(names.contains(&"b") || !redacted.contains("secret"), "{}", redacted);
        }
    }

    #[test]
    fn matches_are_replaced_by_what_was_said() {
        let card = Redaction::regex(r"\d{4,}").unwrap().with("$0\"");
        assert_eq!(redacted("é 1234 5 67890", std::slice::from_ref(&card)), "é $0\" 5 $0\"");
        assert_eq!(redacted("x", &[Redaction::regex("a*").unwrap()]), "(nothing)");
        // Where two overlap, the outer one counts.
        let both = [card, Redaction::jsonpath("$.n").unwrap().with("")];
        assert_eq!(redacted(r#"{"n":"a 1234"}"#, &both), r#"{"n":""}"#);
    }

    #[test]
    fn the_pattern_of_a_redacted_text_matches_what_differs_in_the_gaps_only() {
        let redacted = redact(r#"{"a":"x+","token":"s"}"#, &[Redaction::jsonpath("$.token").unwrap()]).unwrap();
        let regex = Regex::new(&redacted.pattern()).unwrap();
        assert!(regex.is_match("{\"a\":\"x+\",\"token\":\"other\n\"}"));
        assert!(regex.is_match(&redacted.text));
        assert!(!regex.is_match(r#"{"a":"xx","token":"s"}"#));
        assert!(!regex.is_match(r#"{"a":"x+","token":"s"} "#));
    }

    #[test]
    fn the_pattern_of_a_long_text_is_its_beginning() {
        let digits = [Redaction::regex("[0-9]").unwrap()];
        for text in [format!("1{}", "\u{e9}".repeat(5000)), "1a".repeat(5000), "1".repeat(5000)] {
            let pattern = redact(&text, &digits).unwrap().pattern();
            assert!(pattern.len() < 2 * Redacted::LONGEST_PATTERN, "{}", pattern.len());
            assert!(Regex::new(&pattern).unwrap().is_match(&text));
        }
    }

    #[test]
    fn what_says_nothing_or_does_not_compile_is_refused() {
        for written in [
            "{}",
            r#"{"jsonpath":"$.a","regex":"a"}"#,
            r#"{"jsonpath":"$.a["}"#,
            r#"{"regex":"("}"#,
            r#"{"regexp":"a"}"#,
        ] {
            assert!(serde_json::from_str::<Redaction>(written).is_err(), "{written}");
        }
    }
}
