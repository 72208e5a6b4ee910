//! Values that are kept by name, in bounded space.

use serde_json::Value;

/// Named values, as one JSON object.
#[derive(Debug)]
pub(crate) struct Kept {
    /// An object.
    values: Value,
    weight: usize,
    most: usize,
    /// Whether a value was refused already.
    has_refused: bool,
}

/// Values that would take more space than they may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is not set: a value may take {MOST_VALUE_BYTES} bytes and be nested {DEEPEST} deep, and all together {most} bytes"
)]
pub(crate) struct TooMuch {
    name: String,
    most: usize,
    is_first: bool,
}

impl TooMuch {
    /// Whether it is the first here, and so worth a line of the log.
    pub(crate) fn is_first(&self) -> bool {
        self.is_first
    }
}

/// How much one value may take.
const MOST_VALUE_BYTES: usize = 64 * 1024;

/// How deep a value may be nested: as deep as what JSON texts are read to.
const DEEPEST: usize = 127;
/// What each value and name weighs, beside its text.
const OVERHEAD: usize = 16;

impl Kept {
    /// No values, with room for texts and names of about `most` bytes in all.
    pub(crate) fn up_to(most: usize) -> Self {
        Self { values: Value::Object(serde_json::Map::new()), weight: 0, most, has_refused: false }
    }

    /// Sets a value, in the place of what had its name.
    ///
    /// # Errors
    /// If all would be too large, or the value is too deep; nothing has changed then.
    pub(crate) fn set(&mut self, name: &str, value: Value) -> Result<(), TooMuch> {
        let Value::Object(values) = &mut self.values else { return Ok(()) };
        let weigh_entry = |value: &Value| weigh(value, DEEPEST).map(|weight| OVERHEAD + name.len() + weight);
        let before = values.get(name).and_then(weigh_entry).unwrap_or_default();
        let entry = weigh_entry(&value).filter(|entry| *entry <= MOST_VALUE_BYTES);
        let after = entry.map(|entry| self.weight - before + entry).filter(|after| *after <= self.most);
        let Some(after) = after else {
            let is_first = !std::mem::replace(&mut self.has_refused, true);
            return Err(TooMuch { name: name.to_owned(), most: self.most, is_first });
        };
        self.weight = after;
        values.insert(name.to_owned(), value);
        Ok(())
    }

    /// All of them, as an object.
    pub(crate) fn as_value(&self) -> &Value {
        &self.values
    }
}

/// About how many bytes a value takes; `None` if it is nested deeper than this.
fn weigh(value: &Value, deepest: usize) -> Option<usize> {
    let inside = || deepest.checked_sub(1);
    let content = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(elements) => {
            let inside = inside()?;
            elements.iter().try_fold(0, |sum: usize, element| Some(sum + weigh(element, inside)?))?
        }
        Value::Object(members) => {
            let inside = inside()?;
            let weigh_member = |(name, member): (&String, &Value)| Some(OVERHEAD + name.len() + weigh(member, inside)?);
            members.iter().try_fold(0, |sum: usize, member| Some(sum + weigh_member(member)?))?
        }
    };
    Some(OVERHEAD + content)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_replaced_makes_room() {
        let mut kept = Kept::up_to(1_000);
        for n in 0..100 {
            kept.set("text", json!("x".repeat(900 + n % 2))).unwrap();
        }
        kept.set("text", json!(1)).unwrap();
        kept.set("other", json!("x".repeat(900))).unwrap();
        assert_eq!(kept.as_value()["text"], 1);
    }

    #[test]
    fn what_is_too_large_or_too_deep_changes_nothing() {
        let mut kept = Kept::up_to(10_000);
        kept.set("a", json!("before")).unwrap();
        let mut first = Vec::new();
        let nested = |depth: usize| (0..depth).fold(json!(1), |value, _| json!([value]));
        for value in [json!("x".repeat(10_000)), json!(vec![0; 1_000]), json!({ "x".repeat(10_000): 1 }), nested(128)] {
            let error = kept.set("a", value).unwrap_err();
            assert_eq!(
                error.to_string(),
                "`a` is not set: a value may take 65536 bytes and be nested 127 deep, and all together 10000 bytes"
            );
            first.push(error.is_first());
        }
        assert_eq!(first, [true, false, false, false]);
        kept.set("b", nested(127)).unwrap();
        assert_eq!(kept.as_value()["a"], "before");
    }

    #[test]
    fn one_value_may_not_take_all() {
        let mut kept = Kept::up_to(1024 * 1024);
        kept.set("a", json!("x".repeat(60_000))).unwrap();
        kept.set("b", json!("x".repeat(70_000))).unwrap_err();
    }

    /// A client that makes up names does not fill the memory either.
    #[test]
    fn names_take_space_too() {
        let mut kept = Kept::up_to(10_000);
        let taken = (0..1_000).take_while(|n| kept.set(&format!("name {n}"), json!(null)).is_ok()).count();
        assert!((200..400).contains(&taken), "{taken}");
        assert_eq!(kept.as_value().as_object().map(serde_json::Map::len), Some(taken));
    }
}
