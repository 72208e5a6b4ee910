//! One rule: which messages it takes, and what it does for them.

use std::sync::Arc;

use ws_patterns::Expression;

use super::actions::{Actions, keys_with_actions};
use super::matching::Match;
use super::reading::Reading;
use crate::ProblemKind;
use crate::located::{Node, Record, Tree};
use crate::mistaken::look_at_exact;
use crate::source::Span;

/// A rule, compiled.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: Option<String>,
    /// How messages call it, if it was added to others and has no place in their file.
    pub(super) added_as: Option<Arc<str>>,
    pub(super) span: Span,
    /// Higher ones are asked first.
    pub(super) priority: i64,
    pub(super) matching: Match,
    pub(super) when: Option<Expression>,
    pub(super) actions: Actions,
}

const KEYS: [&str; 17] = keys_with_actions(["name", "match", "when", "priority"]);
/// In lines of JSON the older spellings of replay files are known, too.
const LINE_KEYS: [&str; 21] =
    keys_with_actions(["name", "match", "when", "priority", "dir", "text", "waitFor", "wait_for"]);

impl Rule {
    /// Reads a rule of a list.
    pub(super) fn read(node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<Self> {
        let record =
            node.record("rules", "a rule with keys such as `match` and `response`", &KEYS, reading.findings)?;
        let matching = match record.get("match") {
            Some(node) => Match::read(node, reading),
            None => Some(Match::default()),
        };
        Self::with(&record, matching, reading)
    }

    /// Reads a rule that is a line of its own.
    pub(super) fn read_line(node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<Self> {
        let record =
            node.record("rules", "a rule with keys such as `match` and `response`", &LINE_KEYS, reading.findings)?;
        if let Some(node) = record.get("dir")
            && node.value != Tree::Text("in".to_owned())
        {
            node.wrong::<()>("dir", "\"in\": a rule is about messages that come in", reading.findings);
        }
        let mut ways =
            ["match", "waitFor", "wait_for", "text"].into_iter().filter_map(|key| Some((key, record.get(key)?)));
        let way = ways.next();
        if let Some((key, _)) = ways.next() {
            let span = record.key_span(key).unwrap_or(record.span());
            let beside = "beside another key that says what the message is like";
            reading.findings.at_span(span, ProblemKind::Excluded { key, beside });
        }
        let matching = match way {
            None => Some(Match::default()),
            Some(("match", node)) => Match::read(node, reading),
            Some(("text", node)) => node.text("text", "a text", reading.findings).map(|text| {
                look_at_exact("text", ["waitFor", "waitFor"], text, node.span, reading.findings);
                Match::exact(text)
            }),
            Some((_, node)) => Match::written("waitFor", node, reading),
        };
        Self::with(&record, matching, reading)
    }

    fn with(record: &Record<'_>, matching: Option<Match>, reading: &mut Reading<'_, '_, '_>) -> Option<Self> {
        // What stands beside a wrong pattern is read all the same, for what may be wrong in it.
        let groups = matching.as_ref().map_or_else(|| vec![None], Match::groups);
        let name = record.text("name", "a text", reading.findings);
        let priority = record.get("priority").and_then(|node| priority(node, reading));
        let when = record.get("when").and_then(|node| reading.condition("when", node, &groups));
        let actions = Actions::read(record, &groups, reading);
        Actions::expect_some(record, "this rule", reading);
        Some(Self {
            name: name.map(|name| name.value.to_owned()),
            added_as: None,
            span: record.span(),
            priority: priority.unwrap_or_default(),
            matching: matching?,
            when,
            actions,
        })
    }

    /// How messages call it: `rules.yaml:12: greet`, or without the name.
    pub(super) fn called(&self, file: &str) -> String {
        let place = self.place(file, self.span.line);
        match &self.name {
            Some(name) if self.added_as.is_none() => format!("{place}: {name}"),
            _ => place,
        }
    }

    /// How messages call a line of it.
    pub(super) fn place(&self, file: &str, line: usize) -> String {
        match &self.added_as {
            Some(name) => name.to_string(),
            None => format!("{file}:{line}"),
        }
    }
}

fn priority(node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<i64> {
    match &node.value {
        Tree::Number(number) if number.is_i64() => number.as_i64(),
        _ => node.wrong("priority", "a whole number", reading.findings),
    }
}
