//! The schema of a whole reply: what a provider that can be held to a schema is held to.

use serde_json::{Map, Value, json};

/// Where the schema of `data` stands in that of a reply.
const DATA: &str = "/properties/events/items/properties/data";
/// The schema of a reply of `wanted` events whose `data` satisfies a schema, if there is one.
pub(crate) fn reply_schema(event_schema: Option<&Value>, wanted: usize) -> Value {
    let mut data = event_schema.cloned().unwrap_or_else(|| json!({"type": "object"}));
    if let Value::Object(members) = &mut data {
        // With an id it would be a document of its own; the dialect is that of the whole.
        let mut ids = Vec::new();
        for name in ["$id", "id", "$schema"] {
            if members.get(name).is_some_and(Value::is_string)
                && let Some(Value::String(id)) = members.shift_remove(name)
                && name != "$schema"
            {
                ids.push(id);
            }
        }
        move_references(members, &ids);
    }
    json!({
        "type": "object",
        "properties": {
            "events": {
                "type": "array",
                "minItems": wanted,
                "maxItems": wanted,
                "items": {
                    "type": "object",
                    // Small models like to leave it empty.
                    "properties": {"type": {"type": "string", "minLength": 1}, "data": data},
                    "required": ["type", "data"],
                    "additionalProperties": false,
                },
            },
        },
        "required": ["events"],
        "additionalProperties": false,
    })
}

/// Makes the references in a schema lead to where their targets are in that of a reply.
fn move_references(schema: &mut Map<String, Value>, ids: &[String]) {
    for (name, member) in schema {
        match (&**name, member) {
            ("$ref", Value::String(reference)) => {
                if let Some(moved) = moved(reference, ids) {
                    *reference = moved;
                }
            }
            // Not schemas, whatever they look like.
            ("const" | "enum" | "default" | "examples", _) => {}
            // Schemas by names that mean nothing.
            (
                "properties" | "patternProperties" | "dependentSchemas" | "dependencies" | "$defs" | "definitions",
                Value::Object(named),
            ) => {
                named.values_mut().for_each(|schema| move_references_of(schema, ids));
            }
            (_, schema @ Value::Object(_)) => move_references_of(schema, ids),
            (_, Value::Array(schemas)) => schemas.iter_mut().for_each(|schema| move_references_of(schema, ids)),
            _ => {}
        }
    }
}

fn move_references_of(schema: &mut Value, ids: &[String]) {
    let Value::Object(members) = schema else { return };
    // With an id of its own it is a document of its own: its references lead to where they led.
    if !members.get("$id").is_some_and(Value::is_string) {
        move_references(members, ids);
    }
}

/// Where a reference within the schema of `data` leads in that of a reply. `None`: it leads there as it is.
fn moved(reference: &str, ids: &[String]) -> Option<String> {
    let of_the_document = |id: &String| reference.strip_prefix(id.trim_end_matches('#'));
    let local = ids.iter().find_map(of_the_document).unwrap_or(reference);
    let pointer = match local.strip_prefix('#') {
        Some(pointer) => pointer,
        None if local.is_empty() => "",
        None => return None,
    };
    let is_anchor = !pointer.is_empty() && !pointer.starts_with('/');
    Some(if is_anchor { format!("#{pointer}") } else { format!("#{DATA}{pointer}") })
}
