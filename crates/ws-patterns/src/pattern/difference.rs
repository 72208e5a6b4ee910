//! Why a pattern does not match: the first difference, in words, and how near the message came.
//!
//! It shows only the beginning of what is long, and compares only the beginning of long texts.

use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

use super::subset::{self, Leaf};
use super::{Literals, Pin, Regular, Rule, Scalar, Schema, Wants, requirement};
use crate::excerpt::{alike, excerpt, excerpt_of, shorten, value_alike};
use crate::jsonpath::Key;
use crate::{JsonPath, MessageText};

/// How many of the values that a query selects are compared.
const COMPARED: usize = 32;
/// More alternatives than these are read more easily in the pattern.
const LISTED: usize = 4;

/// Why a message does not match a pattern, as [`MessagePattern::difference`](crate::MessagePattern::difference) tells it.
/// Displayed, it is one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    closeness: f64,
    text: String,
}

impl Difference {
    /// How near the message came: from 0, nothing in common, to 1, nearly the same.
    #[must_use]
    pub fn closeness(&self) -> f64 {
        self.closeness
    }

    /// What was expected, and what was found instead; one line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn new(closeness: f64, text: String) -> Self {
        // Patterns and names may have line feeds and the like.
        let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        let text = if text.contains(char::is_control) { text.chars().map(escaped).collect() } else { text };
        Self { closeness: closeness.clamp(0.0, 1.0), text }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How a rule differs from a message that it does not match.
pub(super) fn of(rule: &Rule, message: &MessageText<'_>) -> Difference {
    match rule {
        Rule::Any => Difference::new(1.0, String::from("nothing")),
        Rule::Exact(text) => of_exact(text, message.as_str()),
        Rule::Regex(regular) => of_regular(regular, message.as_str()),
        Rule::Refused { error, .. } => Difference::new(0.0, error.to_string()),
        Rule::Selects(path) => of_json(message, |json| of_place(path, json, None)),
        Rule::SelectsValue(path, value) => of_json(message, |json| of_value(path, value, json)),
        Rule::Subset(value) => of_json(message, |json| of_subset(value, json)),
        Rule::Schema(schema) => of_json(message, |json| of_schema(schema, json)),
    }
}

fn of_exact(expected: &str, found: &str) -> Difference {
    let text = format!("expected {}, found {}", excerpt(expected), excerpt(found));
    Difference::new(0.95 * alike(expected, found), text)
}

fn of_regular(regular: &Regular, found: &str) -> Difference {
    let all_of_it = || format!("text that matches `{}`", shorten(regular.regex.as_str()));
    let (closeness, expected) = match regular.literals() {
        Literals::AtStart(literals) => match nearest_start(literals, found) {
            nearest if nearest < 1.0 => {
                let expected = alternatives(literals).map(|literals| format!("text that starts with {literals}"));
                (0.8 * nearest, expected.unwrap_or_else(all_of_it))
            }
            _ => (0.8, all_of_it()),
        },
        Literals::Inside(literals) if !literals.iter().any(|literal| contains(found, literal)) => {
            let expected = alternatives(literals).map(|literals| format!("text with {literals}"));
            (0.6 * nearest_start(literals, found), expected.unwrap_or_else(all_of_it))
        }
        Literals::Inside(_) => (0.7, all_of_it()),
        Literals::Unknown => (0.05, all_of_it()),
    };
    Difference::new(closeness, format!("expected {expected}, found {}", excerpt(found)))
}

/// The literals as a list, if it is a short one. Those that differ only in case were written without regard to case, and
/// those that end inside a character are not text: then the pattern says it better.
fn alternatives(literals: &[Box<[u8]>]) -> Option<String> {
    if literals.len() > LISTED {
        return None;
    }
    let texts = literals.iter().map(|literal| str::from_utf8(literal).ok()).collect::<Option<Vec<_>>>()?;
    let folded: HashSet<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    if folded.len() < texts.len() {
        return None;
    }
    let quoted = texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>();
    let (last, others) = quoted.split_last()?;
    Some(if others.is_empty() { last.clone() } else { format!("{} or {last}", others.join(", ")) })
}

/// How much the text starts as the nearest of the literals does.
fn nearest_start(literals: &[Box<[u8]>], text: &str) -> f64 {
    let rated = literals.iter().map(|literal| {
        let written = String::from_utf8_lossy(literal);
        // A slip may have made it longer or shorter.
        let lengths = literal.len().saturating_sub(1)..=literal.len() + 1;
        let starts = lengths.map(|length| &text.as_bytes()[..text.len().min(length)]);
        starts.map(|start| alike(&written, &String::from_utf8_lossy(start))).fold(0.0, f64::max)
    });
    rated.fold(0.0, f64::max)
}

/// A literal that ends inside a character is taken to be there.
fn contains(text: &str, literal: &[u8]) -> bool {
    str::from_utf8(literal).map_or(true, |literal| text.contains(literal))
}

fn of_json(message: &MessageText<'_>, difference: impl FnOnce(&Value) -> Difference) -> Difference {
    match message.parsed() {
        Ok(json) => difference(json),
        Err(error) => {
            let text = message.as_str();
            let found = excerpt(text);
            // Only of what was meant as JSON is it told where it goes wrong.
            if text.trim_start().starts_with(['{', '[']) {
                Difference::new(0.3, format!("expected JSON, found {found}: {error}"))
            } else {
                Difference::new(0.02, format!("expected JSON, found {found}"))
            }
        }
    }
}

fn of_value(path: &JsonPath, expected: &Value, json: &Value) -> Difference {
    let found = path.select_up_to(json, COMPARED);
    let rated = found.iter().map(|found| (value_alike(expected, found), found));
    let Some((nearest, value)) = rated.reduce(|best, other| if other.0 > best.0 { other } else { best }) else {
        return of_place(path, json, Some(expected));
    };
    let nearest_of = if found.len() > 1 { ", the nearest of several" } else { "" };
    let text = format!("`{path}`: expected {}, found {}{nearest_of}", excerpt_of(expected), excerpt_of(value));
    Difference::new(0.95 * leaf_closeness(Some(nearest), 0.0), text)
}

/// Of a query that selects nothing: how far its names and indexes lead, and what is there instead.
fn of_place(path: &JsonPath, json: &Value, expected: Option<&Value>) -> Difference {
    let expected = expected.map_or_else(|| String::from("something"), excerpt_of);
    let mut place = json;
    for key in path.lead() {
        match key.find(place) {
            Some(below) => place = below,
            None => {
                let near = near_name(place, key);
                let hint = near.as_ref().map_or_else(String::new, |(_, name)| format!("; there is `{name}`"));
                let closeness = leaf_closeness(None, near.map_or(0.0, |(closeness, _)| closeness));
                return Difference::new(
                    0.95 * closeness,
                    format!("`{path}`: expected {expected}, found nothing{hint}"),
                );
            }
        }
    }
    Difference::new(0.95 * leaf_closeness(None, 0.5), format!("`{path}`: expected {expected}, found nothing"))
}

/// A member whose name is so near that it may have been meant.
fn near_name(value: &Value, key: &Key) -> Option<(f64, String)> {
    let Key::Name(wanted) = key else { return None };
    let names = value.as_object()?.keys().take(COMPARED);
    let rated = names.map(|name| (alike(wanted, name), name)).filter(|(closeness, _)| *closeness > 0.5);
    let best = rated.reduce(|best, other| if other.0 > best.0 { other } else { best })?;
    Some((best.0, shorten(best.1)))
}

fn of_subset(expected: &Value, json: &Value) -> Difference {
    let mut rated = 0;
    let comparison = subset::compare(expected, json, |expected, found| {
        rated += 1;
        // Of a large object, no more than this; the rest counts as half.
        if rated > COMPARED {
            return 0.5;
        }
        leaf_closeness(found.map(|found| value_alike(expected, found)), 0.0)
    });
    let closeness = 0.95 * comparison.closeness();
    let Some(Leaf { place, expected, found }) = comparison.first else {
        return Difference::new(1.0, String::from("nothing"));
    };
    let found = found.map_or_else(|| String::from("nothing"), excerpt_of);
    let text = format!("`{}`: expected {}, found {found}", shorten(&place), excerpt_of(expected));
    Difference::new(closeness, text)
}

fn of_schema(schema: &Schema, json: &Value) -> Difference {
    // The values that it demands tell whether the message was meant for it; besides, one thing at least may be wrong.
    let pins = requirement::pins_of_schema(schema);
    let closeness = (pins.iter().map(|pin| of_pin(pin, json)).sum::<f64>() + 0.5) / (pins.len() + 1) as f64;
    match schema.problem(json) {
        Some(text) => Difference::new(0.95 * closeness, text),
        None => Difference::new(1.0, String::from("nothing")),
    }
}

fn of_pin(pin: &Pin, json: &Value) -> f64 {
    let Some(found) = pin.find(json) else { return leaf_closeness(None, 0.0) };
    let alike = |scalar: &Scalar| match (scalar, found) {
        (Scalar::Text(wanted), Value::String(found)) => alike(wanted, found),
        (wanted, found) => f64::from(Scalar::not_text(found).is_some_and(|found| found == *wanted)),
    };
    match &pin.wants {
        Wants::Something => 1.0,
        Wants::OneOf(scalars) => leaf_closeness(Some(scalars.iter().map(alike).fold(0.0, f64::max)), 0.0),
    }
}

/// How near one value came: `alike` if there is one at its place, else how near a name there is to the one wanted.
fn leaf_closeness(alike: Option<f64>, near_name: f64) -> f64 {
    match alike {
        Some(alike) => 0.5 + 0.5 * alike,
        None => 0.2 + 0.25 * near_name,
    }
}
