//! Where in a JSON text its values stand: what was selected of the parsed text is replaced in the text itself.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Calls `found` with the slice of `raw` in which each of the `selected` values stands. `value` is `raw`, parsed.
pub(super) fn locate<'t>(
    raw: &'t str,
    value: &Value,
    selected: &HashSet<*const Value>,
    found: &mut impl FnMut(&'t str),
) {
    if selected.contains(&std::ptr::from_ref(value)) {
        return found(raw);
    }
    if !holds(value, selected) {
        return;
    }
    match value {
        Value::Array(values) => match serde_json::from_str::<Vec<&RawValue>>(raw) {
            Ok(raws) if raws.len() == values.len() => {
                for (raw, value) in raws.into_iter().zip(values) {
                    locate(raw.get(), value, selected, found);
                }
            }
            _ => found(raw),
        },
        Value::Object(fields) => match serde_json::from_str::<Members<'t>>(raw) {
            Ok(Members(members)) => {
                let last: HashMap<&str, usize> =
                    members.iter().enumerate().map(|(number, (name, _))| (name.as_str(), number)).collect();
                for (number, (name, raw)) in members.iter().enumerate() {
                    let Some(value) = fields.get(name) else { continue };
                    // Of a name that comes twice the last value is the one that was parsed; what came before must not
                    // be read either.
                    if last[name.as_str()] == number {
                        locate(raw.get(), value, selected, found);
                    } else if holds(value, selected) {
                        found(raw.get());
                    }
                }
            }
            Err(_) => found(raw),
        },
        _ => {}
    }
}

/// Whether one of the `selected` is `value` or in it.
fn holds(value: &Value, selected: &HashSet<*const Value>) -> bool {
    selected.contains(&std::ptr::from_ref(value))
        || match value {
            Value::Array(values) => values.iter().any(|value| holds(value, selected)),
            Value::Object(fields) => fields.values().any(|value| holds(value, selected)),
            _ => false,
        }
}

/// The members of an object in their order, also those whose names come twice.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Visitor).map(Self)
    }
}
