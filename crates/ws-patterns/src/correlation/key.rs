//! What tells one request from another.

use std::fmt;

use serde_json::{Number, Value};

use crate::excerpt::shorten;

/// The longest key that is text, in bytes: what a session remembers is the client's choice.
const MAX_LENGTH: usize = 1024;

/// A value that events have in common if they belong together. Numbers are equal by value, and never equal to text.
#[derive(Debug, Clone)]
pub(super) struct Key {
    value: Value,
    identity: Identity,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
enum Identity {
    Text,
    Bool,
    Whole(i128),
    Fraction(f64),
}

impl Key {
    /// `None` for what is no key: `null`, which stands for none, lists and objects, and text that is too long.
    pub(super) fn of_value(value: &Value) -> Option<Self> {
        let identity = match value {
            Value::String(text) if text.len() <= MAX_LENGTH => Identity::Text,
            Value::Bool(_) => Identity::Bool,
            Value::Number(number) => identity(number)?,
            _ => return None,
        };
        Some(Self { value: value.clone(), identity })
    }

    /// A key that stood in text, where a number is written like any word.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let number = serde_json::from_str(text).ok().map(Value::Number);
        Self::of_value(&number.unwrap_or_else(|| text.into()))
    }

    pub(super) fn into_value(self) -> Value {
        self.value
    }
}

fn identity(number: &Number) -> Option<Identity> {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let fraction = number.as_f64()?;
    Some(match whole {
        Some(whole) => Identity::Whole(whole),
        // Below this bound, every float without a fraction is exactly a whole number.
        None if fraction.fract() == 0.0 && fraction.abs() < 1e38 => Identity::Whole(fraction as i128),
        None => Identity::Fraction(fraction),
    })
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (&self.identity, &other.identity) {
            (Identity::Text, Identity::Text) | (Identity::Bool, Identity::Bool) => self.value == other.value,
            (this, other) => this == other,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shorten(&self.value.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_equal_by_value() {
        let cases = [
            (json!(7), json!(7.0), true),
            (json!(7), json!("7"), false),
            (json!(1), json!(true), false),
            (json!("a"), json!("a"), true),
            (json!("a"), json!("b"), false),
            (json!(true), json!(false), false),
            (json!(0.5), json!(0.5), true),
            (json!(0.5), json!(0), false),
            (json!(u64::MAX), json!(u64::MAX - 1), false),
            (json!(u64::MAX), json!(-1), false),
            (json!(0), json!(-0.0), true),
        ];
        for (left, right, expected) in cases {
            assert_eq!(Key::of_value(&left).unwrap() == Key::of_value(&right).unwrap(), expected, "{left} {right}");
        }
    }

    #[test]
    fn only_short_scalars_are_keys() {
        for value in [json!(null), json!([1]), json!({}), json!("a".repeat(1025))] {
            assert_eq!(Key::of_value(&value), None, "{value}");
        }
        assert!(Key::of_value(&json!("a".repeat(1024))).is_some());
        assert_eq!(Key::of_text(&format!("0.{}", "0".repeat(1023))), None, "also if it would be a number");
    }

    #[test]
    fn numbers_in_text_are_numbers() {
        for (text, value) in [("7", json!(7)), ("1.50", json!(1.5)), ("007", json!("007")), ("x", json!("x"))] {
            assert_eq!(Key::of_text(text), Key::of_value(&value), "{text}");
        }
        assert_eq!(Key::of_text("null"), Key::of_value(&json!("null")));
        assert_eq!(Key::of_text(""), Key::of_value(&json!("")));
    }
}
