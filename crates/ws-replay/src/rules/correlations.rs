//! Correlations in rules: which messages belong together, and what is done when they come or fail to come.

use std::time::Duration;

use ws_patterns::{Correlation, CorrelationBuilder, Event};

use super::actions::{Actions, keys_with_actions};
use super::matching::Match;
use super::problem::RuleProblem;
use super::reading::Reading;
use crate::ProblemKind;
use crate::located::{Node, Record, Tree};
use crate::problem::pattern_reason;
use crate::source::Span;

/// A correlation of a rules file.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) name: String,
    pub(super) span: Span,
    /// The first of the keys that only its kind has.
    pub(super) kind: &'static str,
    pub(super) correlation: Correlation,
    pub(super) on_fulfilled: Option<Actions>,
    pub(super) on_violated: Option<Actions>,
    /// Whether messages to the client may be among its events.
    pub(super) sees_outbound: bool,
    /// Whether something that began must come to its end; if not, it only happens.
    pub(super) is_duty: bool,
}

const KEYS: &[&str] = &[
    "name",
    "request",
    "answer",
    "first",
    "then",
    "count",
    "of",
    "without",
    "absent",
    "within",
    "key",
    "on_fulfilled",
    "on_violated",
];
const EVENT_KEYS: &[&str] = &["match", "direction", "key"];
const ACTION_KEYS: [&str; 13] = keys_with_actions([]);

/// Which way the messages of an event go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
    Any,
}

impl Watch {
    /// Reads a correlation of the list.
    pub(super) fn read(node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<Self> {
        let expected = "a correlation with keys such as `name`, `request` and `answer`";
        let record = node.record("correlations", expected, KEYS, reading.findings)?;
        let name = record
            .required("name", reading.findings)
            .and_then(|node| Some(node.text("name", "a text", reading.findings)?.to_owned()));
        let mut events = Events { key: record.get("key"), kind: "", sees_outbound: false };
        let builder = events.builder(&record, reading);
        let within = record.get("within").and_then(|node| read_window(node, reading));
        let on_fulfilled = read_actions("on_fulfilled", &record, reading);
        let on_violated = read_actions("on_violated", &record, reading);
        let builder = match within {
            Some(within) => builder?.within(within),
            None => builder?,
        };
        let correlation = match builder.build() {
            Ok(correlation) => correlation,
            Err(error) => return reading.wrong(record.span(), RuleProblem::Senseless(error.to_string())),
        };
        Some(Self {
            name: name?,
            span: record.span(),
            kind: events.kind,
            correlation,
            on_fulfilled,
            on_violated,
            sees_outbound: events.sees_outbound,
            is_duty: record.get("request").or(record.get("first")).is_some(),
        })
    }

    /// Everything that it may do.
    pub(super) fn actions(&self) -> impl Iterator<Item = &Actions> {
        self.on_fulfilled.iter().chain(&self.on_violated)
    }
}

/// The reading of the events of one correlation.
struct Events<'n> {
    /// The key of those that have none of their own.
    key: Option<&'n Node>,
    /// Of the correlation; empty until it is known.
    kind: &'static str,
    sees_outbound: bool,
}

impl Events<'_> {
    fn builder(&mut self, record: &Record<'_>, reading: &mut Reading<'_, '_, '_>) -> Option<CorrelationBuilder> {
        let is_there = |key: &str| record.get(key).is_some();
        let kinds: [&[&str]; 4] =
            [&["request", "answer"], &["first", "then"], &["count", "of", "without"], &["absent"]];
        let mut begun = kinds.into_iter().filter(|keys| keys.iter().any(|key| is_there(key)));
        let kind = begun.next();
        if kind.is_none() || begun.next().is_some() {
            return reading.wrong(record.span(), RuleProblem::NoCorrelation);
        }
        let kind = kind?[0];
        self.kind = kind;
        let mut event = |key, way| {
            let node = record.required(key, reading.findings)?;
            self.event(key, node, way, reading)
        };
        match kind {
            "request" => {
                let (request, answer) = (event("request", Way::In), event("answer", Way::Out));
                Some(Correlation::answered(request?, answer?))
            }
            "first" => {
                let (first, then) = (event("first", Way::In), event("then", Way::In));
                Some(Correlation::followed(first?, then?))
            }
            "count" => {
                let of = event("of", Way::In);
                let without = record.get("without").map(|node| self.event("without", node, Way::In, reading));
                let count = record.required("count", reading.findings)?;
                let count = count.whole("count", "a whole number from 1 to 1024", reading.findings)?;
                let counted = Correlation::counted(of?, usize::try_from(count).unwrap_or(usize::MAX));
                match without {
                    Some(without) => Some(counted.without(without?)),
                    None => Some(counted),
                }
            }
            _ => Some(Correlation::absent(event("absent", Way::In)?)),
        }
    }

    fn event(&mut self, key: &'static str, node: &Node, way: Way, reading: &mut Reading<'_, '_, '_>) -> Option<Event> {
        const WAYS: &str = "in, out or any";
        let (matching, way, own_key) = match &node.value {
            Tree::Text(_) => (Match::written(key, node, reading)?.single(node, reading)?, way, None),
            _ => {
                let expected = "a pattern, or keys such as `match` and `direction`";
                let record = node.record(key, expected, EVENT_KEYS, reading.findings)?;
                let way = match record.text("direction", WAYS, reading.findings) {
                    None => way,
                    Some(name) => match name.value {
                        "in" => Way::In,
                        "out" => Way::Out,
                        "any" => Way::Any,
                        _ => return record.get("direction")?.wrong("direction", WAYS, reading.findings),
                    },
                };
                let matched = record.required("match", reading.findings)?;
                let pattern = Match::read(matched, reading)?.single(matched, reading)?;
                (pattern, way, record.get("key"))
            }
        };
        self.sees_outbound |= way != Way::In;
        let event = match way {
            Way::In => Event::inbound(matching),
            Way::Out => Event::outbound(matching),
            Way::Any => Event::new(matching),
        };
        let Some(node) = own_key.or(self.key) else { return Some(event) };
        let written = node.text("key", "a JSONPath, or a group of the pattern", reading.findings)?;
        reading.understood("key", node, event.key(written).map_err(pattern_reason))
    }
}

fn read_actions(key: &'static str, record: &Record<'_>, reading: &mut Reading<'_, '_, '_>) -> Option<Actions> {
    let node = record.get(key)?;
    let record = node.record(key, "keys such as `response` and `set`", &ACTION_KEYS, reading.findings)?;
    Actions::expect_some(&record, "this", reading);
    Some(Actions::read(&record, &[], reading))
}

/// Milliseconds, or a number with its unit.
fn read_window(node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<Duration> {
    const EXPECTED: &str = "a time such as 500ms, 5s or 2m, or a number of milliseconds";
    let read = match &node.value {
        Tree::Number(number) => number.as_u64().map(Duration::from_millis),
        Tree::Text(text) => {
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let unit = match text[digits.len()..].trim() {
                "ms" => Some(1),
                "s" => Some(1000),
                "m" => Some(60 * 1000),
                "h" => Some(60 * 60 * 1000),
                _ => None,
            };
            let number = digits.trim().parse::<u64>().ok();
            number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit)).map(Duration::from_millis)
        }
        _ => None,
    };
    match read {
        Some(window) if !window.is_zero() => Some(window),
        _ => {
            let kind = ProblemKind::WrongValue { key: "within", expected: EXPECTED, found: node.excerpt() };
            reading.findings.at_span(node.span, kind);
            None
        }
    }
}
