//! Writes a value for a schema.

use std::rc::Rc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::fields::{Fields, fold, same};
use super::merged::{merge, merged, types};
use super::{Memory, number, text};
use crate::world::{Dice, cast};

/// How many values an event has at most.
pub(super) const MOST_VALUES: usize = 5_000;
/// How deep values are nested at most; what may be left out is left out far before.
const DEEPEST: usize = 40;
const DEEP: usize = 5;
const MOST_ITEMS: u64 = 1_000;

/// Writes one event.
pub(super) struct Writer<'a> {
    pub(super) root: &'a Value,
    /// What the world tells of the value that is being written.
    pub(super) fields: Rc<Fields>,
    pub(super) memory: &'a mut Memory,
    pub(super) time: Timestamp,
    pub(super) dice: &'a mut Dice,
    /// How many values may still be written.
    pub(super) left: usize,
}

/// Where in the data a value stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The keys that lead to it, with dots between them.
    path: String,
    /// The key that it stands behind.
    pub(super) name: String,
    depth: usize,
}

impl Place {
    fn within(&self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { path, name: name.to_owned(), depth: self.depth + 1 }
    }

    /// An item is called as the list is, without the plural.
    fn item(&self) -> Self {
        let name = self.name.strip_suffix('s').unwrap_or(&self.name).to_owned();
        Self { path: format!("{}[]", self.path), name, depth: self.depth + 1 }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    fn problem(&self, problem: &str) -> String {
        format!("{}: {problem}", if self.path.is_empty() { "the schema" } else { &self.path })
    }
}

impl Writer<'_> {
    pub(super) fn write_root(&mut self) -> Result<Value, String> {
        let place = Place { path: String::new(), name: String::new(), depth: 0 };
        // Without any word about it, data is an object.
        let schema = match self.root {
            Value::Bool(true) => serde_json::json!({"type": "object"}),
            Value::Object(keys) if keys.is_empty() => serde_json::json!({"type": "object"}),
            root => root.clone(),
        };
        self.write(&schema, &place)
    }

    fn write(&mut self, schema: &Value, place: &Place) -> Result<Value, String> {
        if place.depth > DEEPEST || self.left == 0 {
            return Err(place.problem("values are nested too deeply, or too many"));
        }
        self.left -= 1;
        let schema = merged(self.root, schema).map_err(|problem| place.problem(&problem))?;
        self.write_merged(schema, place)
    }

    fn write_merged(&mut self, mut schema: Map<String, Value>, place: &Place) -> Result<Value, String> {
        if let Some(value) = schema.get("const") {
            return Ok(value.clone());
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return self.one_of(values, place);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(Value::Array(parts)) = schema.shift_remove(key) {
                return self.alternative(&schema, &parts, place);
            }
        }
        let kinds = kinds(&schema);
        let kind = match kinds.as_slice() {
            [] => return Err(place.problem("no type is allowed")),
            // Most of what may be missing is there.
            kinds => {
                let there: Vec<&String> = kinds.iter().filter(|kind| *kind != "null").collect();
                let missing = there.is_empty() || (there.len() < kinds.len() && self.dice.chance(8));
                if missing { "null" } else { there[0].as_str() }
            }
        };
        if let Some(value) = self.told(&schema, kind, place) {
            return Ok(value);
        }
        match kind {
            "null" => Ok(Value::Null),
            "boolean" => Ok(Value::Bool(self.truth(place))),
            "integer" | "number" => {
                if let Some(id) = self.own_id(place).filter(|id| fits(&schema, kind, id)) {
                    return Ok(id);
                }
                let time = self.time;
                number::write(&schema, kind == "integer", place, self.memory, time, self.dice)
                    .map_err(|problem| place.problem(&problem))
            }
            "string" => {
                let time = self.time;
                let text = text::write(&schema, place, &self.fields, self.memory, time, self.dice);
                text.map(Value::String).map_err(|problem| place.problem(&problem))
            }
            "array" => self.array(&schema, place),
            "object" => self.object(&schema, place),
            other => Err(place.problem(&format!("`{other}` is no type"))),
        }
    }

    fn one_of(&mut self, values: &[Value], place: &Place) -> Result<Value, String> {
        if values.is_empty() {
            return Err(place.problem("`enum` is empty"));
        }
        if let Some(wish) = self.wish(place, |wish| values.iter().any(|value| same(value, wish)))
            && let Some(value) = values.iter().find(|value| same(value, &wish))
        {
            return Ok(value.clone());
        }
        let told = self.fields.candidates(&place.name).find_map(|told| values.iter().find(|value| same(value, told)));
        if let Some(value) = told {
            return Ok(value.clone());
        }
        Ok(self.dice.pick(values).clone())
    }

    /// The first alternative for which something can be written, beginning with any of them.
    fn alternative(&mut self, schema: &Map<String, Value>, parts: &[Value], place: &Place) -> Result<Value, String> {
        let mut order: Vec<&Value> = parts.iter().collect();
        self.dice.shuffle(&mut order);
        let is_null = |part: &&Value| part.get("type").is_some_and(|kind| kind == "null");
        if !self.dice.chance(8) {
            order.sort_by_key(is_null);
        }
        let mut problem = place.problem("there are no alternatives");
        for part in order {
            let whole = merged(self.root, part).map_err(|problem| place.problem(&problem)).and_then(|part| {
                let mut whole = schema.clone();
                merge(&mut whole, part);
                self.write_merged(whole, place)
            });
            match whole {
                Ok(value) => return Ok(value),
                Err(other) => problem = other,
            }
        }
        Err(problem)
    }

    /// What the client asked for, or the world tells, under this name, if it fits.
    fn told(&mut self, schema: &Map<String, Value>, kind: &str, place: &Place) -> Option<Value> {
        if place.name.is_empty() || matches!(kind, "object" | "array" | "null") {
            return None;
        }
        let pattern = schema.get("pattern").and_then(Value::as_str);
        let fits = |value: &Value, memory: &mut Memory| {
            let matches = |pattern| value.as_str().is_some_and(|text| memory.matches(pattern, text));
            fits(schema, kind, value) && pattern.is_none_or(matches)
        };
        let wished = self.wished(place).find(|wish| fits(wish, self.memory));
        if let Some(wish) = wished {
            return self.wish(place, |other| *other == wish);
        }
        if kind == "string" && matches!(fold(&place.name).as_str(), "type" | "kind" | "event" | "eventtype") {
            let kind_of_event = Value::from(self.fields.kind());
            return fits(&kind_of_event, self.memory).then_some(kind_of_event);
        }
        let fields = Rc::clone(&self.fields);
        let told = fields.candidates(&place.name).find(|told| fits(told, self.memory))?;
        Some(if kind == "integer" { whole(told) } else { told.clone() })
    }

    /// Who is known by name only has the same number each time.
    fn own_id(&self, place: &Place) -> Option<Value> {
        let name = self.fields.name().filter(|_| number::words(&place.name).last().is_some_and(|last| last == "id"))?;
        Some(Value::from(text::number_of(&self.memory.salt, name)))
    }

    /// What the client said that may stand here.
    fn wished(&self, place: &Place) -> impl Iterator<Item = Value> + use<> {
        let name = fold(&place.name);
        let all = self.memory.wishes.iter().filter(|(key, _)| fold(key) == name).map(|(_, value)| value.clone());
        all.collect::<Vec<_>>().into_iter()
    }

    fn wish(&mut self, place: &Place, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        let name = fold(&place.name);
        let at = self.memory.wishes.iter().position(|(key, value)| fold(key) == name && fits(value))?;
        self.memory.wishes.remove(at).map(|(_, value)| value)
    }

    fn truth(&mut self, place: &Place) -> bool {
        let before = self.memory.truths.get(&place.path).copied();
        let now = match before {
            Some(before) if self.dice.chance(80) => before,
            Some(before) => !before,
            None => self.dice.chance(50),
        };
        self.memory.truths.insert(place.path.clone(), now);
        now
    }

    fn array(&mut self, schema: &Map<String, Value>, place: &Place) -> Result<Value, String> {
        let around = Rc::clone(&self.fields);
        let written = self.items(schema, place);
        self.fields = around;
        written.map(Value::Array)
    }

    fn items(&mut self, schema: &Map<String, Value>, place: &Place) -> Result<Vec<Value>, String> {
        let least = size(schema, "minItems").unwrap_or(0);
        if least > MOST_ITEMS {
            return Err(place.problem(&format!("{least} items are too many")));
        }
        let prefix = schema.get("prefixItems").and_then(Value::as_array).cloned().unwrap_or_default();
        let length = prefix.len() as u64;
        let items = schema.get("items").cloned().unwrap_or(Value::Bool(true));
        let most = size(schema, "maxItems").unwrap_or(u64::MAX).min(if items == Value::Bool(false) {
            length
        } else {
            u64::MAX
        });
        let told: Vec<Value> =
            self.fields.candidates(&place.name).find_map(Value::as_array).cloned().unwrap_or_default();
        let usual = if !told.is_empty() {
            told.len() as u64
        } else if place.depth > DEEP {
            least
        } else {
            least.max(length) + u64::from(self.dice.chance(60)) + u64::from(length == 0)
        };
        let count = usual.max(least).min(most);
        let unique = schema.get("uniqueItems").and_then(Value::as_bool) == Some(true);
        let contains = schema.get("contains");
        let around = Rc::clone(&self.fields);
        let mut written: Vec<Value> = Vec::new();
        for nth in 0..count {
            let schema = match (usize::try_from(nth).ok().and_then(|nth| prefix.get(nth)), contains) {
                (Some(schema), _) => schema.clone(),
                (None, Some(contains)) if nth == length => serde_json::json!({"allOf": [items, contains]}),
                (None, _) => items.clone(),
            };
            self.fields = Rc::new(match usize::try_from(nth).ok().and_then(|nth| told.get(nth)) {
                Some(Value::Object(item)) => Fields::of_value(around.kind(), Value::Object(item.clone())),
                Some(Value::String(name)) => Fields::of_name(around.kind(), name),
                _ => Fields::none(around.kind()),
            });
            // As many tries as it takes to find one of a few others, with good luck.
            let mut item = self.write(&schema, &place.item())?;
            for _ in 0..40 {
                if !unique || !written.contains(&item) {
                    break;
                }
                item = self.write(&schema, &place.item())?;
            }
            if unique && written.contains(&item) {
                if nth >= least {
                    break;
                }
                return Err(place.problem(&format!("there are not {least} different items")));
            }
            written.push(item);
        }
        Ok(written)
    }

    /// What the world tells of an object behind a key, or of somebody or something of that name.
    fn told_within(&mut self, place: &Place) -> Fields {
        const PEOPLE: &[&str] = &[
            "user", "customer", "author", "sender", "player", "owner", "person", "agent", "trader", "courier",
            "member", "profile",
        ];
        let kind = self.fields.kind().to_owned();
        let told = self.fields.candidates(&place.name).find_map(|told| match told {
            Value::Object(_) => Some(Fields::of_value(&kind, told.clone())),
            Value::String(name) => Some(Fields::of_name(&kind, name)),
            _ => None,
        });
        told.unwrap_or_else(|| {
            if PEOPLE.contains(&fold(&place.name).as_str()) {
                let first = *self.dice.pick(cast::FIRST_NAMES);
                return Fields::of_name(&kind, &format!("{first} {}", self.dice.pick(cast::LAST_NAMES)));
            }
            Fields::none(&kind)
        })
    }

    fn object(&mut self, schema: &Map<String, Value>, place: &Place) -> Result<Value, String> {
        // The world's own words are for the top; an item has its own already.
        if place.name.is_empty() || place.path.ends_with("[]") {
            return self.properties(schema, place);
        }
        let within = Rc::new(self.told_within(place));
        let around = std::mem::replace(&mut self.fields, within);
        let written = self.properties(schema, place);
        self.fields = around;
        written
    }

    fn properties(&mut self, schema: &Map<String, Value>, place: &Place) -> Result<Value, String> {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let names =
            |key: &str| schema.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut required: Vec<&str> = names("required").collect();
        let depend = schema.get("dependentRequired").and_then(Value::as_object);
        for (name, others) in depend.into_iter().flatten() {
            if required.contains(&name.as_str()) || properties.contains_key(name) {
                required.extend(others.as_array().into_iter().flatten().filter_map(Value::as_str));
            }
        }
        let most = size(schema, "maxProperties").unwrap_or(u64::MAX);
        let least = size(schema, "minProperties").unwrap_or(0);
        let others = schema.get("additionalProperties").cloned().unwrap_or(Value::Bool(true));
        let mut written = Map::new();
        let missing =
            |written: &Map<String, Value>| required.iter().filter(|name| !written.contains_key(**name)).count() as u64;
        for (name, schema) in properties {
            let is_required = required.contains(&name.as_str());
            if !is_required {
                let room = written.len() as u64 + missing(&written) < most;
                // What other events tell, and this one does not, has no place in it.
                let untold = place.depth == 0 && self.memory.told_at_times.contains(name) && !self.fields.tells(name);
                let wanted = place.depth < DEEP && room && !untold && (written.len() as u64) < least.max(64);
                if !wanted {
                    continue;
                }
            }
            match self.write(schema, &place.within(name)) {
                Ok(value) => drop(written.insert(name.clone(), value)),
                Err(problem) if is_required => return Err(problem),
                // What cannot be written can be left out.
                Err(_) => {}
            }
        }
        for name in required {
            if !written.contains_key(name) {
                let value = self.write(&others, &place.within(name))?;
                written.insert(name.to_owned(), value);
            }
        }
        if properties.is_empty() && written.is_empty() && least == 0 && most > 0 && place.depth == 0 {
            // The schema does not care: the world's own words will do.
            return Ok(self.fields.all());
        }
        let mut nth = 0;
        while (written.len() as u64) < least {
            nth += 1;
            if nth > MOST_ITEMS {
                return Err(place.problem(&format!("{least} properties are too many")));
            }
            let name = format!("value_{nth}");
            if !written.contains_key(&name) {
                let value = self.write(&others, &place.within(&name))?;
                written.insert(name, value);
            }
        }
        Ok(Value::Object(written))
    }
}

/// The types that a schema allows, the best first.
fn kinds(schema: &Map<String, Value>) -> Vec<String> {
    if let Some(written) = schema.get("type") {
        return types(written);
    }
    let has = |keys: &[&str]| keys.iter().any(|key| schema.contains_key(*key));
    let kind = if has(&[
        "properties",
        "required",
        "additionalProperties",
        "minProperties",
        "maxProperties",
        "dependentRequired",
        "patternProperties",
    ]) {
        "object"
    } else if has(&["items", "prefixItems", "minItems", "maxItems", "contains", "uniqueItems"]) {
        "array"
    } else if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]) {
        "number"
    } else {
        "string"
    };
    vec![kind.to_owned()]
}

pub(super) fn size(schema: &Map<String, Value>, key: &str) -> Option<u64> {
    let value = schema.get(key)?;
    // `3.0` is 3 too.
    value.as_u64().or_else(|| value.as_f64().filter(|size| *size >= 0.0 && *size < 1e15).map(|size| size as u64))
}

/// Whether a value can be taken as it is. With keywords that are not looked at here, it cannot.
fn fits(schema: &Map<String, Value>, kind: &str, value: &Value) -> bool {
    const UNSEEN: &[&str] = &["format", "not", "if", "multipleOf", "contentEncoding", "contentMediaType"];
    if UNSEEN.iter().any(|key| schema.contains_key(*key)) {
        return false;
    }
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    match (kind, value) {
        ("string", Value::String(text)) => {
            let length = text.chars().count() as u64;
            length >= size(schema, "minLength").unwrap_or(0) && length <= size(schema, "maxLength").unwrap_or(u64::MAX)
        }
        ("boolean", Value::Bool(_)) => true,
        ("integer" | "number", Value::Number(number)) => {
            let Some(number) = number.as_f64() else { return false };
            (kind == "number" || number.fract() == 0.0)
                && bound("minimum").is_none_or(|least| number >= least)
                && bound("maximum").is_none_or(|most| number <= most)
                && bound("exclusiveMinimum").is_none_or(|least| number > least)
                && bound("exclusiveMaximum").is_none_or(|most| number < most)
        }
        _ => false,
    }
}

fn whole(value: &Value) -> Value {
    match value.as_f64() {
        Some(number) if value.as_i64().is_none() && number.abs() < 9e15 => Value::from(number as i64),
        _ => value.clone(),
    }
}
