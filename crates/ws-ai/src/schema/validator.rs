//! The compiled form of a JSON Schema.

use jsonschema::paths::LocationSegment;
use serde_json::Value;

/// A schema of more values is refused.
const MOST_VALUES: usize = 10_000;
/// So is one that is nested deeper.
const MOST_LEVELS: usize = 64;
/// Of data nested deeper, a recursive schema does not tell what is wrong.
const SHALLOW: usize = 6;
/// A longer text is told as far as this.
const LONGEST_TOLD: usize = 300;

#[derive(Debug)]
pub(super) struct Validator {
    validator: jsonschema::Validator,
    /// Its references lead in a circle, or nearly: looking for what is wrong may then take time without end.
    is_recursive: bool,
}

impl Validator {
    pub(super) fn compile(schema: &Value) -> Result<Self, String> {
        if values_within(schema).any(|(seen, level, _)| seen > MOST_VALUES || level > MOST_LEVELS) {
            return Err(format!("the schema has more than {MOST_VALUES} values or {MOST_LEVELS} levels"));
        }
        // Expressions without backtracking, so that no text of a model can keep one busy. And formats count: a time that is
        // none is what a schema shall prevent.
        let patterns = jsonschema::PatternOptions::regex();
        let options = jsonschema::options().with_pattern_options(patterns).should_validate_formats(true).offline();
        match options.build(schema) {
            Ok(validator) => Ok(Self { validator, is_recursive: is_recursive(schema) }),
            Err(error) => Err(format!("it is no JSON Schema: `{}`: {}", place(&error), told(&error.to_string()))),
        }
    }

    pub(super) fn check(&self, data: &Value) -> Result<(), String> {
        if self.is_recursive && values_within(data).any(|(_, level, _)| level > SHALLOW) {
            let is_valid = self.validator.is_valid(data);
            return if is_valid { Ok(()) } else { Err("`data` is not what the schema accepts".to_owned()) };
        }
        // Masked: what a model made up, at any length, is not repeated.
        self.validator.validate(data).map_err(|error| {
            let problem = error.masked().to_string();
            format!("`data{}`: {}", &place(&error)[1..], told(&problem))
        })
    }
}

/// Where in a value, as a query.
fn place(error: &jsonschema::ValidationError<'_>) -> String {
    let mut place = String::from("$");
    for step in error.instance_path() {
        match step {
            LocationSegment::Property(name) => {
                place.push('.');
                place.push_str(&told(&name));
            }
            LocationSegment::Index(index) => place.push_str(&format!("[{index}]")),
        }
    }
    place
}

/// A text in one line, as far as it is told.
fn told(text: &str) -> String {
    let mut told: String = text.chars().take(LONGEST_TOLD).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST_TOLD).is_some() {
        told.push_str("...");
    }
    told
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
        waiting.extend(members(value));
        let Value::Object(members) = value else { continue };
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
    false
}

/// A value and all that are in it, each with the number of those seen by then, and its level, from 1.
fn values_within(value: &Value) -> impl Iterator<Item = (usize, usize, &Value)> {
    let mut waiting = vec![(value, 1)];
    let mut seen = 0;
    std::iter::from_fn(move || {
        let (value, level) = waiting.pop()?;
        waiting.extend(members(value).map(|member| (member, level + 1)));
        seen += 1;
        Some((seen, level, value))
    })
}

fn members(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(elements) => Box::new(elements.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}
