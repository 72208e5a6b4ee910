//! The description of the API, OpenAPI 3.1, made of the table that routes.

use std::sync::OnceLock;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::operation::Operation;
use super::problem::{self, ProblemDocument};
use super::table::Table;

/// Where shared schemas stand in the document.
const DEFINITIONS: &str = "/components/schemas";

/// The description of a table, made when it is first asked for.
#[derive(Default)]
pub(super) struct Description(OnceLock<Value>);

impl Description {
    /// The document; `with_token` says whether a token is demanded.
    pub(super) fn document(&self, table: &Table, with_token: bool) -> Value {
        let mut document = self.0.get_or_init(|| describe(table)).clone();
        if with_token {
            document["components"]["securitySchemes"] =
                json!({ "token": { "type": "http", "scheme": "bearer", "description": "The admin token." } });
            document["security"] = json!([{ "token": [] }]);
        }
        document
    }
}

fn describe(table: &Table) -> Value {
    let mut schemas = Schemas::new();
    let problem = schemas.answered(ProblemDocument::json_schema_reference);
    let mut paths = Map::new();
    for operation in table.operations() {
        let described = operation_object(operation, &mut schemas, &problem);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if operation.path.contains("{id}") {
            let schema = json!({ "type": "string", "minLength": 1 });
            path["parameters"] = json!([{ "name": "id", "in": "path", "required": true, "schema": schema }]);
        }
        path[operation.method.as_str().to_ascii_lowercase()] = described;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "MockForge WS admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a running WebSocket mock server sees, and what it is told to do. Every answer that is no \
                            2xx is a problem document (RFC 9457).",
        },
        // Beside the document: the server may be nested below another path.
        "servers": [{ "url": "../__admin" }],
        "paths": paths,
        "components": { "schemas": schemas.definitions() },
    })
}

fn operation_object(operation: &Operation, schemas: &mut Schemas, problem: &Value) -> Value {
    let mut described = json!({ "operationId": operation.name, "summary": operation.summary });
    if let Some(description) = operation.description {
        described["description"] = description.into();
    }
    if operation.is_public {
        described["security"] = json!([]);
    }
    let parameters: Vec<_> = operation.parameters.describe().chain(operation.scoping.parameter()).collect();
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(taken) = &operation.takes {
        let schema = schemas.taken(taken.schema);
        let content: Map<_, _> =
            taken.content_types.iter().map(|name| ((*name).to_owned(), json!({ "schema": schema }))).collect();
        described["requestBody"] = json!({ "required": !taken.is_optional, "content": content });
    }
    let mut responses = Map::new();
    let mut done = json!({ "description": operation.answers.status.canonical_reason() });
    if let Some(content_type) = operation.answers.content_type {
        done["content"] = json!({ content_type: { "schema": schemas.answered(operation.answers.schema) } });
    }
    responses.insert(operation.answers.status.as_u16().to_string(), done);
    for status in operation.problems() {
        let content = json!({ problem::CONTENT_TYPE: { "schema": problem } });
        responses.insert(status.to_string(), json!({ "description": meaning(status), "content": content }));
    }
    described["responses"] = responses.into();
    described
}

/// What a status means here.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read.",
        401 => "The admin token is missing or another one.",
        403 => "Without a token, only this machine and allowed origins may ask.",
        404 => "There is no such thing, or not in this test.",
        408 => "The body took too long to come.",
        409 => "It cannot be done as things are now.",
        413 => "The body is too large.",
        415 => "The body is of another content type.",
        422 => "The request can be read, but makes no sense.",
        501 => "This server cannot do that.",
        503 => "Not now: see `detail`.",
        _ => "It is not done.",
    }
}

/// The schemas of what is taken and of what is answered.
struct Schemas {
    taken: SchemaGenerator,
    answered: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = DEFINITIONS.into();
                settings.meta_schema = None;
            })
        };
        Self {
            taken: settings().for_deserialize().into_generator(),
            answered: settings().for_serialize().into_generator(),
        }
    }

    fn taken(&mut self, schema: fn(&mut SchemaGenerator) -> Schema) -> Value {
        let mut schema = schema(&mut self.taken);
        RecursiveTransform(bound).transform(&mut schema);
        schema.into()
    }

    fn answered(&mut self, schema: fn(&mut SchemaGenerator) -> Schema) -> Value {
        schema(&mut self.answered).into()
    }

    /// Those that others refer to. A type that is both taken and answered must look the same both ways.
    fn definitions(mut self) -> Map<String, Value> {
        let mut all = self.answered.take_definitions(true);
        for (name, definition) in self.taken.take_definitions(true) {
            let Ok(mut schema) = Schema::try_from(definition) else { continue };
            RecursiveTransform(bound).transform(&mut schema);
            debug_assert!(
                all.get(&name).is_none_or(|known| *known == *schema.as_value()),
                "two schemas are called {name}"
            );
            all.insert(name, schema.into());
        }
        all
    }
}

/// Numbers have as many bits as ours, and not more.
pub(super) fn bound(schema: &mut Schema) {
    let is_large = matches!(schema.get("format").and_then(Value::as_str), Some("uint64" | "uint"));
    if is_large && schema.get("maximum").is_none() {
        schema.insert("maximum".to_owned(), u64::MAX.into());
    }
}

trait Referenced: JsonSchema {
    fn json_schema_reference(generator: &mut SchemaGenerator) -> Schema;
}

impl<T: JsonSchema> Referenced for T {
    fn json_schema_reference(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}
