//! Parameters of a query, read by the very schema that describes them.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::openapi;
use super::problem::{Mistake, Problem};

/// The parameters of an operation, as the schema of a struct describes them.
pub(super) struct Parameters {
    properties: Map<String, Value>,
    required: Vec<String>,
}

impl Parameters {
    pub(super) fn of<Q: JsonSchema>() -> Self {
        let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<Q>();
        RecursiveTransform(openapi::bound).transform(&mut schema);
        let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let properties = properties.into_iter().map(|(name, schema)| (name, without_null(schema))).collect();
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        Self { properties, required: required.filter_map(|name| name.as_str().map(str::to_owned)).collect() }
    }

    /// Reads what a query says.
    pub(super) fn read<Q: DeserializeOwned>(&self, pairs: &[(String, String)]) -> Result<Q, Problem> {
        let mut read = Map::new();
        let mut mistakes = Vec::new();
        for (name, text) in pairs {
            if let Err(mistake) = self.add(&mut read, name, text) {
                mistakes.push(Mistake::new(format_args!("{name}: {mistake}")));
            }
        }
        if mistakes.is_empty() {
            match serde_json::from_value(Value::Object(read.clone())) {
                Ok(query) => return Ok(query),
                Err(mistake) => mistakes = self.blame::<Q>(&read, &mistake),
            }
        }
        Err(Problem::unreadable("the query cannot be read").errors(mistakes))
    }

    /// What is wrong with each parameter by itself; with all of them, if it is none of them.
    fn blame<Q: DeserializeOwned>(&self, read: &Map<String, Value>, mistake: &serde_json::Error) -> Vec<Mistake> {
        let alone = |name: &String| {
            let with = read.iter().filter(|(other, _)| *other == name || self.required.contains(other));
            let with: Map<_, _> = with.map(|(name, value)| (name.clone(), value.clone())).collect();
            let mistake = serde_json::from_value::<Q>(Value::Object(with)).err()?;
            Some(Mistake::new(format_args!("{name}: {mistake}")))
        };
        let mistakes: Vec<_> = read.keys().filter_map(alone).collect();
        if mistakes.is_empty() { vec![Mistake::new(mistake)] } else { mistakes }
    }

    fn add(&self, read: &mut Map<String, Value>, name: &str, text: &str) -> Result<(), String> {
        let schema = self.properties.get(name).ok_or_else(|| {
            let known: Vec<_> = self.properties.keys().map(String::as_str).collect();
            if known.is_empty() {
                "nothing is asked here".to_owned()
            } else {
                format!("not known here; known are {}", known.join(", "))
            }
        })?;
        if kind(schema) == "array" {
            let value = value(&schema["items"], text)?;
            if let Value::Array(values) = read.entry(name).or_insert_with(|| json!([])) {
                values.push(value);
            }
            return Ok(());
        }
        match read.insert(name.to_owned(), value(schema, text)?) {
            None => Ok(()),
            Some(_) => Err("said more than once".to_owned()),
        }
    }

    /// The parameters as they are described.
    pub(super) fn describe(&self) -> impl Iterator<Item = Value> {
        self.properties.iter().map(|(name, schema)| {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let required = self.required.contains(name);
            let mut parameter = json!({ "name": name, "in": "query", "required": required, "schema": schema });
            if let Some(description) = description {
                parameter["description"] = description;
            }
            parameter
        })
    }
}

fn value(schema: &Value, text: &str) -> Result<Value, String> {
    match kind(schema) {
        "integer" => text.parse::<u64>().map(Value::from).map_err(|_| "expected a whole number".to_owned()),
        "boolean" => text.parse::<bool>().map(Value::from).map_err(|_| "expected true or false".to_owned()),
        _ => Ok(Value::from(text)),
    }
}

fn kind(schema: &Value) -> &str {
    schema["type"].as_str().unwrap_or_default()
}

/// A query has no null: what is optional is left out.
fn without_null(mut schema: Value) -> Value {
    if let Some(Value::Array(types)) = schema.get("type")
        && let [only] = &*types.iter().filter(|kind| **kind != "null").collect::<Vec<_>>()
    {
        schema["type"] = (*only).clone();
    }
    if let Some(Value::Array(any)) = schema.get("anyOf")
        && let [only] = &*any.iter().filter(|schema| kind(schema) != "null").collect::<Vec<_>>()
        && let Value::Object(only) = (*only).clone()
        && let Some(outer) = schema.as_object_mut()
    {
        outer.remove("anyOf");
        for (key, value) in only {
            outer.entry(key).or_insert(value);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(schema) = schema.as_object_mut()
        && schema.get("default").is_some_and(Value::is_null)
    {
        schema.remove("default");
    }
    schema
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::whole::Whole;
    use super::*;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Order {
        Asc,
        Desc,
    }

    #[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Query {
        path: Option<String>,
        limit: Option<Whole<1, 10>>,
        order: Option<Order>,
        kind: Vec<Order>,
        keep: bool,
    }

    fn read(query: &str) -> Result<Query, u16> {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Parameters::of::<Query>().read(&pairs).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_query_is_read_by_its_schema() {
        assert_eq!(read(""), Ok(Query::default()));
        let expected = Query {
            path: Some("/ws/1".to_owned()),
            limit: Some(Whole::new(7)),
            order: Some(Order::Desc),
            kind: vec![Order::Asc, Order::Desc],
            keep: true,
        };
        assert_eq!(read("path=%2Fws/1&limit=7&order=desc&kind=asc&kind=desc&keep=true"), Ok(expected));
        assert_eq!(read("path=7").unwrap().path.as_deref(), Some("7"));
        for query in [
            "limit=0",
            "limit=11",
            "limit=x",
            "limit=",
            "limit=-1",
            "limit=1.0",
            "order=up",
            "keep=1",
            "nothing=1",
            "limit=1&limit=1",
            "path=a&path=a",
            "order=null",
        ] {
            assert_eq!(read(query), Err(400), "{query}");
        }
    }

    #[test]
    fn nothing_is_null_in_a_description() {
        let described: Vec<_> = Parameters::of::<Query>().describe().collect();
        assert_eq!(described.len(), 5);
        assert!(!Value::from(described).to_string().contains("null"));
    }
}
