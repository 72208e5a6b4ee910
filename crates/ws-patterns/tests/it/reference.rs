//! A second reading of RFC 9535, to compare with: queries as trees, how they are written, and what they select.
//!
//! It shares nothing with the crate: no parser, nodelists that are built segment by segment, and indexes and slices
//! computed as the RFC's pseudo-code does.

use std::cmp::Ordering;
use std::fmt::Write;

use serde_json::Value;

#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) descends: bool,
    pub(crate) selectors: Vec<Selector>,
    /// Chooses among the ways of writing it.
    pub(crate) style: u8,
}

#[derive(Debug, Clone)]
pub(crate) enum Selector {
    Name(String),
    Wildcard,
    Index(i64),
    Slice(Option<i64>, Option<i64>, Option<i64>),
    Filter(Condition),
}

#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Exists(Vec<Segment>),
    Compare(Side, &'static str, Side),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Debug, Clone)]
pub(crate) enum Side {
    Literal(Value),
    /// From the tested value.
    Current(Vec<Segment>),
    /// From the document.
    Root(Vec<Segment>),
}

pub(crate) fn write_query(start: char, segments: &[Segment]) -> String {
    let mut out = String::from(start);
    for segment in segments {
        let blank = [" ", "\t", ""][usize::from(segment.style / 4 % 3)];
        out.push_str(blank);
        match &segment.selectors[..] {
            [Selector::Name(name)] if segment.style.is_multiple_of(2) && is_plain(name) => {
                out.push_str(if segment.descends { ".." } else { "." });
                out.push_str(name);
            }
            [Selector::Wildcard] if segment.style.is_multiple_of(2) => {
                out.push_str(if segment.descends { "..*" } else { ".*" });
            }
            selectors => {
                out.push_str(if segment.descends { "..[" } else { "[" });
                let written: Vec<_> =
                    selectors.iter().map(|selector| write_selector(selector, segment.style)).collect();
                out.push_str(&written.join(if segment.style.is_multiple_of(3) { " , " } else { "," }));
                out.push(']');
            }
        }
    }
    out
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| !c.is_ascii() || c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '_')
}

fn write_selector(selector: &Selector, style: u8) -> String {
    match selector {
        Selector::Name(name) => quote(name, style),
        Selector::Wildcard => "*".to_owned(),
        Selector::Index(index) => index.to_string(),
        Selector::Slice(start, end, step) => {
            let bound = |bound: &Option<i64>| bound.map(|bound| bound.to_string()).unwrap_or_default();
            match step {
                None if style.is_multiple_of(2) => format!("{}:{}", bound(start), bound(end)),
                _ => format!("{}:{}:{}", bound(start), bound(end), bound(step)),
            }
        }
        Selector::Filter(condition) if style.is_multiple_of(2) => format!("?({})", write_condition(condition, style)),
        Selector::Filter(condition) => format!("?{}", write_condition(condition, style)),
    }
}

fn write_condition(condition: &Condition, style: u8) -> String {
    let both = |left: &Condition, operator: &str, right: &Condition| {
        format!("({}) {operator} ({})", write_condition(left, style), write_condition(right, style))
    };
    match condition {
        Condition::Exists(segments) => write_query('@', segments),
        Condition::Compare(left, operator, right) if style.is_multiple_of(3) => {
            format!("{}{operator}{}", write_side(left, style), write_side(right, style))
        }
        Condition::Compare(left, operator, right) => {
            format!("{} {operator} {}", write_side(left, style), write_side(right, style))
        }
        Condition::Not(inner) => match &**inner {
            Condition::Exists(segments) => format!("!{}", write_query('@', segments)),
            inner => format!("!({})", write_condition(inner, style)),
        },
        Condition::And(left, right) => both(left, "&&", right),
        Condition::Or(left, right) => both(left, "||", right),
    }
}

fn write_side(side: &Side, style: u8) -> String {
    match side {
        Side::Literal(Value::String(text)) => quote(text, style),
        Side::Literal(value) => value.to_string(),
        Side::Current(segments) => write_query('@', segments),
        Side::Root(segments) => write_query('$', segments),
    }
}

fn quote(text: &str, style: u8) -> String {
    let quote = if style.is_multiple_of(2) { '\'' } else { '"' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if c == quote => write!(out, "\\{c}").unwrap(),
            c if c < ' ' || style.is_multiple_of(5) && !c.is_ascii() => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04X}").unwrap();
                }
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

pub(crate) fn evaluate<'v>(segments: &[Segment], root: &'v Value, start: &'v Value) -> Vec<&'v Value> {
    let mut nodes = vec![start];
    for segment in segments {
        if segment.descends {
            nodes = nodes.into_iter().flat_map(descendants).collect();
        }
        let select = |node| segment.selectors.iter().flat_map(move |selector| children(selector, root, node));
        nodes = nodes.into_iter().flat_map(select).collect();
    }
    nodes
}

fn descendants(node: &Value) -> Vec<&Value> {
    let mut all = vec![node];
    for child in children(&Selector::Wildcard, node, node) {
        all.extend(descendants(child));
    }
    all
}

fn children<'v>(selector: &Selector, root: &'v Value, node: &'v Value) -> Vec<&'v Value> {
    match (selector, node) {
        (Selector::Name(name), Value::Object(members)) => members.get(name).into_iter().collect(),
        (Selector::Wildcard, Value::Object(members)) => members.values().collect(),
        (Selector::Wildcard, Value::Array(elements)) => elements.iter().collect(),
        (Selector::Index(index), Value::Array(elements)) => {
            let index = if *index < 0 { elements.len() as i64 + index } else { *index };
            (0..elements.len()).filter(|i| *i as i64 == index).map(|i| &elements[i]).collect()
        }
        (Selector::Slice(start, end, step), Value::Array(elements)) => {
            let len = elements.len() as i64;
            let normalize = |i: i64| if i >= 0 { i } else { len + i };
            let lower = normalize(start.unwrap_or(0)).max(0).min(len);
            let upper = normalize(end.unwrap_or(len)).max(0).min(len);
            let mut selected = vec![];
            let mut i = lower;
            while i < upper {
                selected.push(&elements[i as usize]);
                i += step.unwrap_or(1);
            }
            selected
        }
        (Selector::Filter(condition), _) => {
            let all = children(&Selector::Wildcard, root, node);
            all.into_iter().filter(|child| holds(condition, root, child)).collect()
        }
        _ => vec![],
    }
}

fn holds(condition: &Condition, root: &Value, node: &Value) -> bool {
    match condition {
        Condition::Exists(segments) => !evaluate(segments, root, node).is_empty(),
        Condition::Not(inner) => !holds(inner, root, node),
        Condition::And(left, right) => holds(left, root, node) && holds(right, root, node),
        Condition::Or(left, right) => holds(left, root, node) || holds(right, root, node),
        Condition::Compare(left, operator, right) => {
            let (left, right) = (value(left, root, node), value(right, root, node));
            let (equal, order) = (same(left.as_ref(), right.as_ref()), order(left.as_ref(), right.as_ref()));
            match *operator {
                "==" => equal,
                "!=" => !equal,
                "<" => order == Some(Ordering::Less),
                "<=" => order == Some(Ordering::Less) || equal,
                ">" => order == Some(Ordering::Greater),
                _ => order == Some(Ordering::Greater) || equal,
            }
        }
    }
}

fn value(side: &Side, root: &Value, node: &Value) -> Option<Value> {
    match side {
        Side::Literal(value) => Some(value.clone()),
        Side::Current(segments) => evaluate(segments, root, node).first().copied().cloned(),
        Side::Root(segments) => evaluate(segments, root, root).first().copied().cloned(),
    }
}

/// Equality by what is written, after all numbers were made floats.
fn same(left: Option<&Value>, right: Option<&Value>) -> bool {
    left.map(floats) == right.map(floats)
}

fn floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64()),
        Value::Array(elements) => elements.iter().map(floats).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), floats(value))).collect(),
        other => other.clone(),
    }
}

fn order(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    match (left?, right?) {
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::String(left), Value::String(right)) => Some(left.chars().cmp(right.chars())),
        _ => None,
    }
}
