//! Data in the shape of a JSON Schema: what the world tells goes where a property has its name, the rest is made up.
//!
//! It writes for the usual keywords; it does not check. What cannot be written is an error with its place, and what is
//! written wrongly (`not`, `if`) is found by whoever checks it.

mod fields;
mod merged;
mod number;
mod pattern;
mod text;
mod writer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;

use super::fill::slug;
use super::{Dice, World};
use crate::Draft;
use crate::narrative::{Mood, Said};
use fields::Fields;
use writer::Writer;

/// How many events of a world are looked at for what they tell.
const LOOK: usize = 80;
/// How many events of other kinds are passed over before one of them is taken.
const PASS_OVER: usize = 60;
/// How many values that a client spoke of wait for their turn.
const MOST_WISHES: usize = 16;

/// Writes data in the shape of a schema, out of what a world tells.
pub(crate) struct Shaped {
    schema: Value,
    world: Box<dyn World>,
    /// The events of the world that tell most of what the schema asks for; none, if none tells any of it.
    kinds: Vec<String>,
    /// The properties at the top that have few values, and these.
    enums: Vec<(String, Vec<Value>)>,
    /// How events are called if the world tells nothing of them.
    title: String,
    memory: Memory,
}

/// What goes on from event to event.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The last number at each place of the schema, in steps.
    numbers: BTreeMap<String, i64>,
    /// The last truth at each place.
    truths: BTreeMap<String, bool>,
    /// What the client spoke of: a key and a value.
    wishes: VecDeque<(String, Value)>,
    /// Where numbers are drawn: up, down or nowhere.
    trend: i64,
    /// The properties that some events of the world tell, and others do not.
    told_at_times: BTreeSet<String>,
    /// The patterns of the schema; `None`: it cannot be read.
    patterns: BTreeMap<String, Option<Regex>>,
    /// Makes the ids of a story its own.
    salt: [u8; 16],
}

impl Memory {
    /// Whether a text matches a pattern, as far as we can tell.
    fn matches(&mut self, pattern: &str, text: &str) -> bool {
        let regex = self.patterns.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

impl Shaped {
    /// `twin` is another world of the same narrative: what it tells is only looked at.
    ///
    /// # Errors
    /// The schema allows nothing, or nothing that can be written here.
    pub(crate) fn new(
        schema: &Value,
        world: Box<dyn World>,
        twin: &mut dyn World,
        dice: &mut Dice,
    ) -> Result<Self, String> {
        let (asked, required) = merged::properties(schema)?;
        // What must be there counts first.
        let counted = if required.is_empty() { &asked } else { &required };
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        let mut told_at_times = BTreeSet::new();
        for _ in 0..LOOK {
            let draft = twin.next(dice);
            let fields = Fields::of(&draft);
            told_at_times.extend(asked.iter().filter(|name| fields.tells(name)).cloned());
            let count = counted.iter().filter(|name| fields.tells(name)).count();
            let best = told.entry(draft.kind).or_default();
            *best = count.max(*best);
        }
        let most = told.values().max().copied().unwrap_or(0);
        let kinds = told.into_iter().filter(|(_, count)| most > 0 && *count == most).map(|(kind, _)| kind).collect();
        let title = schema.get("title").and_then(Value::as_str).map(|title| slug(title).replace('-', "_"));
        let title = title.filter(|title| !title.is_empty() && title.len() <= 64).unwrap_or_else(|| "event".to_owned());
        let memory = Memory { told_at_times, salt: dice.bytes(), ..Memory::default() };
        let enums = merged::enums(schema);
        Ok(Self { schema: schema.clone(), world, kinds, enums, title, memory })
    }

    /// What happens next, at this time.
    ///
    /// # Errors
    /// Nothing can be written for a part of the schema, which is named.
    pub(crate) fn next(&mut self, time: Timestamp, dice: &mut Dice) -> Result<Draft, String> {
        let mut told = self.world.next(dice);
        let mut fields = Fields::of(&told);
        for _ in 0..PASS_OVER {
            let contradicts = self.enums.iter().any(|(name, values)| fields.contradicts(name, values));
            if self.kinds.is_empty() || (self.kinds.contains(&told.kind) && !contradicts) {
                break;
            }
            told = self.world.next(dice);
            fields = Fields::of(&told);
        }
        let fields = Rc::new(fields);
        let memory = &mut self.memory;
        let mut writer = Writer { root: &self.schema, fields, memory, time, dice, left: writer::MOST_VALUES };
        let data = writer.write_root()?;
        self.memory.trend = self.memory.trend * 9 / 10;
        let kind = if self.kinds.is_empty() { self.title.clone() } else { told.kind };
        Ok(Draft { kind, data })
    }

    pub(crate) fn hear(&mut self, said: &Said, dice: &mut Dice) {
        self.world.hear(said, dice);
        let narrative = said.narrative();
        for mood in narrative.moods() {
            match mood {
                Mood::Rising | Mood::Heating | Mood::Busy => self.memory.trend = 100,
                Mood::Falling | Mood::Cooling | Mood::Quiet => self.memory.trend = -100,
                Mood::Normal => self.memory.trend = 0,
                _ => {}
            }
        }
        let tickers = narrative.tickers().iter().map(|ticker| ("symbol".to_owned(), Value::from(ticker.as_str())));
        for (key, value) in said.fields().chain(tickers) {
            if self.memory.wishes.len() >= MOST_WISHES {
                self.memory.wishes.pop_front();
            }
            self.memory.wishes.push_back((key, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::WorldKind;
    use super::super::testing::dice;
    use super::*;
    use crate::narrative::Narrative;
    use crate::world::Choice;

    fn shaped(narrative: &str, schema: &Value, seed: u64) -> Result<(Shaped, Dice), String> {
        let narrative = Narrative::read(narrative);
        let kind: WorldKind = Choice::of(&narrative).kind;
        let mut dice = dice(seed);
        let world = kind.begin(&narrative, &mut dice);
        let mut twin = kind.begin(&narrative, &mut dice);
        Ok((Shaped::new(schema, world, twin.as_mut(), &mut dice)?, dice))
    }

    fn time(nth: i64) -> Timestamp {
        Timestamp::from_second(1_704_067_200 + nth).unwrap()
    }

    fn written(narrative: &str, schema: &Value, seed: u64, count: i64) -> Result<Vec<Draft>, String> {
        let (mut shaped, mut dice) = shaped(narrative, schema, seed)?;
        (0..count).map(|nth| shaped.next(time(nth), &mut dice)).collect()
    }

    #[cfg(feature = "json-schema")]
    #[test]
    fn what_is_written_satisfies_the_schema() {
        let object = |properties: Value| json!({"type": "object", "properties": properties, "required": properties_of(&properties), "additionalProperties": false});
        fn properties_of(properties: &Value) -> Value {
            properties.as_object().unwrap().keys().cloned().collect()
        }
        let formats = [
            "date-time",
            "date",
            "time",
            "duration",
            "email",
            "uri",
            "uri-reference",
            "uuid",
            "ipv4",
            "ipv6",
            "hostname",
            "regex",
            "json-pointer",
        ];
        let of_formats: serde_json::Map<String, Value> =
            formats.iter().map(|format| ((*format).to_owned(), json!({"type": "string", "format": format}))).collect();
        let schemas = [
            json!(true),
            json!({}),
            json!({"type": "object"}),
            json!({"type": "string"}),
            json!({"type": ["null", "integer"]}),
            json!({"const": {"a": [1]}}),
            json!({"enum": [1, "two", null]}),
            object(Value::Object(of_formats)),
            object(json!({
                "symbol": {"type": "string", "enum": ["AAPL", "TSLA"]},
                "price": {"type": "number", "minimum": 10, "exclusiveMaximum": 20},
                "volume": {"type": "integer", "minimum": 100, "multipleOf": 100},
                "half": {"type": "number", "multipleOf": 0.5, "minimum": -3, "maximum": 3},
                "negative": {"type": "number", "maximum": -5},
                "tiny": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.01},
                "one": {"type": "integer", "minimum": 7, "maximum": 7},
                "open": {"type": "boolean"},
                "none": {"type": "null"},
            })),
            object(json!({
                "user": {"type": "string", "minLength": 3, "maxLength": 5},
                "long": {"type": "string", "minLength": 200},
                "tags": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 2, "maxItems": 3, "uniqueItems": true},
                "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": false},
                "matrix": {"type": "array", "items": {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}},
                "empty": {"type": "array", "maxItems": 0},
            })),
            object(json!({
                "order": {"type": "string", "pattern": "^ORD-[0-9]{4,6}$"},
                "code": {"type": "string", "pattern": "^[A-Z]{3}(_[a-z]+)?\\d$", "maxLength": 12},
                "hex": {"type": "string", "pattern": "#[0-9a-fA-F]{6}"},
                "word": {"type": "string", "pattern": "^(red|green|blue) \\w+$"},
                "any": {"type": "string", "pattern": "."},
            })),
            json!({
                "$defs": {"id": {"type": "integer", "minimum": 1}, "node": {
                    "type": "object", "required": ["id"], "additionalProperties": false,
                    "properties": {"id": {"$ref": "#/$defs/id"}, "next": {"$ref": "#/$defs/node"}},
                }},
                "allOf": [{"$ref": "#/$defs/node"}],
            }),
            json!({"definitions": {"a~b/c": {"type": "boolean"}}, "type": "object", "properties": {"x": {"$ref": "#/definitions/a~0b~1c"}}, "required": ["x"]}),
            json!({"oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind", "n"]},
                {"type": "object", "properties": {"kind": {"const": "b"}, "s": {"type": "string"}}, "required": ["kind", "s"]}]}),
            json!({"anyOf": [{"$ref": "#/$defs/missing"}, {"type": "string"}]}),
            json!({"allOf": [{"properties": {"a": {"minimum": 3}}}, {"type": "object", "properties": {"a": {"type": "integer", "maximum": 4}}, "required": ["a"]}]}),
            json!({"type": "object", "required": ["x", "y"], "additionalProperties": {"type": "integer"}, "minProperties": 4}),
            json!({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "required": ["b"], "maxProperties": 1}),
            json!({"type": "object", "properties": {"temperature": {"type": "number", "minimum": -5, "maximum": 5}}, "required": ["temperature"]}),
            json!({"type": "object", "properties": {"ts": {"type": "integer", "minimum": 1_600_000_000_000_i64}, "id": {"type": "string", "format": "uuid"}}, "required": ["ts", "id"]}),
            json!({"type": "object", "properties": {"user": {"type": ["string", "null"], "examples": ["ana", "ben"]}, "score": {"type": "number", "examples": [12.5, 13.0]}},
                "required": ["user", "score"], "additionalProperties": false}),
            json!({"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}}, "contains": {"type": "object"}, "minItems": 2}),
            json!({"type": "object", "properties": {"card": {"type": "string"}}, "required": ["card"], "dependentRequired": {"card": ["cvc"]}}),
        ];
        for schema in &schemas {
            let validator = jsonschema::options().should_validate_formats(true).build(schema);
            for (nth, narrative) in
                ["busy stock market", "chat", "iot sensors", "orders", "nothing"].into_iter().enumerate()
            {
                for draft in
                    written(narrative, schema, nth as u64, 25).unwrap_or_else(|error| panic!("{schema}: {error}"))
                {
                    // One of them has a reference that leads nowhere: the validator does not look for a way round.
                    let Ok(validator) = &validator else { continue };
                    let errors: Vec<String> =
                        validator.iter_errors(&draft.data).map(|error| error.to_string()).collect();
                    assert!(errors.is_empty(), "{schema}\n{}\n{errors:?}", draft.data);
                    assert!(!draft.kind.is_empty());
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_written_is_said_with_its_place() {
        for (schema, problem) in [
            (json!(false), "the schema: nothing is allowed"),
            (json!({"type": "object", "properties": {"a": false}, "required": ["a"]}), "a: nothing is allowed"),
            (json!({"$ref": "#/$defs/a"}), "the schema: `#/$defs/a` leads nowhere"),
            (
                json!({"$ref": "https://example.com/schema"}),
                "the schema: `https://example.com/schema` is not in this file",
            ),
            (json!({"$ref": "#"}), "the schema: references go round in circles"),
            (json!({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}), "nested too deeply"),
            (
                json!({"type": "integer", "minimum": 5, "maximum": 4}),
                "the schema: no number is at least 5 and at most 4",
            ),
            (
                json!({"type": "integer", "minimum": 1.2, "maximum": 1.8}),
                "the schema: no number is at least 1.2 and at most 1.8",
            ),
            (json!({"type": "array", "minItems": 1_000_000}), "the schema: 1000000 items are too many"),
            (json!({"type": "string", "minLength": 1_000_000}), "the schema: 1000000 characters are too many"),
            (
                json!({"type": "array", "items": {"type": "null"}, "minItems": 2, "uniqueItems": true}),
                "the schema: there are not 2 different items",
            ),
            (json!({"enum": []}), "the schema: `enum` is empty"),
            (json!({"type": "text"}), "the schema: `text` is no type"),
            (json!({"anyOf": [{"type": "string", "minLength": 9_999_999}]}), "characters are too many"),
        ] {
            let error = written("chat", &schema, 1, 20).unwrap_err();
            assert!(error.contains(problem), "{schema}: {error}");
        }
    }

    #[test]
    fn the_world_tells_what_the_schema_asks_for() {
        let schema = json!({"type": "object", "required": ["ticker", "price", "qty"], "properties": {
            "ticker": {"type": "string"}, "price": {"type": "number", "minimum": 0}, "qty": {"type": "integer"}}});
        let drafts = written("stock market with AAPL", &schema, 1, 30).unwrap();
        assert!(drafts.iter().all(|draft| draft.kind == "trade" && draft.data["ticker"] == "AAPL"), "{drafts:?}");
        assert!(drafts.iter().all(|draft| (150.0..350.0).contains(&draft.data["price"].as_f64().unwrap())));
        let schema = json!({"type": "object", "required": ["author", "body"], "properties": {
            "author": {"type": "string"}, "body": {"type": "string"}}});
        let drafts = written("chat between Alice and Bob", &schema, 1, 30).unwrap();
        assert!(drafts.iter().all(|draft| draft.kind == "message"), "{drafts:?}");
        assert!(drafts.iter().all(|draft| ["Alice", "Bob"].contains(&draft.data["author"].as_str().unwrap())));
        let drafts = written("nothing", &json!({"title": "Pump State", "type": "integer"}), 1, 3).unwrap();
        assert!(drafts.iter().all(|draft| draft.kind == "pump_state"));
    }

    #[test]
    fn what_stands_within_is_told_too() {
        let person = json!({"type": "object", "properties": {"name": {"type": "string"}, "email": {"format": "email"}}, "required": ["name", "email"]});
        let schema = json!({"type": "object", "required": ["orderId", "customer"], "properties": {
            "orderId": {"type": "string", "pattern": "^ORD-[0-9]+$"},
            "customer": person,
            "courier": person,
            "items": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}, "quantity": {"type": "integer"}}}},
        }});
        let drafts = written("orders of Alice", &schema, 1, 60).unwrap();
        let mut customers: BTreeMap<String, Value> = BTreeMap::new();
        let mut kinds: Vec<&str> = drafts.iter().map(|draft| draft.kind.as_str()).collect();
        for draft in &drafts {
            let data = &draft.data;
            let name = data["customer"]["name"].as_str().unwrap().to_lowercase().replace(' ', ".");
            assert!(data["customer"]["email"].as_str().unwrap().starts_with(&name), "{data}");
            let id = data["orderId"].as_str().unwrap().to_owned();
            assert_eq!(*customers.entry(id).or_insert_with(|| data["customer"].clone()), data["customer"]);
            // Only who places an order says what is in it.
            assert_eq!(data.get("items").is_some(), draft.kind == "order_placed", "{data}");
        }
        kinds.sort_unstable();
        kinds.dedup();
        assert!(kinds.len() > 4, "{kinds:?}");
    }

    #[test]
    fn numbers_walk_and_ids_count() {
        let schema = json!({"type": "object", "required": ["level", "seq"], "properties": {
            "level": {"type": "number", "minimum": 0, "maximum": 100}, "seq": {"type": "integer"}}});
        let drafts = written("nothing", &schema, 2, 100).unwrap();
        for pair in drafts.windows(2) {
            let number = |draft: &Draft, key: &str| draft.data[key].as_f64().unwrap();
            assert!((number(&pair[0], "level") - number(&pair[1], "level")).abs() < 25.0);
            assert!(number(&pair[0], "seq") < number(&pair[1], "seq"));
        }
    }

    #[test]
    fn a_client_steers_the_shape() {
        let schema = json!({"type": "object", "required": ["symbol", "price"], "properties": {
            "symbol": {"type": "string"}, "price": {"type": "number", "minimum": 0}}});
        let (mut shaped, mut dice) = shaped("stock market", &schema, 4).unwrap();
        shaped.hear(&Said::read(r#"{"symbol": "TSLA"}"#), &mut dice);
        assert_eq!(shaped.next(time(0), &mut dice).unwrap().data["symbol"], "TSLA");
        for _ in 0..100 {
            shaped.hear(&Said::read(r#"{"a": 1, "b": "x"}"#), &mut dice);
        }
        assert!(shaped.memory.wishes.len() <= MOST_WISHES);
    }

    #[test]
    fn the_same_story_is_written_in_the_same_way() {
        let schema = json!({"type": "object", "required": ["id", "at", "x"], "properties": {
            "id": {"type": "string", "format": "uuid"}, "at": {"type": "string", "format": "date-time"}, "x": {"type": "number"}}});
        assert_eq!(written("chat", &schema, 9, 20), written("chat", &schema, 9, 20));
        assert_ne!(written("chat", &schema, 9, 20), written("chat", &schema, 8, 20));
        assert_eq!(written("chat", &schema, 9, 2).unwrap()[1].data["at"], "2024-01-01T00:00:01Z");
    }
}
