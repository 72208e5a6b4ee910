//! The data of events.

use serde_json::Value;

/// An object with the entries of another after its own.
pub(super) fn joined(mut data: Value, more: Value) -> Value {
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    data
}

/// A whole number of hundredths as a number with a point.
pub(super) fn hundredths(count: i64) -> f64 {
    // A division is rounded in the same way everywhere.
    count as f64 / 100.0
}

/// A whole number of tenths as a number with a point.
pub(super) fn tenths(count: i64) -> f64 {
    count as f64 / 10.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_keep_their_order_and_numbers_their_digits() {
        assert_eq!(joined(json!({"b": 1}), json!({"a": 2})).to_string(), r#"{"b":1,"a":2}"#);
        assert_eq!(hundredths(1_999).to_string(), "19.99");
        assert_eq!(tenths(-5).to_string(), "-0.5");
    }
}
