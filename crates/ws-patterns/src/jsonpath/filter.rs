//! The condition of a filter `[?...]`, as a tree that is asked about one value after the other.

use serde_json::Value;

use super::comparison::Comparison;
use super::path::Path;

/// A condition.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    AnyOf(Vec<Self>),
    AllOf(Vec<Self>),
    Not(Box<Self>),
    /// The query selects something, be it `null`.
    Exists(Query),
    Compare(Operand, Comparison, Operand),
}

/// One side of a comparison.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Literal(Value),
    /// A singular query.
    Query(Query),
}

/// A query inside a filter.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) origin: Origin,
    pub(super) path: Path,
}

/// Where a query starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// `$`, the whole document.
    Root,
    /// `@`, the value that is being tested.
    Current,
}

impl Filter {
    /// Whether the condition holds for `node` of the document `root`.
    pub(super) fn accepts(&self, root: &Value, node: &Value) -> bool {
        match self {
            Self::AnyOf(filters) => filters.iter().any(|filter| filter.accepts(root, node)),
            Self::AllOf(filters) => filters.iter().all(|filter| filter.accepts(root, node)),
            Self::Not(filter) => !filter.accepts(root, node),
            Self::Exists(query) => query.first(root, node).is_some(),
            Self::Compare(left, comparison, right) => comparison.holds(left.get(root, node), right.get(root, node)),
        }
    }
}

impl Operand {
    fn get<'v>(&'v self, root: &'v Value, node: &'v Value) -> Option<&'v Value> {
        match self {
            Self::Literal(value) => Some(value),
            Self::Query(query) => query.first(root, node),
        }
    }
}

impl Query {
    fn first<'v>(&self, root: &'v Value, node: &'v Value) -> Option<&'v Value> {
        match self.origin {
            Origin::Root => self.path.first(root, root),
            Origin::Current => self.path.first(root, node),
        }
    }
}
