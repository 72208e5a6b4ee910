//! The JSON Schema of the configuration file, for editors.

use schemars::schema_for;

use super::Document;

/// The schema, as JSON text.
pub(crate) fn schema() -> String {
    format!("{:#}", schema_for!(Document).to_value())
}
