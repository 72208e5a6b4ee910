//! A JSON Schema that messages are held against. It never fetches anything.

#[cfg_attr(not(feature = "json-schema"), path = "schema/absent.rs")]
mod validator;

use serde_json::Value;
use ws_core::HandlerResult;

use validator::Validator;

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    source: Value,
    validator: Validator,
}

impl Schema {
    pub(super) fn compile(schema: &Value) -> HandlerResult<Self> {
        Ok(Self { validator: Validator::compile(schema)?, source: schema.clone() })
    }

    pub(super) fn accepts(&self, message: &Value) -> bool {
        self.validator.accepts(message)
    }

    /// What is wrong with a message first, and where.
    pub(super) fn problem(&self, message: &Value) -> Option<String> {
        self.validator.problem(message)
    }

    /// The schema as it was given.
    pub(super) fn source(&self) -> &Value {
        &self.source
    }
}
