//! What an event of a world tells, by the names under which a schema may ask for it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Draft;

/// Names of the same thing; the first that an event has is taken.
const SYNONYMS: &[&[&str]] = &[
    &[
        "user", "username", "author", "sender", "from", "nick", "nickname", "player", "customer", "trader", "agent",
        "owner", "person", "userid",
    ],
    &["text", "message", "body", "content", "msg", "comment", "headline", "description"],
    &["title", "subject", "headline", "summary"],
    &["symbol", "ticker", "instrument", "pair", "stock"],
    &["price", "last", "lastprice", "total", "amount", "bid"],
    &["quantity", "qty", "size", "shares", "volume"],
    &["id", "tradeid", "orderid", "ticketid", "messageid", "storyid", "matchid", "eventid"],
    &["sensorid", "sensor", "deviceid", "device"],
    &["location", "place", "city", "room", "channel", "map"],
    &["status", "state"],
    &["temperature", "temp", "value", "humidity", "co2", "power", "pressure"],
    &["score", "points", "scorepoints"],
];

/// Endings that only name the unit.
const UNITS: &[&str] =
    &["usd", "celsius", "percent", "points", "seconds", "minutes", "stars", "grams", "watts", "ppm", "hectopascal"];

/// The values of an event, by folded names.
#[derive(Debug)]
pub(super) struct Fields {
    kind: String,
    data: Value,
    values: BTreeMap<String, Value>,
}

impl Fields {
    pub(super) fn of(draft: &Draft) -> Self {
        Self::of_value(&draft.kind, draft.data.clone())
    }

    /// Of what an event of this kind tells within one of its values.
    pub(super) fn of_value(kind: &str, data: Value) -> Self {
        let mut values = BTreeMap::new();
        if let Value::Object(data) = &data {
            for (key, value) in data {
                let folded = fold(key);
                for unit in UNITS {
                    if let Some(bare) = folded.strip_suffix(unit).filter(|bare| !bare.is_empty()) {
                        values.entry(bare.to_owned()).or_insert_with(|| value.clone());
                        values.entry("unit".to_owned()).or_insert_with(|| Value::from(*unit));
                        if *unit == "usd" {
                            values.entry("currency".to_owned()).or_insert_with(|| Value::from("USD"));
                        }
                    }
                }
                values.insert(folded, value.clone());
            }
        }
        Self { kind: kind.to_owned(), data, values }
    }

    /// Of somebody, or something, of whom only the name is told.
    pub(super) fn of_name(kind: &str, name: &str) -> Self {
        Self::of_value(kind, Value::Object(Map::from_iter([("name".to_owned(), Value::from(name))])))
    }

    /// Of what nothing is told.
    pub(super) fn none(kind: &str) -> Self {
        Self::of_value(kind, Value::Null)
    }

    /// Whether a property of this name is told.
    pub(super) fn tells(&self, name: &str) -> bool {
        self.candidates(name).next().is_some()
    }

    /// What may stand in a property of this name, the best first.
    pub(super) fn candidates<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Value> {
        let name = fold(name);
        let own = self.values.get(&name);
        let group = SYNONYMS.iter().find(|group| group.contains(&name.as_str()));
        let others = group.into_iter().flat_map(|group| group.iter()).filter_map(|other| self.values.get(*other));
        own.into_iter().chain(others)
    }

    /// The name of whom or of what it is told, if that is all.
    pub(super) fn name(&self) -> Option<&str> {
        self.values.get("name").filter(|_| self.values.len() == 1).and_then(Value::as_str)
    }

    /// Whether this is told, and is none of these.
    pub(super) fn contradicts(&self, name: &str, values: &[Value]) -> bool {
        let same = |told: &Value| values.iter().any(|value| same(value, told));
        self.tells(name) && !self.candidates(name).any(same)
    }

    /// All that is told, as the world tells it.
    pub(super) fn all(&self) -> Value {
        self.data.clone()
    }

    pub(super) fn kind(&self) -> &str {
        &self.kind
    }
}

/// Whether they are the same but for the capitals.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => one == other,
    }
}

/// A name without its capitals and joints.
pub(super) fn fold(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
