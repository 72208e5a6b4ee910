//! Numbers of a schema: they walk from event to event, and ids count.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Memory;
use super::fields::fold;
use super::writer::Place;
use crate::world::Dice;

/// Numbers beyond this are not written: not every reader keeps them.
const LARGEST: i64 = 9_000_000_000_000_000;

/// Words in a name, and where its numbers usually are.
const USUAL: &[(&[&str], (i64, i64))] = &[
    (&["percent", "progress", "battery", "ratio"], (0, 100)),
    (&["latitude", "lat"], (47, 49)),
    (&["longitude", "lon", "lng"], (8, 11)),
    (&["temperature", "temp", "celsius"], (12, 28)),
    (&["price", "cost", "amount", "total", "balance"], (5, 400)),
    (&["age"], (18, 80)),
    (&["year"], (2_015, 2_025)),
    (&["rating", "stars"], (1, 5)),
    (&["port"], (1_024, 49_151)),
    (&["quantity", "qty", "count", "size"], (1, 40)),
    (&["latency", "duration", "elapsed", "millis"], (3, 900)),
];

/// How finely numbers are written.
enum Grain {
    /// So many to one.
    Parts(i64),
    /// Each is so much.
    Of(f64),
}

impl Grain {
    fn of(schema: &Map<String, Value>, is_integer: bool, span: f64) -> Self {
        let multiple = schema.get("multipleOf").and_then(Value::as_f64).filter(|of| *of > 0.0);
        match multiple {
            Some(of) => {
                let parts = (1.0 / of).round();
                let is_part = parts >= 1.0 && (parts * of - 1.0).abs() < 1e-12;
                // A number that is whole and a multiple of a half is a multiple of one.
                match (is_integer, is_part) {
                    (true, true) => Self::Parts(1),
                    (false, true) => Self::Parts(parts as i64),
                    (_, false) => Self::Of(of),
                }
            }
            None if is_integer => Self::Parts(1),
            // Some hundred different ones, whatever the span is.
            None => {
                let mut parts = 100;
                while (parts as f64) * span < 100.0 && parts < 1_000_000_000_000 {
                    parts *= 10;
                }
                Self::Parts(parts)
            }
        }
    }

    fn steps(&self, number: f64) -> f64 {
        match self {
            Self::Parts(parts) => number * (*parts as f64),
            Self::Of(of) => number / of,
        }
    }

    fn number(&self, steps: i64) -> Value {
        match self {
            Self::Parts(1) => Value::from(steps),
            Self::Parts(parts) => Value::from(steps as f64 / (*parts as f64)),
            Self::Of(of) if of.fract() == 0.0 && *of < 1e15 => Value::from(steps.saturating_mul(*of as i64)),
            Self::Of(of) => Value::from(steps as f64 * of),
        }
    }
}

/// # Errors
/// The bounds leave no number.
pub(super) fn write(
    schema: &Map<String, Value>,
    is_integer: bool,
    place: &Place,
    memory: &mut Memory,
    time: Timestamp,
    dice: &mut Dice,
) -> Result<Value, String> {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let example = example(schema);
    let (least, most) = (bound("minimum"), bound("maximum"));
    let (above, below) = (bound("exclusiveMinimum"), bound("exclusiveMaximum"));
    let low = larger(least, above);
    let high = smaller(most, below);
    let (usual_low, usual_high) = usual(&place.name, example);
    // What is usual gives way to what is asked for.
    let from = match (low, high) {
        (Some(low), _) => low,
        (None, Some(high)) if high <= usual_low => high - (usual_high - usual_low),
        (None, _) => usual_low,
    };
    let to = high.unwrap_or(if from >= usual_high { from + (usual_high - usual_low) } else { usual_high });
    let grain = Grain::of(schema, is_integer, to - from);
    let mut first = grain.steps(from).ceil();
    let mut last = grain.steps(to).floor();
    if above.is_some() && above == low && grain.steps(from) >= first {
        first += 1.0;
    }
    if below.is_some() && below == high && grain.steps(to) <= last {
        last -= 1.0;
    }
    if first > last {
        let text = |bound: Option<f64>| bound.map_or_else(|| "anything".to_owned(), |bound| bound.to_string());
        return Err(format!("no number is at least {} and at most {}", text(low), text(high)));
    }
    let first = (first.max(-(LARGEST as f64))) as i64;
    let last = (last.min(LARGEST as f64)) as i64;
    if is_time(&place.name) && matches!(grain, Grain::Parts(1)) {
        let (seconds, millis) = (time.as_second(), time.as_millisecond());
        let now = if (first..=last).contains(&millis) || high.is_none() { millis } else { seconds };
        if (first..=last).contains(&now) || (high.is_none() && now >= first) {
            return Ok(Value::from(now));
        }
    }
    let before = memory.numbers.get(place.path()).copied();
    let steps = if counts(&place.name) && is_integer {
        match before {
            // It begins again where its numbers end.
            Some(before) if high.is_some() && before >= last => first,
            Some(before) => before
                .saturating_add(if fold(&place.name).contains("id") { dice.between(1, 3) } else { 1 })
                .min(LARGEST),
            None => match example {
                Some(example) => grain.steps(example).round() as i64,
                None if low.is_some() || !fold(&place.name).contains("id") => {
                    first.max(if low.is_some() { first } else { 1 })
                }
                None => dice.between(1_000, 9_000),
            }
            .clamp(first, if high.is_some() { last } else { LARGEST }),
        }
    } else {
        let span = last.saturating_sub(first);
        match before {
            // Some hundredths of where it may be, drawn by what the client said.
            Some(before) => {
                let pull = i64::try_from(i128::from(span) * i128::from(memory.trend) / 4_000).unwrap_or(0);
                let shake = dice.bell((span / 40).max(i64::from(span > 0)));
                before.saturating_add(shake).saturating_add(pull).clamp(first, last)
            }
            None => match example {
                Some(example) => (grain.steps(example).round() as i64).clamp(first, last),
                None => first.saturating_add(dice.between(span / 4, span - span / 4)),
            },
        }
    };
    // Places of lists without end are not all kept.
    if memory.numbers.len() < 1_000 || before.is_some() {
        memory.numbers.insert(place.path().to_owned(), steps);
    }
    Ok(grain.number(steps))
}

fn example(schema: &Map<String, Value>) -> Option<f64> {
    let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
    let mut all = examples.chain(schema.get("default")).chain(schema.get("example"));
    all.find_map(Value::as_f64).filter(|example| example.is_finite())
}

fn usual(name: &str, example: Option<f64>) -> (f64, f64) {
    if let Some(example) = example {
        let away = (example.abs() / 2.0).max(1.0);
        let floor = if example >= 0.0 { 0.0 } else { f64::MIN };
        return ((example - away).max(floor), example + away);
    }
    let words = words(name);
    let found = USUAL.iter().find(|(names, _)| words.iter().any(|word| names.contains(&word.as_str())));
    let (low, high) = found.map_or((0, 1_000), |(_, range)| *range);
    (low as f64, high as f64)
}

/// The parts of a name: `userId` and `user_id` are `user` and `id`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for c in name.chars() {
        let begins =
            !c.is_alphanumeric() || (c.is_uppercase() && before.is_some_and(char::is_lowercase)) || words.is_empty();
        if begins {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    words.retain(|word| !word.is_empty());
    words
}

fn counts(name: &str) -> bool {
    const COUNTING: &[&str] =
        &["id", "seq", "sequence", "index", "offset", "version", "revision", "counter", "number", "no"];
    words(name).last().is_some_and(|last| COUNTING.contains(&last.as_str()))
}

fn is_time(name: &str) -> bool {
    const TIMES: &[&str] = &["ts", "timestamp", "time", "epoch", "at", "date"];
    words(name).iter().any(|word| TIMES.contains(&word.as_str()))
}

fn larger(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

fn smaller(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
