//! From a file of YAML 1.2 to nodes.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Location, Spanned};

use super::{Key, MOST_LEVELS, Node, Tree};
use crate::ProblemKind;
use crate::source::{Findings, Source, Span};

pub(super) fn read(findings: &mut Findings<'_, '_>) -> Option<Node> {
    let source = findings.source();
    let options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! { max_depth: MOST_LEVELS },
    };
    match serde_saphyr::from_str_with_options::<Spanned<Value>>(source.text(), options) {
        Ok(root) => Some(node(root, source)),
        Err(error) => {
            let kind = match error.without_snippet() {
                Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => ProblemKind::TooDeep { most: MOST_LEVELS },
                error => ProblemKind::Yaml(explain(error, source)),
            };
            match error.location() {
                Some(location) => findings.at_span(span(location, source), kind),
                None => findings.about_file(kind),
            }
            None
        }
    }
}

fn node(spanned: Spanned<Value>, source: &Source<'_>) -> Node {
    let value = match spanned.value {
        Value::Plain(value) => value,
        Value::List(items) => Tree::List(items.into_iter().map(|item| node(item, source)).collect()),
        Value::Map(entries) => {
            let nodes = entries.into_iter().map(|(key, value)| {
                let key = Key { text: key.value, span: span(key.referenced, source) };
                (key, node(value, source))
            });
            Tree::Map(nodes.collect())
        }
    };
    Node { value, span: span(spanned.referenced, source) }
}

fn span(location: Location, source: &Source<'_>) -> Span {
    let span = location.span();
    let size = |bytes: u64| usize::try_from(bytes).ok();
    match span.byte_offset().and_then(size) {
        Some(start) => source.span_at(start, span.byte_len().and_then(size).unwrap_or_default()),
        // What is no YAML at all has a line and a column only.
        None => source.span_of_column(size(location.line()).unwrap_or(1), size(location.column()).unwrap_or(1)),
    }
}

fn explain(error: &Error, source: &Source<'_>) -> String {
    let mut text = match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is given twice"),
        Error::MultipleDocuments { .. } => "expected one document, found another one behind `---`".to_owned(),
        Error::Unexpected { expected: "string scalar", .. } => "expected a text as the key".to_owned(),
        error => {
            // The place stands before the text already.
            let text = error.to_string();
            let end = text.rfind(" at line ").unwrap_or(text.len());
            format!("expected YAML: {}", &text[..end])
        }
    };
    let line = error.location().and_then(|location| usize::try_from(location.line()).ok()?.checked_sub(1));
    if let Some(advice) = line.and_then(|line| advice(&text, source.text().lines().nth(line)?)) {
        text.push_str("; ");
        text.push_str(advice);
    }
    text
}

/// What to write instead, of what most often goes wrong on such a line.
fn advice(problem: &str, line: &str) -> Option<&'static str> {
    if problem.contains("escape") {
        return Some("in double quotes a backslash is written `\\\\`; in single quotes it stands as it is");
    }
    let line = line.trim_start().trim_start_matches("- ");
    let value = line.split_once(": ").map_or(line, |(_, value)| value).trim_start();
    if value.starts_with("{{") {
        return Some("a text that begins with `{` stands in quotes: \"{{...}}\"");
    }
    let is_plain = !value.starts_with(['"', '\'', '{', '[']);
    (is_plain && value.contains(": ")).then_some("a text with a colon and a blank in it stands in quotes")
}

/// A value whose parts still have the places that YAML's reader gives.
enum Value {
    Plain(Tree),
    List(Vec<Spanned<Value>>),
    Map(Vec<(Spanned<String>, Spanned<Value>)>),
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Plain(Tree::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Plain(Tree::Null))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Plain(Tree::Bool(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Plain(Tree::Number(value.into())))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Plain(Tree::Number(value.into())))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        match Number::from_f64(value) {
            Some(number) => Ok(Value::Plain(Tree::Number(number))),
            None => Err(E::custom("infinity and `.nan` are no numbers here")),
        }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Plain(Tree::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }
}
