//! Values in which everything knows its place: what stands in a part of a JSON file, or in a file of YAML.
//!
//! What keys and values mean is not decided here, and nothing is lost of what stands there. Reading is bounded, in depth and by the
//! file.

mod json;
mod record;
mod yaml;

pub(crate) use json::explain;
pub(crate) use record::Record;

use serde_json::{Map, Number, Value};

use crate::ProblemKind;
use crate::source::{Findings, Span};
use ws_patterns::nearest;

/// How deep lists and maps may stand in each other. Reading YAML takes much of the stack for each level.
const MOST_LEVELS: usize = 32;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Tree,
    pub(crate) span: Span,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file. JSON may have a key twice: then the last one counts, as everywhere.
    Map(Vec<(Key, Node)>),
}

/// A key and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Node {
    /// Reads a part of a file that is JSON. What is wrong in it is reported; then there is no value.
    pub(crate) fn from_json(part: &str, findings: &mut Findings<'_, '_>) -> Option<Self> {
        json::read(part, findings)
    }

    /// Reads a whole file of YAML 1.2. What is no YAML ends the reading: there is one such mistake at most.
    pub(crate) fn from_yaml(findings: &mut Findings<'_, '_>) -> Option<Self> {
        yaml::read(findings)
    }

    /// The same value without its places.
    pub(crate) fn to_json(&self) -> Value {
        match &self.value {
            Tree::Null => Value::Null,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Number(value) => Value::Number(value.clone()),
            Tree::Text(value) => Value::String(value.clone()),
            Tree::List(items) => items.iter().map(Self::to_json).collect(),
            Tree::Map(entries) => Value::Object(
                entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// The same value as JSON, its keys in the order of the file.
    pub(crate) fn written(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        let between = |number: usize, text: &mut String| {
            if number > 0 {
                text.push(',');
            }
        };
        match &self.value {
            Tree::List(items) => {
                text.push('[');
                for (number, item) in items.iter().enumerate() {
                    between(number, text);
                    item.write(text);
                }
                text.push(']');
            }
            Tree::Map(entries) => {
                text.push('{');
                for (number, (key, node)) in entries.iter().enumerate() {
                    between(number, text);
                    text.push_str(&Value::from(key.text.as_str()).to_string());
                    text.push(':');
                    node.write(text);
                }
                text.push('}');
            }
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => text.push_str(&self.to_json().to_string()),
        }
    }

    /// Whether nothing stands there: programs write so what is left out.
    pub(crate) fn is_null(&self) -> bool {
        self.value == Tree::Null
    }

    /// The text that is `key`'s value; that it is none is reported.
    pub(crate) fn text(
        &self,
        key: &'static str,
        expected: &'static str,
        findings: &mut Findings<'_, '_>,
    ) -> Option<&str> {
        match &self.value {
            Tree::Text(text) => Some(text),
            _ => self.wrong(key, expected, findings),
        }
    }

    /// As [`text`](Self::text): whether it is true.
    pub(crate) fn flag(&self, key: &'static str, findings: &mut Findings<'_, '_>) -> Option<bool> {
        match self.value {
            Tree::Bool(value) => Some(value),
            _ => self.wrong(key, "true or false", findings),
        }
    }

    /// As [`text`](Self::text): a whole number, 0 or more.
    pub(crate) fn whole(
        &self,
        key: &'static str,
        expected: &'static str,
        findings: &mut Findings<'_, '_>,
    ) -> Option<u64> {
        let number = match &self.value {
            Tree::Number(number) => number.as_u64(),
            _ => None,
        };
        number.or_else(|| self.wrong(key, expected, findings))
    }

    /// As [`text`](Self::text): a list.
    pub(crate) fn list(
        &self,
        key: &'static str,
        expected: &'static str,
        findings: &mut Findings<'_, '_>,
    ) -> Option<&[Self]> {
        match &self.value {
            Tree::List(items) => Some(items),
            _ => self.wrong(key, expected, findings),
        }
    }

    /// A list, or one value that stands for a list of itself alone.
    pub(crate) fn one_or_more(&self) -> &[Self] {
        match &self.value {
            Tree::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// As [`text`](Self::text): keys that the writer chose, with their values.
    pub(crate) fn map(
        &self,
        key: &'static str,
        expected: &'static str,
        findings: &mut Findings<'_, '_>,
    ) -> Option<&[(Key, Self)]> {
        match &self.value {
            Tree::Map(entries) => Some(entries),
            _ => self.wrong(key, expected, findings),
        }
    }

    /// As [`text`](Self::text): values behind known keys. Other keys, and keys that are given twice, are reported.
    pub(crate) fn record(
        &self,
        key: &'static str,
        expected: &'static str,
        known: &'static [&'static str],
        findings: &mut Findings<'_, '_>,
    ) -> Option<Record<'_>> {
        let entries = self.map(key, expected, findings)?;
        Some(Record::read(self.span, entries, known, findings))
    }

    /// Whether it is a map without any of the keys that are known here, or what is misspelt for one: then it is likely a JSON
    /// message itself.
    pub(crate) fn looks_like_a_message(&self, known: &[&str]) -> bool {
        let is_foreign = |key: &Key| nearest(&key.text, known.iter().copied()).is_none();
        matches!(&self.value, Tree::Map(entries) if !entries.is_empty() && entries.iter().all(|(key, _)| is_foreign(key)))
    }

    /// Reports that `key`'s value is not what was expected.
    pub(crate) fn wrong<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        findings: &mut Findings<'_, '_>,
    ) -> Option<T> {
        findings.at_span(self.span, ProblemKind::WrongValue { key, expected, found: self.excerpt() });
        None
    }

    /// A short value as JSON writes it, else what sort of value it is.
    pub(crate) fn excerpt(&self) -> String {
        const LONGEST: usize = 40;
        match &self.value {
            Tree::Null => "nothing".to_owned(),
            Tree::Bool(value) => value.to_string(),
            Tree::Number(number) => number.to_string(),
            Tree::Text(text) if text.len() <= LONGEST => Value::from(text.as_str()).to_string(),
            Tree::Text(_) => "a long text".to_owned(),
            Tree::List(_) => "a list".to_owned(),
            Tree::Map(_) => "keys with values".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::Source;

    fn problems(findings: Findings<'_, '_>) -> String {
        findings.into_result().map_or_else(|errors| errors.to_string(), |_| String::new())
    }

    fn both(json: &str, yaml: &str) -> [Result<Node, String>; 2] {
        let sources = [Source::new("f".into(), json), Source::new("f".into(), yaml)];
        let mut json = Findings::new(&sources[0]);
        let mut yaml = Findings::new(&sources[1]);
        [
            Node::from_json(sources[0].text(), &mut json).ok_or_else(|| problems(json)),
            Node::from_yaml(&mut yaml).ok_or_else(|| problems(yaml)),
        ]
    }

    #[test]
    fn everything_knows_its_place() {
        let json = " {\"a\": [1, -2.5, \"x\\n\"],\n \"\\u0062\": {\"c\": null, \"d\": true}} ";
        let yaml = "a: [1, -2.5, \"x\\n\"]\nb:\n  c:\n  d: true\n";
        for (text, node) in [json, yaml].into_iter().zip(both(json, yaml)) {
            let node = node.unwrap();
            assert_eq!(node.to_json(), json!({"a": [1, -2.5, "x\n"], "b": {"c": null, "d": true}}));
            let Tree::Map(entries) = &node.value else { panic!("{node:?}") };
            let Tree::List(items) = &entries[0].1.value else { panic!("{node:?}") };
            let Tree::Map(inner) = &entries[1].1.value else { panic!("{node:?}") };
            let written = |span: Span| &text[span.start..span.start + span.length];
            assert_eq!(items.iter().map(|item| written(item.span)).collect::<Vec<_>>(), ["1", "-2.5", "\"x\\n\""]);
            assert_eq!(written(entries[0].0.span), if text == json { "\"a\"" } else { "a" });
            assert_eq!(written(entries[1].0.span), if text == json { "\"\\u0062\"" } else { "b" });
            assert_eq!((written(inner[1].1.span), inner[1].1.span.line), ("true", if text == json { 2 } else { 4 }));
        }
    }

    #[test]
    fn what_cannot_be_read_is_reported_with_its_place() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let [json, yaml] = both(&deep(MOST_LEVELS), &deep(MOST_LEVELS));
        assert!(json.is_ok() && yaml.is_ok(), "{yaml:?}");
        for too_deep in both(&deep(MOST_LEVELS + 1), &deep(MOST_LEVELS + 1)) {
            assert_eq!(too_deep.unwrap_err(), "f:1:33: is nested more than 32 levels deep");
        }
        for (json, yaml, expected) in [
            (
                "[\"\\ud800\"]",
                "a: 1\na: 2",
                ["f:1:9: expected JSON: unexpected end of hex escape", "f:2:1: `a` is given twice"],
            ),
            (
                "[1e999]",
                "a: .inf",
                ["f:1:6: expected JSON: number out of range", "f:1:4: expected YAML: non-finite float"],
            ),
            ("{\"a\": nul}", "a: {{uuid}}", ["f:1:10: expected JSON: expected ident", "stands in quotes"]),
            (
                "",
                "a: 1\n---\nb: 1",
                ["f:1:1: expected JSON: EOF while parsing a value", "f:3:1: expected one document"],
            ),
        ] {
            for (found, expected) in both(json, yaml).into_iter().zip(expected) {
                let found = found.unwrap_err();
                assert!(
                    found.starts_with(expected) || (found.contains(expected) && found.starts_with("f:1:")),
                    "{found}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_yaml_is_reported_where_it_stands() {
        for (text, expected) in [
            ("a: 1\nb: \"^\\d+$\"\n", ["f:2:4: expected YAML: ", "in single quotes it stands as it is"]),
            ("a: 1\nb: hi: {{who}}\n", ["f:2:6: expected YAML: ", "; a text with a colon and a blank in it"]),
            ("a: 1\nb: {{who}}\n", ["f:2:5: expected ", "; a text that begins with `{` stands in quotes"]),
        ] {
            let [_, found] = both("1", text);
            let found = found.unwrap_err();
            assert!(found.starts_with(expected[0]) && found.contains(expected[1]), "{found}");
        }
        let [json, _] = both("[\"^\\d\"]", "a: 1");
        assert_eq!(json.unwrap_err(), "f:1:5: expected JSON: invalid escape; a backslash in JSON is written `\\\\`");
    }

    #[test]
    fn records_report_keys_and_types() {
        let text = r#"{"naem": 1, "name": "x", "when": 5, "then": null, "name": "y", "extra": {}}"#;
        let source = Source::new("f".into(), text);
        let mut findings = Findings::new(&source);
        let node = Node::from_json(text, &mut findings).unwrap();
        let record = node.record("rule", "a rule", &["name", "when", "then", "needed"], &mut findings).unwrap();
        assert_eq!(record.text("name", "a text", &mut findings).map(|name| name.value), Some("x"));
        assert_eq!(record.text("when", "a text", &mut findings), None);
        assert!(record.get("then").is_none() && record.required("needed", &mut findings).is_none());
        assert_eq!(record.keys().collect::<Vec<_>>(), ["name", "when"]);
        let expected = "f:1:2: unknown key `naem`; did you mean `name`?\nf:1:51: `name` is given twice in this entry\n\
                        f:1:64: unknown key `extra`\nf:1:34: `when`: expected a text, found 5\nf:1:1: `needed` is missing";
        assert_eq!(problems(findings), expected);
    }
}
