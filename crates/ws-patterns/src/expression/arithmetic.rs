//! Arithmetic and comparisons of expressions. All operations have a result; `null` is that of those that make no sense.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::term::Operator;
use crate::jsonpath::{equal, order};

/// The longest text that is taken for a number, in bytes.
const MAX_NUMERAL: usize = 64;

/// What two numbers make; whole if both are and the result is and fits. To add, subtract and multiply, nothing is 0.
pub(super) fn calculate(left: &Value, operator: Operator, right: &Value) -> Value {
    let side = |value| match (value, operator) {
        (&Value::Null, Operator::Plus | Operator::Minus | Operator::Times) => Some(Cow::Owned(Number::from(0))),
        _ => number(value),
    };
    let (Some(left), Some(right)) = (side(left), side(right)) else { return Value::Null };
    let whole = match (integer(&left), integer(&right)) {
        (Some(left), Some(right)) => calculate_whole(left, operator, right),
        _ => None,
    };
    whole.or_else(|| calculate_float(left.as_f64()?, operator, right.as_f64()?)).map_or(Value::Null, Value::Number)
}

fn calculate_whole(left: i128, operator: Operator, right: i128) -> Option<Number> {
    let result = match operator {
        Operator::Plus => left.checked_add(right)?,
        Operator::Minus => left.checked_sub(right)?,
        Operator::Times => left.checked_mul(right)?,
        Operator::Divided if left.checked_rem(right)? == 0 => left.checked_div(right)?,
        Operator::Remainder => left.checked_rem(right)?,
        _ => return None,
    };
    Number::from_i128(result).filter(|number| number.is_i64() || number.is_u64())
}

fn calculate_float(left: f64, operator: Operator, right: f64) -> Option<Number> {
    // What is infinite or no number is no JSON, and becomes `None`.
    Number::from_f64(match operator {
        Operator::Plus => left + right,
        Operator::Minus => left - right,
        Operator::Times => left * right,
        Operator::Divided => left / right,
        Operator::Remainder => left % right,
        _ => return None,
    })
}

/// A number with its sign turned.
pub(super) fn negative(value: &Value) -> Value {
    calculate(&Value::from(0), Operator::Minus, value)
}

/// Whether a comparison holds.
pub(super) fn compare(left: &Value, operator: Operator, right: &Value) -> bool {
    match operator {
        Operator::NotEqual => !same(left, right),
        Operator::Equal => same(left, right),
        _ => match (ordering(left, right), operator) {
            (Some(ordering), Operator::Less) => ordering.is_lt(),
            (Some(ordering), Operator::LessOrEqual) => ordering.is_le(),
            (Some(ordering), Operator::Greater) => ordering.is_gt(),
            (Some(ordering), Operator::GreaterOrEqual) => ordering.is_ge(),
            _ => false,
        },
    }
}

fn same(left: &Value, right: &Value) -> bool {
    ordering(left, right).map_or_else(|| equal(left, right), Ordering::is_eq)
}

/// Of two numbers or two texts; of nothing else.
fn ordering(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => order(&*number(left)?, &*number(right)?),
    }
}

/// A number, or the one that a text is.
fn number(value: &Value) -> Option<Cow<'_, Number>> {
    match value {
        Value::Number(number) => Some(Cow::Borrowed(number)),
        Value::String(text) => {
            let is_numeral = text.len() <= MAX_NUMERAL && text.bytes().all(|byte| b"0123456789+-.eE".contains(&byte));
            is_numeral.then(|| serde_json::from_str(text).ok()).flatten().map(Cow::Owned)
        }
        _ => None,
    }
}

fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}
