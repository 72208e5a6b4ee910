//! The JSON Schema of which values are examples.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::format::Format;

/// So many different texts or numbers of a place go into a schema, to show what belongs there.
const MOST_SHOWN: usize = 8;
/// A longer text does not.
const LONGEST_SHOWN: usize = 200;

/// A schema that all examples satisfy. Its objects have the members that those of the examples have, and must have those that
/// are in all of them.
pub(super) fn schema_of(examples: &[Value]) -> Value {
    let mut shape = Shape::default();
    for example in examples {
        shape.add(example);
    }
    shape.into_schema()
}

/// What the values look like that stand in the same place.
#[derive(Default)]
struct Shape {
    /// The names of their types, in the order in which they were seen.
    types: Vec<&'static str>,
    /// The format that all texts have.
    format: Option<Format>,
    shown: Vec<Value>,
    /// The elements of all arrays, if there are any.
    elements: Option<Box<Shape>>,
    objects: usize,
    members: Vec<Member>,
    /// Where in `members` a name is.
    places: HashMap<String, usize>,
}

struct Member {
    name: String,
    shape: Shape,
    /// How many objects have it.
    seen: usize,
}

impl Shape {
    fn add(&mut self, value: &Value) {
        match value {
            Value::Null => self.add_type("null"),
            Value::Bool(_) => self.add_type("boolean"),
            Value::Number(number) => {
                self.add_type(if number.is_f64() { "number" } else { "integer" });
                self.show(value);
            }
            Value::String(text) => {
                let is_first = !self.types.contains(&"string");
                self.format = if is_first { Format::of(text) } else { self.format.filter(|format| format.fits(text)) };
                self.add_type("string");
                if text.len() <= LONGEST_SHOWN {
                    self.show(value);
                }
            }
            Value::Array(elements) => {
                self.add_type("array");
                for element in elements {
                    self.elements.get_or_insert_default().add(element);
                }
            }
            Value::Object(members) => {
                self.add_type("object");
                self.objects += 1;
                for (name, value) in members {
                    let member = self.member(name);
                    member.seen += 1;
                    member.shape.add(value);
                }
            }
        }
    }

    fn add_type(&mut self, name: &'static str) {
        if !self.types.contains(&name) {
            self.types.push(name);
        }
    }

    fn show(&mut self, value: &Value) {
        if self.shown.len() < MOST_SHOWN && !self.shown.contains(value) {
            self.shown.push(value.clone());
        }
    }

    fn member(&mut self, name: &str) -> &mut Member {
        let place = *self.places.entry(name.to_owned()).or_insert_with(|| {
            self.members.push(Member { name: name.to_owned(), shape: Self::default(), seen: 0 });
            self.members.len() - 1
        });
        &mut self.members[place]
    }

    fn into_schema(mut self) -> Value {
        if self.types.contains(&"number") {
            self.types.retain(|name| *name != "integer");
        }
        let mut schema = Map::new();
        match &*self.types {
            [] => {}
            [one] => {
                schema.insert("type".to_owned(), json!(one));
            }
            several => {
                schema.insert("type".to_owned(), json!(several));
            }
        }
        if let Some(format) = self.format {
            schema.insert("format".to_owned(), json!(format.as_str()));
        }
        if !self.shown.is_empty() {
            schema.insert("examples".to_owned(), Value::Array(self.shown));
        }
        if let Some(elements) = self.elements {
            schema.insert("items".to_owned(), elements.into_schema());
        }
        // Of an empty object, nobody can tell what else it would have.
        if !self.members.is_empty() {
            let in_all = self.members.iter().filter(|member| member.seen == self.objects);
            let required: Vec<Value> = in_all.map(|member| json!(member.name)).collect();
            let properties: Map<_, _> =
                self.members.into_iter().map(|member| (member.name, member.shape.into_schema())).collect();
            schema.insert("properties".to_owned(), Value::Object(properties));
            if !required.is_empty() {
                schema.insert("required".to_owned(), Value::Array(required));
            }
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
        Value::Object(schema)
    }
}
