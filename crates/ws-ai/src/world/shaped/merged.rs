//! Schemas without their references: what `$ref` and `allOf` bring together stands in one.

use serde_json::{Map, Value, json};

/// How many references may lead on to each other.
const DEEPEST: usize = 24;

/// A schema with what its `$ref` and `allOf` say merged into it.
///
/// # Errors
/// A reference leads nowhere, out of the file or round in circles; or nothing is allowed.
pub(super) fn merged(root: &Value, schema: &Value) -> Result<Map<String, Value>, String> {
    merged_within(root, schema, DEEPEST)
}

fn merged_within(root: &Value, schema: &Value, depth: usize) -> Result<Map<String, Value>, String> {
    if depth == 0 {
        return Err("references go round in circles".to_owned());
    }
    let own = match schema {
        Value::Bool(true) => return Ok(Map::new()),
        Value::Object(own) => own,
        _ => return Err("nothing is allowed".to_owned()),
    };
    let mut all = own.clone();
    all.shift_remove("$ref");
    all.shift_remove("allOf");
    if let Some(Value::String(reference)) = own.get("$ref") {
        merge(&mut all, merged_within(root, referred(root, reference)?, depth - 1)?);
    }
    for part in own.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        merge(&mut all, merged_within(root, part, depth - 1)?);
    }
    Ok(all)
}

fn referred<'a>(root: &'a Value, reference: &str) -> Result<&'a Value, String> {
    let Some(pointer) = reference.strip_prefix('#') else { return Err(format!("`{reference}` is not in this file")) };
    root.pointer(pointer).ok_or_else(|| format!("`{reference}` leads nowhere"))
}

/// Both must hold.
pub(super) fn merge(all: &mut Map<String, Value>, more: Map<String, Value>) {
    for (key, value) in more {
        let Some(known) = all.get_mut(&key) else {
            all.insert(key, value);
            continue;
        };
        match (key.as_str(), known, value) {
            ("properties", Value::Object(known), Value::Object(value)) => {
                for (name, schema) in value {
                    let both = match known.get(&name) {
                        Some(other) if *other != schema => json!({"allOf": [other, schema]}),
                        _ => schema,
                    };
                    known.insert(name, both);
                }
            }
            ("required", Value::Array(known), Value::Array(value)) => {
                let missing: Vec<Value> = value.into_iter().filter(|name| !known.contains(name)).collect();
                known.extend(missing);
            }
            ("enum", Value::Array(known), Value::Array(value)) => known.retain(|item| value.contains(item)),
            ("minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties", known, value)
                if value.as_f64() > known.as_f64() =>
            {
                *known = value;
            }
            ("maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties", known, value)
                if value.as_f64() < known.as_f64() =>
            {
                *known = value;
            }
            ("type", known, value) => {
                let (ours, theirs) = (types(known), types(&value));
                // Every integer is a number.
                let narrower = |name: &String| {
                    theirs.contains(name) || (name == "integer" && theirs.iter().any(|other| other == "number"))
                };
                let mut both: Vec<String> = ours.iter().filter(|name| narrower(name)).cloned().collect();
                if both.is_empty()
                    && ours.iter().any(|name| name == "number")
                    && theirs.iter().any(|name| name == "integer")
                {
                    both.push("integer".to_owned());
                }
                *known = if both.is_empty() { json!([]) } else { json!(both) };
            }
            // Of two kinds of alternatives, the first is kept: who checks finds out if that is wrong.
            _ => {}
        }
    }
}

/// The names of the types that are allowed.
pub(super) fn types(written: &Value) -> Vec<String> {
    match written {
        Value::String(name) => vec![name.clone()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The names of the properties at the top of a schema, also of its alternatives; and of those that are required.
///
/// # Errors
/// As [`merged`].
pub(super) fn properties(root: &Value) -> Result<(Vec<String>, Vec<String>), String> {
    let all = merged(root, root).map_err(|problem| format!("the schema: {problem}"))?;
    let names = |schema: &Map<String, Value>| -> Vec<String> {
        let properties = schema.get("properties").and_then(Value::as_object);
        properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
    };
    let mut found = names(&all);
    for key in ["anyOf", "oneOf"] {
        for part in all.get(key).and_then(Value::as_array).into_iter().flatten() {
            found.extend(merged(root, part).map(|part| names(&part)).unwrap_or_default());
        }
    }
    let required = all.get("required").and_then(Value::as_array).into_iter().flatten();
    let required = required.filter_map(Value::as_str).map(str::to_owned).collect();
    Ok((found, required))
}

/// The properties at the top of a schema that have an `enum`, with its values.
pub(super) fn enums(root: &Value) -> Vec<(String, Vec<Value>)> {
    let all = merged(root, root).unwrap_or_default();
    let properties = all.get("properties").and_then(Value::as_object);
    let of = |(name, schema): (&String, &Value)| match merged(root, schema).ok()?.get("enum")? {
        Value::Array(values) => Some((name.clone(), values.clone())),
        _ => None,
    };
    properties.into_iter().flatten().filter_map(of).collect()
}
