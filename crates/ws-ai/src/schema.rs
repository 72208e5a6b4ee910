//! What the `data` of events must look like: a JSON Schema, given or made of examples. It never fetches anything.

#[cfg_attr(not(feature = "json-schema"), path = "schema/absent.rs")]
mod validator;

mod format;
mod inference;
#[cfg(any(feature = "openai", test))]
mod reply_schema;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;
use tracing::info;

use crate::AiError;

use validator::Validator;

#[cfg(any(feature = "openai", test))]
pub(crate) use reply_schema::reply_schema;

/// A larger schema is refused: it goes with every request.
const MOST_SCHEMA_BYTES: usize = 64 << 10;
/// Of examples, not more are read.
const MOST_EXAMPLE_BYTES: usize = 1 << 20;
/// What an event has beside its `data`.
const ENVELOPE: [&str; 3] = ["type", "timestamp", "sequence"];

/// A JSON Schema that the `data` of every event satisfies.
#[derive(Debug)]
pub(crate) struct EventSchema {
    source: Value,
    validator: Validator,
}

impl EventSchema {
    /// The schema in a file.
    pub(crate) fn load(file: &Path) -> Result<Self, AiError> {
        let text = read(file, MOST_SCHEMA_BYTES)?;
        let refused = |problem: String| AiError::Schema { file: file.to_owned(), problem };
        let schema: Value =
            serde_json::from_str(&text).map_err(|error| refused(format!("expected a JSON Schema: {error}")))?;
        let Value::Object(members) = &schema else {
            return Err(refused("expected a JSON Schema, which is an object".to_owned()));
        };
        if !members.keys().any(|name| KEYWORDS.contains(&&**name)) {
            let problem = "no keyword of JSON Schema is in it, so every event would satisfy it; \
                           if it is an example of an event, name it as `event_example`";
            return Err(refused(problem.to_owned()));
        }
        Self::compile(schema).map_err(refused)
    }

    /// The schema of the examples in a file: one, or several as a JSON array or one behind the other. Of whole events, it is
    /// that of their `data`.
    pub(crate) fn from_example(file: &Path) -> Result<Self, AiError> {
        let text = read(file, MOST_EXAMPLE_BYTES)?;
        let refused = |problem: String| AiError::Schema { file: file.to_owned(), problem };
        let mut examples = serde_json::Deserializer::from_str(&text)
            .into_iter()
            .collect::<Result<Vec<Value>, _>>()
            .map_err(|error| refused(format!("expected an example of an event's `data` as JSON: {error}")))?;
        if let [Value::Array(several)] = &mut *examples {
            examples = std::mem::take(several);
        }
        if examples.is_empty() {
            return Err(refused("there is no example in it".to_owned()));
        }
        if examples.iter().all(is_event) {
            info!(file = %file.display(), "the examples are whole events: the schema is that of their `data`");
            examples = examples.iter_mut().map(|event| event["data"].take()).collect();
        }
        let schema = Self::compile(inference::schema_of(&examples)).map_err(refused)?;
        // Or the provider would be asked for what the user does not want.
        for example in &examples {
            schema.check(example).map_err(|problem| refused(format!("no schema can be made of it: {problem}")))?;
        }
        Ok(schema)
    }

    fn compile(source: Value) -> Result<Self, String> {
        if source.to_string().len() > MOST_SCHEMA_BYTES {
            return Err(format!("the schema is larger than {MOST_SCHEMA_BYTES} bytes"));
        }
        Ok(Self { validator: Validator::compile(&source)?, source })
    }

    /// The schema itself.
    pub(crate) fn source(&self) -> &Value {
        &self.source
    }

    /// Holds the `data` of an event against it.
    ///
    /// # Errors
    /// What is wrong first, and where, in one line, for the model that wrote it and for people.
    pub(crate) fn check(&self, data: &Value) -> Result<(), String> {
        self.validator.check(data)
    }
}

/// A schema that has none of these says nothing.
const KEYWORDS: [&str; 42] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "type",
    "enum",
    "const",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "properties",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "required",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "minProperties",
    "maxProperties",
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];

/// Whether a value is an event, not only its `data`.
fn is_event(value: &Value) -> bool {
    let Value::Object(members) = value else { return false };
    members.contains_key("data")
        && members.get("type").is_some_and(Value::is_string)
        && members.keys().all(|name| name == "data" || ENVELOPE.contains(&&**name))
}

fn read(file: &Path, most: usize) -> Result<String, AiError> {
    let failed = |source| AiError::File { file: file.to_owned(), source };
    let mut text = String::new();
    File::open(file).and_then(|file| file.take(most as u64 + 1).read_to_string(&mut text)).map_err(failed)?;
    if text.len() > most {
        return Err(failed(io::Error::other(format!("the file is larger than {most} bytes"))));
    }
    // As some editors begin their files.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests;
