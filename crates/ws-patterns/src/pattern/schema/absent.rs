//! What stands for the compiled form of a JSON Schema where the feature `json-schema` is off: there is none.

use std::convert::Infallible;

use serde_json::Value;
use ws_core::{HandlerError, HandlerResult};

#[derive(Debug)]
pub(super) struct Validator(Infallible);

impl Validator {
    pub(super) fn compile(_: &Value) -> HandlerResult<Self> {
        let problem = "patterns by JSON Schema need the feature `json-schema` of ws-patterns";
        Err(HandlerError::PatternError(problem.to_owned()))
    }

    pub(super) fn accepts(&self, _: &Value) -> bool {
        match self.0 {}
    }

    pub(super) fn problem(&self, _: &Value) -> Option<String> {
        match self.0 {}
    }
}
