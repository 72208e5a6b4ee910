//! The compiled form of a JSON Schema.

use jsonschema::paths::LocationSegment;
use serde_json::Value;
use ws_core::{HandlerError, HandlerResult};

use crate::excerpt::{excerpt_of, shorten};
use crate::pattern::subset::{push_index, push_name};

/// A schema of more values is refused.
const MOST_VALUES: usize = 10_000;
/// So is one that is nested deeper.
const MOST_LEVELS: usize = 64;
/// Of messages nested deeper, a recursive schema does not tell what is wrong.
const SHALLOW: usize = 6;

#[derive(Debug)]
pub(super) struct Validator {
    validator: jsonschema::Validator,
    /// Its references lead in a circle, or nearly: looking for what is wrong may then take time without end.
    recursive: bool,
}

impl Validator {
    pub(super) fn compile(schema: &Value) -> HandlerResult<Self> {
        if too_large(schema) {
            let problem = format!("the schema has more than {MOST_VALUES} values or {MOST_LEVELS} levels");
            return Err(HandlerError::PatternError(problem));
        }
        // Expressions without backtracking, so that no text of a client can keep one busy.
        let patterns = jsonschema::PatternOptions::regex();
        let options = jsonschema::options().with_pattern_options(patterns).offline();
        match options.build(schema) {
            Ok(validator) => Ok(Self { validator, recursive: is_recursive(schema) }),
            Err(error) => {
                let problem = format!("JSON Schema, `{}`: {}", place(&error), shorten(&error.to_string()));
                Err(HandlerError::PatternError(problem))
            }
        }
    }

    /// What it finds out about a value it remembers while it looks at a message, so that a recursive schema ends too.
    pub(super) fn accepts(&self, message: &Value) -> bool {
        self.validator.is_valid(message)
    }

    pub(super) fn problem(&self, message: &Value) -> Option<String> {
        if self.recursive && levels(message) > SHALLOW {
            return Some(format!("expected what the schema accepts, found {}", excerpt_of(message)));
        }
        let error = self.validator.validate(message).err()?;
        // Masked, or it would write out the whole message.
        let problem = error.masked().to_string();
        Some(format!("`{}`: {}, found {}", place(&error), shorten(&problem), excerpt_of(error.instance())))
    }
}

/// Where in a message, or in a schema that is itself wrong, as a query.
fn place(error: &jsonschema::ValidationError<'_>) -> String {
    let mut place = String::from("$");
    for step in error.instance_path() {
        match step {
            LocationSegment::Property(name) => push_name(&mut place, &name),
            LocationSegment::Index(index) => push_index(&mut place, index),
        }
    }
    shorten(&place)
}

/// Whether there is no end, or none near, to putting what is referred to in the places of the references.
fn is_recursive(schema: &Value) -> bool {
    let mut waiting = vec![schema];
    let mut seen = 0;
    while let Some(value) = waiting.pop() {
        seen += 1;
        if seen > MOST_VALUES {
            return true;
        }
        match value {
            Value::Array(elements) => waiting.extend(elements),
            Value::Object(members) => {
                waiting.extend(members.values());
                if members.contains_key("$dynamicRef") || members.contains_key("$recursiveRef") {
                    return true;
                }
                if let Some(reference) = members.get("$ref") {
                    let pointer = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
                    match pointer.and_then(|pointer| schema.pointer(pointer)) {
                        Some(target) => waiting.push(target),
                        // An anchor, or escaped for a URI.
                        None => return true,
                    }
                }
            }
            _ => {}
        }
    }
    false
}

/// How deep a value is nested, counted no further than is of interest.
fn levels(value: &Value) -> usize {
    let mut waiting = vec![(value, 1)];
    let mut deepest = 0;
    while let Some((value, level)) = waiting.pop() {
        deepest = deepest.max(level);
        if deepest > SHALLOW {
            break;
        }
        match value {
            Value::Array(elements) => waiting.extend(elements.iter().map(|element| (element, level + 1))),
            Value::Object(members) => waiting.extend(members.values().map(|member| (member, level + 1))),
            _ => {}
        }
    }
    deepest
}

fn too_large(schema: &Value) -> bool {
    let mut waiting = vec![(schema, 1)];
    let mut seen = 0;
    while let Some((value, level)) = waiting.pop() {
        seen += 1;
        if seen > MOST_VALUES || level > MOST_LEVELS {
            return true;
        }
        match value {
            Value::Array(elements) => waiting.extend(elements.iter().map(|element| (element, level + 1))),
            Value::Object(members) => waiting.extend(members.values().map(|member| (member, level + 1))),
            _ => {}
        }
    }
    false
}
