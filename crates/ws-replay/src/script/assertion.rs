//! What a script demands of a message, or of what is known by then, and what it says when that is not so.

use serde_json::Value;
use ws_patterns::{Expression, JsonPath, MessagePattern, MessageText};

use super::step::excerpt;

/// Something that must be so when the script comes by.
#[derive(Debug)]
pub(crate) struct Assertion {
    /// The number of the check that it decides.
    pub(crate) check: usize,
    pub(crate) demand: Demand,
}

#[derive(Debug)]
pub(crate) enum Demand {
    Matches(MessagePattern),
    Differs(MessagePattern),
    Equals(Selected, Value),
    Holds(Expression),
}

/// A part of a message.
#[derive(Debug)]
pub(crate) enum Selected {
    /// The first value at the path.
    Path(JsonPath),
    /// What the first group of the regex matched, or all that it matched if it has no groups.
    Group(MessagePattern),
}

impl Assertion {
    /// Looks at the message that released the step, if it was text, with `holds` for expressions.
    ///
    /// # Errors
    /// What is so instead.
    pub(crate) fn examine(
        &self,
        message: Option<&MessageText<'_>>,
        holds: impl FnOnce(&Expression) -> bool,
    ) -> Result<(), String> {
        match &self.demand {
            Demand::Holds(condition) if holds(condition) => Ok(()),
            Demand::Holds(condition) => Err(format!("`{condition}` does not hold")),
            demand => match message {
                Some(message) => demand.of_text(message),
                None if matches!(demand, Demand::Differs(_)) => Ok(()),
                None => Err("the message was binary".to_owned()),
            },
        }
    }
}

impl Demand {
    fn of_text(&self, message: &MessageText<'_>) -> Result<(), String> {
        let found = || format!("{:?}", excerpt(message.as_str()));
        match self {
            Self::Matches(pattern) if pattern.matches_text(message) => Ok(()),
            Self::Matches(pattern) => Err(format!("`{pattern}` does not match {}", found())),
            Self::Differs(pattern) if pattern.matches_text(message) => Err(format!("`{pattern}` matches {}", found())),
            Self::Differs(_) => Ok(()),
            Self::Equals(selected, expected) => match selected.of(message) {
                Some(value) if is_same(&value, expected) => Ok(()),
                Some(value) => Err(format!("expected {expected}, found {}", excerpt(&value.to_string()))),
                None => Err(format!("expected {expected}, found nothing of the kind in {}", found())),
            },
            Self::Holds(_) => Ok(()),
        }
    }
}

impl Selected {
    fn of(&self, message: &MessageText<'_>) -> Option<Value> {
        match self {
            Self::Path(path) => path.first(message.json()?).cloned(),
            Self::Group(pattern) => {
                let captures = pattern.captures(message)?;
                let group = usize::from(pattern.groups().len() > 1);
                captures.group(group).map(Value::from)
            }
        }
    }
}

/// Whether a value is the expected one. Numbers are compared by value, and so is text that stands for a number: what a
/// regex takes from a message always is text.
fn is_same(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::String(text), Value::Number(number)) => text.parse().ok() == number.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_same(a, b)))
        }
        _ => value == expected,
    }
}
