//! Comparing JSON values as RFC 9535, section 2.3.5.2.2, says: numbers by value, a missing value only with another.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// A comparison operator of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Whether it holds; `None` is a value that a query did not find.
    pub(super) fn holds(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        match self {
            Self::Equal => same(left, right),
            Self::NotEqual => !same(left, right),
            Self::Less => less(left, right),
            Self::LessOrEqual => less(left, right) || same(left, right),
            Self::Greater => less(right, left),
            Self::GreaterOrEqual => less(right, left) || same(left, right),
        }
    }
}

/// Whether two values are equal. Unlike serde_json's own comparison, `1` equals `1.0`.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => order(left, right) == Some(Ordering::Equal),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, left)| right.get(name).is_some_and(|right| equal(left, right)))
        }
        _ => left == right,
    }
}

fn same(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => equal(left, right),
        (left, right) => left.is_none() && right.is_none(),
    }
}

fn less(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => order(left, right) == Some(Ordering::Less),
        (Some(Value::String(left)), Some(Value::String(right))) => left < right,
        _ => false,
    }
}

/// How two numbers compare by value.
pub(crate) fn order(left: &Number, right: &Number) -> Option<Ordering> {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};

    #[test]
    fn values_compare_as_rfc_9535_says() {
        let v = Some;
        let cases = [
            (v(json!(1)), Equal, v(json!(1.0)), true),
            (v(json!(1)), Equal, v(json!("1")), false),
            (v(json!(-1)), Less, v(json!(u64::MAX)), true),
            (v(json!(u64::MAX)), Greater, v(json!(i64::MAX)), true),
            (v(json!(u64::MAX)), Equal, v(json!(u64::MAX - 1)), false),
            (v(json!(0.5)), Less, v(json!(1)), true),
            (v(json!("a")), Less, v(json!("b")), true),
            (v(json!("\u{ffff}")), Less, v(json!("\u{10000}")), true),
            (v(json!("a")), Less, v(json!(1)), false),
            (v(json!(true)), LessOrEqual, v(json!(true)), true),
            (v(json!(true)), Greater, v(json!(false)), false),
            (v(json!(null)), Equal, v(json!(null)), true),
            (v(json!(null)), Equal, None, false),
            (v(json!(null)), NotEqual, None, true),
            (None, Equal, None, true),
            (None, NotEqual, None, false),
            (None, Less, None, false),
            (None, LessOrEqual, None, true),
            (None, GreaterOrEqual, v(json!(1)), false),
            (v(json!([1, {"a": 2.0}])), Equal, v(json!([1.0, {"a": 2}])), true),
            (v(json!([1, 2])), Equal, v(json!([1])), false),
            (v(json!({"a": 1, "b": 2})), Equal, v(json!({"b": 2, "a": 1})), true),
            (v(json!({"a": 1})), Equal, v(json!({"b": 1})), false),
            (v(json!([1])), Less, v(json!([2])), false),
        ];
        for (left, comparison, right, expected) in cases {
            assert_eq!(comparison.holds(left.as_ref(), right.as_ref()), expected, "{left:?} {comparison:?} {right:?}");
        }
    }
}
