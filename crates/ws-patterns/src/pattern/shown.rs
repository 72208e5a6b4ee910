//! Patterns in words of those who wrote them.

use std::fmt;

use super::{MessagePattern, Rule};

/// What it was written as: a regular expression and a query (with value) as in files, otherwise `exact "ping"`, `json`
/// or `schema` with its JSON, or `any`.
impl fmt::Display for MessagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Any => f.write_str("any"),
            Rule::Exact(text) => write!(f, "exact {text:?}"),
            Rule::Regex(regular) => f.write_str(regular.regex.as_str()),
            Rule::Selects(path) => write!(f, "{path}"),
            Rule::SelectsValue(path, value) => write!(f, "{path}:{value}"),
            Rule::Subset(value) => write!(f, "json {value}"),
            Rule::Schema(schema) => write!(f, "schema {}", schema.source()),
            Rule::Refused { query, .. } => f.write_str(query),
        }
    }
}

impl fmt::Debug for MessagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, written) = match &self.0 {
            Rule::Any => return f.write_str("Any"),
            Rule::Exact(text) => return f.debug_tuple("Exact").field(text).finish(),
            Rule::Regex(_) => ("Regex", self.to_string()),
            Rule::Selects(_) | Rule::SelectsValue(..) => ("JsonPath", self.to_string()),
            Rule::Subset(value) => ("Subset", value.to_string()),
            Rule::Schema(schema) => ("Schema", schema.source().to_string()),
            Rule::Refused { .. } => ("Refused", self.to_string()),
        };
        f.debug_tuple(kind).field(&written).finish()
    }
}
