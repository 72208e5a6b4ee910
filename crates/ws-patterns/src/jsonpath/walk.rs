//! The one place that speaks to the engine, jsonpath_lib.
//!
//! The engine answers several things differently from RFC 9535, some only for certain documents: `$.a[0]` also takes
//! the first element of an array *inside* an object `a`, `[-9]` of a short array is its first element, a filter on an
//! object tests the object instead of its members. So it never gets the text of a user. It gets queries that are
//! written here, of quoted names, wildcards and forward slices, which it answers as the RFC does (the tests in
//! `tests/it/agreement.rs` compare). All else is made of these by [`Path`](super::path::Path).

use std::fmt::Write;

use jsonpath_lib::Compiled;
use serde_json::Value;

/// A selector that the engine answers rightly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plain {
    /// A member's name, one that [`can_be_quoted`].
    Name(String),
    Wildcard,
    Index(i64),
    /// `end` is beyond the array if it is missing; `step` is at least 1.
    Slice {
        start: i64,
        end: Option<i64>,
        step: i64,
    },
}

/// Whether the engine can be given a member's name: it knows no escapes, so a name with both quotes, or a backslash at
/// its end, cannot be quoted.
pub(super) fn can_be_quoted(name: &str) -> bool {
    let has_both = name.contains('\'') && name.contains('"');
    !has_both && !name.ends_with('\\')
}

/// One or more plain selectors in a row, as a query of the engine that is being written.
#[derive(Debug)]
pub(super) struct Draft(String);

impl Draft {
    pub(super) fn new() -> Self {
        Self("$".to_owned())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0 == "$"
    }

    pub(super) fn push(&mut self, selector: &Plain) {
        let written = match selector {
            Plain::Name(name) if name.contains('\'') => write!(self.0, "[\"{name}\"]"),
            Plain::Name(name) => write!(self.0, "['{name}']"),
            Plain::Wildcard => write!(self.0, "[*]"),
            // Written as slices, which the engine keeps to arrays and to their bounds.
            Plain::Index(-1) => write!(self.0, "[-1:]"),
            Plain::Index(index) => write!(self.0, "[{index}:{}]", index + 1),
            Plain::Slice { start, end: Some(end), step } => write!(self.0, "[{start}:{end}:{step}]"),
            Plain::Slice { start, end: None, step } => write!(self.0, "[{start}::{step}]"),
        };
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }

    /// # Errors
    /// The engine takes all that [`push`](Self::push) writes, except for indexes beyond `isize`.
    pub(super) fn compile(&self) -> Result<Walk, &'static str> {
        Compiled::compile(&self.0).map(Walk).map_err(|_| "an index is beyond the address space of this machine")
    }
}

/// A compiled run of plain selectors.
#[derive(Debug, Clone)]
pub(super) struct Walk(Compiled);

impl Walk {
    /// What the run selects, starting at `node`, in document order.
    pub(super) fn select<'v>(&self, node: &'v Value) -> Vec<&'v Value> {
        // A descent asks about every scalar of a document; nothing can be selected from one.
        if !node.is_array() && !node.is_object() {
            return Vec::new();
        }
        // The engine fails only when it is given no value.
        self.0.select(node).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn select(selectors: &[Plain], value: &Value) -> Value {
        let mut draft = Draft::new();
        for selector in selectors {
            draft.push(selector);
        }
        draft.compile().unwrap().select(value).into_iter().cloned().collect()
    }

    #[test]
    fn any_name_that_can_be_quoted_is_found() {
        let names =
            ["", " ", "'", "\"", "\\n", "$", "@", "..", "*", "]", "a']['b", "\u{e9}", "\u{0}", "?(@.a)", "[0]", "0"];
        for name in names {
            assert!(can_be_quoted(name), "{name:?}");
            let value = json!({ name: 1, "else": 2 });
            assert_eq!(select(&[Plain::Name(name.to_owned())], &value), json!([1]), "{name:?}");
        }
        assert!(!can_be_quoted("a\\"));
        assert!(!can_be_quoted("'\""));
    }

    #[test]
    fn indexes_keep_to_arrays_and_to_their_bounds() {
        let array = json!([1, 2, 3]);
        let cases =
            [(0, json!([1])), (2, json!([3])), (3, json!([])), (-1, json!([3])), (-3, json!([1])), (-4, json!([]))];
        for (index, expected) in cases {
            assert_eq!(select(&[Plain::Index(index)], &array), expected, "{index}");
        }
        assert_eq!(select(&[Plain::Index(0)], &json!({"a": [1]})), json!([]));
        assert_eq!(select(&[Plain::Index(0)], &json!("text")), json!([]));
    }

    #[test]
    fn the_greatest_numbers_neither_panic_nor_select() {
        let far = (1 << 53) - 1;
        assert_eq!(select(&[Plain::Index(far)], &json!([1])), json!([]));
        assert_eq!(select(&[Plain::Index(-far)], &json!([1])), json!([]));
        let slice = Plain::Slice { start: -far, end: Some(far), step: far };
        assert_eq!(select(&[slice], &json!([1, 2])), json!([1]));
    }
}
