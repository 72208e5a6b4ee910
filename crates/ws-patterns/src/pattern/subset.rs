//! Whether one JSON value is part of another, and if not, how far it is.

use serde_json::Value;

use crate::jsonpath::equal;

/// Whether all that `expected` says is so in `found`: objects may have more members, arrays have as many elements, and
/// the rest is equal, numbers by value. It goes no deeper than the shallower of the two.
pub(super) fn is_subset(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().all(|(name, expected)| found.get(name).is_some_and(|found| is_subset(expected, found)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len()
                && expected.iter().zip(found).all(|(expected, found)| is_subset(expected, found))
        }
        _ => equal(expected, found),
    }
}

/// How far one value is what [`is_subset`] wants of it.
pub(super) struct Comparison<'v, R> {
    /// How many single things are expected: plain values, empty containers, and whatever has no counterpart.
    leaves: usize,
    /// The closeness of all of them together.
    sum: f64,
    rate: R,
    /// The first that is not as expected.
    pub(super) first: Option<Leaf<'v>>,
}

/// One thing that is not as expected.
pub(super) struct Leaf<'v> {
    /// Where, as a query.
    pub(super) place: String,
    pub(super) expected: &'v Value,
    pub(super) found: Option<&'v Value>,
}

/// Goes on where [`is_subset`] would end; `rate` says how near a thing comes that is not as expected.
pub(super) fn compare<'v, R>(expected: &'v Value, found: &'v Value, rate: R) -> Comparison<'v, R>
where
    R: FnMut(&Value, Option<&Value>) -> f64,
{
    let mut comparison = Comparison { leaves: 0, sum: 0.0, rate, first: None };
    comparison.visit(&mut String::from("$"), expected, Some(found));
    comparison
}

impl<'v, R: FnMut(&Value, Option<&Value>) -> f64> Comparison<'v, R> {
    /// Of all things, from 0 to 1.
    pub(super) fn closeness(&self) -> f64 {
        self.sum / self.leaves.max(1) as f64
    }

    fn visit(&mut self, place: &mut String, expected: &'v Value, found: Option<&'v Value>) {
        let outer = place.len();
        match (expected, found) {
            (Value::Object(expected), Some(Value::Object(found))) if !expected.is_empty() => {
                for (name, expected) in expected {
                    push_name(place, name);
                    self.visit(place, expected, found.get(name));
                    place.truncate(outer);
                }
            }
            (Value::Array(expected), Some(Value::Array(found)))
                if expected.len() == found.len() && !expected.is_empty() =>
            {
                for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                    push_index(place, index);
                    self.visit(place, expected, Some(found));
                    place.truncate(outer);
                }
            }
            _ => self.leaf(place, expected, found),
        }
    }

    fn leaf(&mut self, place: &str, expected: &'v Value, found: Option<&'v Value>) {
        self.leaves += 1;
        if found.is_some_and(|found| is_subset(expected, found)) {
            self.sum += 1.0;
            return;
        }
        self.sum += (self.rate)(expected, found);
        if self.first.is_none() {
            self.first = Some(Leaf { place: place.to_owned(), expected, found });
        }
    }
}

/// Adds a member to a query, as one would write it.
pub(super) fn push_name(place: &mut String, name: &str) {
    let plain = !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain {
        place.push('.');
        place.push_str(name);
    } else {
        place.push_str("['");
        for c in name.chars() {
            match c {
                '\'' | '\\' => place.extend(['\\', c]),
                c if c.is_control() => place.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => place.push(c),
            }
        }
        place.push_str("']");
    }
}

/// Adds an element to a query.
pub(super) fn push_index(place: &mut String, index: usize) {
    place.push('[');
    place.push_str(&index.to_string());
    place.push(']');
}
