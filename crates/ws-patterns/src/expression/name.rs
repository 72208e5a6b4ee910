//! Names in expressions: what they start with, and the way from there.

use std::fmt;

use serde_json::Value;

/// A name as `state.user.name`, `match.1` or `state['a b'][0]`.
///
/// ```
/// use serde_json::json;
/// use ws_patterns::Expression;
///
/// let expression = Expression::parse("state.users[-1]['first name'] != ''")?;
/// let name = expression.names().next().unwrap();
/// assert_eq!(name.root(), "state");
/// assert_eq!(name.rest(), ["users", "-1", "first name"]);
/// assert_eq!(name.to_string(), "state.users[-1]['first name']");
///
/// let state = json!({"users": [{"first name": "Ann"}]});
/// assert_eq!(name.rest_in(&state), Some(&json!("Ann")));
/// # Ok::<(), ws_patterns::ExpressionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    written: String,
    root: String,
    rest: Vec<String>,
}

impl Name {
    pub(super) fn new(written: &str, root: &str, rest: Vec<String>) -> Self {
        Self { written: written.to_owned(), root: root.to_owned(), rest }
    }

    /// What it starts with.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The members and indexes behind the root, each as text.
    #[must_use]
    pub fn rest(&self) -> &[String] {
        &self.rest
    }

    /// What [`rest`](Self::rest) leads to, starting at `value`: the member of an object, or the element of an array, from its
    /// end if the index is negative.
    #[must_use]
    pub fn rest_in<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.rest.iter().try_fold(value, |value, step| match value {
            Value::Object(members) => members.get(step),
            Value::Array(elements) => {
                let index: i64 = step.parse().ok()?;
                let index = if index < 0 { index.checked_add_unsigned(elements.len() as u64)? } else { index };
                elements.get(usize::try_from(index).ok()?)
            }
            _ => None,
        })
    }
}

/// As it was written.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}
