//! Patterns as clients of the API write them.

use ws_core::PathPattern;

use super::problem::Problem;

/// Reads a pattern of paths.
pub(super) fn path_pattern(text: &str) -> Result<PathPattern, Problem> {
    text.parse().map_err(|error| Problem::senseless(format!("`path`: {error}")))
}
