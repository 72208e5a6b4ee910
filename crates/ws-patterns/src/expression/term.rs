//! A compiled expression: what its parts are, and what each is worth.

use std::borrow::Cow;

use serde_json::Value;

use super::arithmetic::{calculate, compare, negative};
use super::{Facts, Name};
use crate::JsonPath;

/// A part of an expression.
#[derive(Debug)]
pub(super) enum Term {
    Literal(Value),
    Name(Name),
    Path(JsonPath),
    Not(Box<Term>),
    Negative(Box<Term>),
    /// Operators that bind alike, from left to right; so no chain, however long, makes anything deep.
    Chain(Box<Term>, Vec<(Operator, Term)>),
}

/// What stands between two terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Divided,
    Remainder,
}

impl Operator {
    /// How many levels of operators there are.
    pub(super) const LEVELS: u8 = 5;

    /// How close it binds: 0 is the least.
    pub(super) fn level(self) -> u8 {
        match self {
            Self::Or => 0,
            Self::And => 1,
            Self::Plus | Self::Minus => 3,
            Self::Times | Self::Divided | Self::Remainder => 4,
            _ => Self::COMPARISONS,
        }
    }

    /// The level of comparisons, which do not chain.
    pub(super) const COMPARISONS: u8 = 2;
}

impl Term {
    /// Literals and what lies in the message are not copied to be compared.
    pub(super) fn evaluate<'a>(&'a self, facts: &'a dyn Facts) -> Cow<'a, Value> {
        match self {
            Self::Literal(value) => Cow::Borrowed(value),
            Self::Name(name) => Cow::Owned(facts.value(name).unwrap_or_default()),
            Self::Path(path) => {
                let found = facts.message().and_then(|message| path.first(message));
                found.map_or(Cow::Owned(Value::Null), Cow::Borrowed)
            }
            Self::Not(term) => Cow::Owned(Value::Bool(!holds(&term.evaluate(facts)))),
            Self::Negative(term) => Cow::Owned(negative(&term.evaluate(facts))),
            Self::Chain(first, rest) => {
                rest.iter().fold(first.evaluate(facts), |left, (operator, right)| match operator {
                    Operator::Or if holds(&left) => left,
                    Operator::And if !holds(&left) => left,
                    Operator::Or | Operator::And => right.evaluate(facts),
                    _ => Cow::Owned(apply(&left, *operator, &right.evaluate(facts))),
                })
            }
        }
    }

    /// The names that are equal to a literal, or must not be, from left to right.
    pub(super) fn compared(&self) -> Vec<(&Name, &Value)> {
        match self {
            Self::Literal(_) | Self::Name(_) | Self::Path(_) => Vec::new(),
            Self::Not(term) | Self::Negative(term) => term.compared(),
            Self::Chain(first, rest) => {
                if let [(Operator::Equal | Operator::NotEqual, second)] = rest.as_slice()
                    && let (Self::Name(name), Self::Literal(value)) | (Self::Literal(value), Self::Name(name)) =
                        (&**first, second)
                {
                    return vec![(name, value)];
                }
                let rest = rest.iter().flat_map(|(_, term)| term.compared());
                first.compared().into_iter().chain(rest).collect()
            }
        }
    }

    /// Its literals, names and paths, from left to right.
    pub(super) fn operands(&self) -> Vec<&Self> {
        match self {
            Self::Literal(_) | Self::Name(_) | Self::Path(_) => vec![self],
            Self::Not(term) | Self::Negative(term) => term.operands(),
            Self::Chain(first, rest) => {
                let rest = rest.iter().flat_map(|(_, term)| term.operands());
                first.operands().into_iter().chain(rest).collect()
            }
        }
    }
}

fn apply(left: &Value, operator: Operator, right: &Value) -> Value {
    match operator {
        Operator::Plus | Operator::Minus | Operator::Times | Operator::Divided | Operator::Remainder => {
            calculate(left, operator, right)
        }
        _ => Value::Bool(compare(left, operator, right)),
    }
}

/// Whether a value counts as true.
pub(super) fn holds(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(bool) => *bool,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}
