//! What a message must be like for a rule: its type, and the patterns that its text must match.

use std::fmt;

use ws_patterns::{MessagePattern, MessageText};

use super::incoming::Incoming;
use super::problem::RuleProblem;
use super::reading::Reading;
use crate::ProblemKind;
use crate::located::{Node, Record, Tree};
use crate::mistaken::{look_at_exact, look_at_pattern, look_for_json_in_text, look_for_tokens};
use crate::problem::pattern_reason;
use crate::released::Released;

/// The largest schema file that is read, in bytes.
const MAX_SCHEMA_BYTES: u64 = 1024 * 1024;

/// The types that a message may have. Close frames come to no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum MessageType {
    #[default]
    Text,
    Binary,
    Ping,
    Pong,
}

impl MessageType {
    const EXPECTED: &'static str = "text, binary, ping or pong (for a JSON message write match: { json: {...} })";

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "binary" => Self::Binary,
            "ping" => Self::Ping,
            "pong" => Self::Pong,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }
}

/// What a message must be like: of this type, and as all of these patterns say.
#[derive(Debug, Clone, Default)]
pub(super) struct Match {
    pub(super) message_type: MessageType,
    /// Only text has some; text without any is every text.
    patterns: Vec<MessagePattern>,
    /// The text that it must be, if one is given.
    exact: Option<String>,
}

const PATTERN: &str = "a pattern: JSONPath if it starts with `$.` or `$[`, else a regex";
const KEYS: &[&str] = &["regex", "jsonpath", "equals", "exact", "json", "schema", "schema_file", "type"];

impl Match {
    /// Reads what stands behind `match`: a pattern, or what must hold by its names.
    pub(super) fn read(node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<Self> {
        if let Tree::Text(_) = node.value {
            return Self::written("match", node, reading);
        }
        let expected = "a pattern, or keys such as `regex`, `jsonpath`, `exact`, `json` or `type`";
        if node.looks_like_a_message(KEYS) {
            return reading.wrong(node.span, RuleProblem::BareJson("match"));
        }
        let record = node.record("match", expected, KEYS, reading.findings)?;
        let message_type = message_type(&record, reading);
        let patterns = Self::patterns(&record, reading)?;
        let message_type = message_type?;
        if message_type != MessageType::Text && !patterns.is_empty() {
            let span = record.key_span("type").unwrap_or(record.span());
            let beside = "other than text beside a pattern, as patterns look at text";
            reading.findings.at_span(span, ProblemKind::Excluded { key: "type", beside });
            return None;
        }
        let exact = record.get("exact").and_then(|node| match &node.value {
            Tree::Text(text) => Some(text.clone()),
            _ => None,
        });
        Some(Self { message_type, patterns, exact })
    }

    /// Reads a pattern as `waitFor` has it.
    pub(super) fn written(key: &'static str, node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<Self> {
        let text = node.text(key, PATTERN, reading.findings)?;
        look_at_pattern(key, text, node.span, reading.findings);
        let pattern = text.parse::<MessagePattern>();
        let pattern = reading.understood(key, node, pattern.map_err(pattern_reason))?;
        Some(Self { patterns: vec![pattern], ..Self::default() })
    }

    /// This text and no other.
    pub(super) fn exact(text: &str) -> Self {
        Self { patterns: vec![MessagePattern::exact(text)], exact: Some(text.to_owned()), ..Self::default() }
    }

    /// The patterns; `None` if one of them is wrong.
    fn patterns(record: &Record<'_>, reading: &mut Reading<'_, '_, '_>) -> Option<Vec<MessagePattern>> {
        // Each that is there, and then `None` if it is wrong.
        let mut found = Vec::<Option<MessagePattern>>::new();
        if let Some(node) = record.get("exact") {
            let text = node.text("exact", "a text", reading.findings);
            if let Some(text) = text {
                look_at_exact("exact", ["regex", "jsonpath"], text, node.span, reading.findings);
            }
            found.push(text.map(MessagePattern::exact));
        }
        if let Some(node) = record.get("json") {
            look_for_tokens("json", node, reading.findings);
            look_for_json_in_text("json", node, reading.findings);
            found.push(Some(MessagePattern::json_subset(node.to_json())));
        }
        if let Some(node) = record.get("jsonpath") {
            found.push(jsonpath(node, record.get("equals"), reading));
        } else if let Some(span) = record.key_span("equals") {
            reading.findings.at_span(span, ProblemKind::Needs { key: "equals", needs: "`jsonpath`" });
            found.push(None);
        }
        if let Some(node) = record.get("regex") {
            let text = node.text("regex", "a regular expression", reading.findings);
            if let Some(text) = text {
                look_at_pattern("regex", text, node.span, reading.findings);
            }
            let pattern = text.map(|text| MessagePattern::regex(text).map_err(pattern_reason));
            found.push(pattern.and_then(|pattern| reading.understood("regex", node, pattern)));
        }
        if let Some(node) = record.get("schema") {
            let schema = MessagePattern::json_schema(&node.to_json()).map_err(pattern_reason);
            found.push(reading.understood("schema", node, schema));
        }
        if let Some(node) = record.get("schema_file") {
            found.push(schema_file(node, reading));
        }
        found.into_iter().collect()
    }

    /// The one pattern that transitions and events look at.
    pub(super) fn single(self, node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<MessagePattern> {
        match (self.message_type, <[MessagePattern; 1]>::try_from(self.patterns)) {
            (MessageType::Text, Ok([pattern])) => Some(pattern),
            (MessageType::Text, Err(patterns)) if patterns.is_empty() => Some(MessagePattern::any()),
            _ => reading.wrong(node.span, RuleProblem::OnePattern),
        }
    }

    /// The pattern by which an index finds it; the others are left to [`difference`](Self::difference).
    pub(super) fn first_pattern(&self) -> MessagePattern {
        self.patterns.first().cloned().unwrap_or_else(MessagePattern::any)
    }

    /// Whether a message that the first pattern matches is as the others say.
    pub(super) fn rest_matches(&self, text: &MessageText<'_>) -> bool {
        self.patterns.iter().skip(1).all(|pattern| pattern.matches_text(text))
    }

    /// The first thing that is different, and how near it comes: of a text that does not match.
    pub(super) fn difference(&self, text: &MessageText<'_>) -> Option<(f64, String)> {
        let difference = self.patterns.iter().find_map(|pattern| pattern.difference(text))?;
        Some((difference.closeness(), difference.to_string()))
    }

    /// The pattern whose groups templates see: the first with groups, if there is one.
    fn capturing(&self) -> Option<&MessagePattern> {
        self.patterns.iter().find(|pattern| pattern.groups().len() > 1).or_else(|| self.patterns.first())
    }

    /// The names of the groups that templates may use, the whole match first.
    pub(super) fn groups(&self) -> Vec<Option<String>> {
        match self.capturing() {
            Some(pattern) => groups(pattern),
            None => vec![None],
        }
    }

    /// What templates take from a message that matches.
    pub(super) fn captures(&self, message: &Incoming) -> Option<Released> {
        match message {
            Incoming::Text(text) => captures(self.capturing().unwrap_or(&MessagePattern::any()), text),
            Incoming::Binary(data) | Incoming::Ping(data) | Incoming::Pong(data) => {
                Some(Released::Binary(data.clone()))
            }
        }
    }

    /// Whether it takes no text that is not JSON.
    pub(super) fn needs_json(&self) -> bool {
        self.patterns.iter().any(MessagePattern::needs_json)
    }

    /// Whether it takes only text that is not JSON: as far as that is plain to see.
    pub(super) fn takes_no_json(&self) -> bool {
        self.exact.as_ref().is_some_and(|text| MessageText::new(text.as_str()).json().is_none())
    }

    /// Whether it takes every text.
    pub(super) fn takes_every_text(&self) -> bool {
        self.message_type == MessageType::Text && self.patterns.is_empty()
    }
}

/// What templates take from a text, if `pattern` matches it.
pub(super) fn captures(pattern: &MessagePattern, text: &MessageText<'_>) -> Option<Released> {
    pattern.captures(text).map(Released::Text)
}

pub(super) fn groups(pattern: &MessagePattern) -> Vec<Option<String>> {
    pattern.groups().into_iter().map(|name| name.map(str::to_owned)).collect()
}

/// As messages say what was expected: equal ones match the same messages.
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message_type.name())?;
        self.patterns.iter().try_for_each(|pattern| write!(f, " {pattern}"))
    }
}

fn message_type(record: &Record<'_>, reading: &mut Reading<'_, '_, '_>) -> Option<MessageType> {
    let Some(node) = record.get("type") else { return Some(MessageType::default()) };
    let name = node.text("type", MessageType::EXPECTED, reading.findings)?;
    MessageType::named(name).or_else(|| node.wrong("type", MessageType::EXPECTED, reading.findings))
}

fn jsonpath(node: &Node, equals: Option<&Node>, reading: &mut Reading<'_, '_, '_>) -> Option<MessagePattern> {
    let query = node.text("jsonpath", "a JSONPath such as $.type", reading.findings)?;
    look_for_tokens("jsonpath", node, reading.findings);
    if let Some(value) = equals {
        look_for_tokens("equals", value, reading.findings);
    }
    let pattern = match equals {
        Some(value) => MessagePattern::jsonpath_equals(query, value.to_json()),
        // A colon and a value may stand behind it, as in `waitFor`.
        None if query.starts_with("$.") || query.starts_with("$[") => query.parse(),
        None => MessagePattern::try_jsonpath(query),
    };
    reading.understood("jsonpath", node, pattern.map_err(pattern_reason))
}

fn schema_file(node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<MessagePattern> {
    let name = node.text("schema_file", "the name of a file", reading.findings)?;
    let path = reading.files.find(name);
    let read = path
        .as_deref()
        .ok_or_else(|| "it is looked for beside a rules file, and this is none".to_owned())
        .and_then(|path| -> Result<MessagePattern, String> {
            let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
            // A pipe would hold up who reads it.
            if !metadata.is_file() {
                return Err("is no regular file".to_owned());
            }
            let length = metadata.len();
            if length > MAX_SCHEMA_BYTES {
                return Err(format!("has {length} bytes, of at most {MAX_SCHEMA_BYTES}"));
            }
            let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
            let schema = serde_json::from_str(&text).map_err(|error| format!("expected JSON: {error}"))?;
            MessagePattern::json_schema(&schema).map_err(pattern_reason)
        });
    read.map_err(|reason| {
        let path = path.map_or_else(|| name.to_owned(), |path| path.display().to_string());
        reading.wrong::<()>(node.span, RuleProblem::SchemaFile { path, reason });
    })
    .ok()
}
