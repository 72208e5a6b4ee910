//! Values as people write them: in variables, on the command line and in files.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::{self, Deserializer, Unexpected, Visitor};
use ws_ai::{MAX_RATE, WebSocketAiConfig};
use ws_conditions::{Conditions, ConditionsError, RateLimit};
use ws_core::{QueueLimits, WhenFull};
use ws_replay::{Speed, TemplateClock};

use crate::assemble;
use crate::rate_limited::RateGuard;

/// Reads a duration as people write it: `200ms`, `30s`, `1m 30s`; `0` is no time at all.
///
/// # Errors
/// A text that says what is wrong with `value`.
pub fn parse_duration(value: &str) -> Result<Duration, String> {
    if value == "0" {
        return Ok(Duration::ZERO);
    }
    let duration = SignedDuration::from_str(value)
        .map_err(|_| "write a number and a unit, such as 200ms, 30s or 5m".to_owned())?;
    Duration::try_from(duration).map_err(|_| "a duration is not negative".to_owned())
}

/// Reads a number of bytes as people write it: `65536`, `64KiB`, `16 MiB`, `1GB`; `KB` is 1000 bytes, `KiB` is 1024.
///
/// # Errors
/// A text that says what is wrong with `value`.
pub fn parse_size(value: &str) -> Result<usize, String> {
    const UNITS: [(&str, usize); 8] = [
        ("", 1),
        ("b", 1),
        ("kb", 1000),
        ("kib", 1 << 10),
        ("mb", 1000 * 1000),
        ("mib", 1 << 20),
        ("gb", 1000 * 1000 * 1000),
        ("gib", 1 << 30),
    ];
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (digits, unit) = value.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let bytes = UNITS.iter().find(|(name, _)| *name == unit).zip(digits.parse().ok());
    let ((_, unit), count): (_, usize) =
        bytes.ok_or("write a number of bytes, or one with a unit, such as 64KiB or 16MiB")?;
    count.checked_mul(*unit).ok_or_else(|| "is more bytes than this machine can count".to_owned())
}

/// Reads a rate of events, per second: above 0 and at most [`MAX_RATE`].
///
/// # Errors
/// A text that says what is wrong with `value`.
pub fn parse_rate(value: &str) -> Result<f64, String> {
    let rate = value.trim().parse().ok().filter(|rate| *rate > 0.0 && *rate <= MAX_RATE);
    rate.ok_or_else(|| format!("expected a number of events a second, above 0 and at most {MAX_RATE}"))
}

/// A text that stands for something else, or a number that does.
struct Written<F, N> {
    expected: &'static str,
    text: F,
    number: N,
}

impl<'de, T, F, N> Visitor<'de> for Written<F, N>
where
    F: FnOnce(&str) -> Option<T>,
    N: FnOnce(u64) -> Option<T>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        (self.number)(number).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self.expected))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self.expected)),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.text)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self.expected))
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Written {
        expected: "a number and a unit, such as 200ms, 30s or 5m",
        text: |text: &str| parse_duration(text).ok(),
        number: |number| (number == 0).then_some(Duration::ZERO),
    })
}

/// No time at all is no limit.
pub(super) fn time_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(|limit| Some(limit).filter(|limit| !limit.is_zero()))
}

pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    deserializer.deserialize_any(Written {
        expected: "a number of bytes, 1 or more, or a text such as 64KiB or 16MiB",
        text: |text: &str| parse_size(text).ok().filter(|size| *size > 0),
        number: positive,
    })
}

pub(super) fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    deserializer.deserialize_any(Written {
        expected: "a whole number, 1 or more",
        text: |_: &str| None,
        number: positive,
    })
}

fn positive(number: u64) -> Option<usize> {
    usize::try_from(number).ok().filter(|number| *number > 0)
}

pub(super) fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpAddr, D::Error> {
    deserializer.deserialize_any(Written {
        expected: "an IP address, or `localhost`",
        text: |text: &str| match text {
            "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
            _ => text.parse().ok(),
        },
        number: |_| None,
    })
}

/// A number, or `max`.
pub(super) fn speed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Speed, D::Error> {
    struct AnySpeed;

    impl Visitor<'_> for AnySpeed {
        type Value = Speed;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number above 0 such as 2 or 0.5, or `max`")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Speed, E> {
            Speed::times(number as f64).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<Speed, E> {
            Speed::times(number as f64).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<Speed, E> {
            Speed::times(number).map_err(|_| E::invalid_value(Unexpected::Float(number), &self))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Speed, E> {
            text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }
    }

    deserializer.deserialize_any(AnySpeed)
}

pub(super) fn clock<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TemplateClock>, D::Error> {
    let clock = deserializer.deserialize_any(Written {
        expected: "`real`, or a time such as 2024-01-01T00:00:00Z",
        text: |text: &str| text.parse().ok(),
        number: |_| None,
    });
    clock.map(Some)
}

/// Conditions, of which everything was checked: who reads a file wants to hear of a mistake at its place.
pub(super) fn conditions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Conditions>, D::Error> {
    let conditions = Option::<Conditions>::deserialize(deserializer)?;
    if let Some(conditions) = conditions.clone() {
        assemble::compile(conditions).map_err(problems)?;
    }
    Ok(conditions)
}

/// As [`conditions`].
pub(super) fn rate_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RateLimit>, D::Error> {
    let limit = Option::<RateLimit>::deserialize(deserializer)?;
    if let Some(limit) = limit {
        RateGuard::per_connection(limit).map_err(problems)?;
    }
    Ok(limit)
}

/// As [`conditions`].
pub(super) fn ai<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WebSocketAiConfig>, D::Error> {
    let config = Option::<WebSocketAiConfig>::deserialize(deserializer)?;
    if let Some(config) = &config {
        config.validate().map_err(de::Error::custom)?;
    }
    Ok(config)
}

/// As [`conditions`].
pub(super) fn boxed_ai<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<WebSocketAiConfig>>, D::Error> {
    ai(deserializer).map(|config| config.map(Box::new))
}

/// One line for each, which begins with the key that it is about.
fn problems<E: de::Error>(error: ConditionsError) -> E {
    let lines: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    E::custom(lines.join("\n"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    messages: Option<usize>,
    #[serde(default, deserialize_with = "some_size")]
    bytes: Option<usize>,
}

fn some_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    size(deserializer).map(Some)
}

impl Limits {
    fn over(self, default: QueueLimits) -> QueueLimits {
        QueueLimits { messages: self.messages.unwrap_or(default.messages), bytes: self.bytes.unwrap_or(default.bytes) }
    }
}

pub(super) fn outbound_queue<'de, D: Deserializer<'de>>(deserializer: D) -> Result<QueueLimits, D::Error> {
    Ok(Limits::deserialize(deserializer)?.over(QueueLimits::default()))
}

pub(super) fn inbound_queue<'de, D: Deserializer<'de>>(deserializer: D) -> Result<QueueLimits, D::Error> {
    Ok(Limits::deserialize(deserializer)?.over(super::INBOUND_QUEUE))
}

pub(super) fn when_full<'de, D: Deserializer<'de>>(deserializer: D) -> Result<WhenFull, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Written {
        Cut,
        Skip,
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Cut => WhenFull::Cut,
        Written::Skip => WhenFull::Skip,
    })
}

/// How these values look to an editor.
#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    macro_rules! written_as {
        ($($name:ident: $schema:tt)*) => { $(
            pub(in crate::config) struct $name;

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )* };
    }

    written_as! {
        DurationSchema: {
            "anyOf": [
                { "type": "string", "pattern": r"^(0|\s*\d+(\.\d+)?\s*[a-zµ]+)", "examples": ["200ms", "30s", "1m 30s"] },
                { "const": 0 },
            ]
        }
        SizeSchema: {
            "anyOf": [
                { "type": "string", "pattern": r"^\s*\d+\s*(([kKmMgG][iI]?)?[bB])?\s*$", "examples": ["64KiB", "16MiB"] },
                { "type": "integer", "minimum": 1 },
            ]
        }
        AtLeastOneSchema: { "type": "integer", "minimum": 1 }
        SpeedSchema: {
            "anyOf": [{ "type": "number", "exclusiveMinimum": 0 }, { "const": "max" }]
        }
        SlowMemberSchema: { "enum": ["cut", "skip"] }
        HostSchema: { "type": "string", "examples": ["127.0.0.1", "localhost", "0.0.0.0", "::1"] }
        QueueLimitsSchema: {
            "type": "object",
            "properties": {
                "messages": { "type": "integer", "minimum": 0, "description": "The most messages that wait." },
                "bytes": {
                    "description": "The most payload bytes that wait.",
                    "anyOf": [{ "type": "string", "examples": ["4MiB"] }, { "type": "integer", "minimum": 1 }]
                }
            },
            "additionalProperties": false
        }
    }
}
#[cfg(feature = "schema")]
pub(super) use schema::{
    AtLeastOneSchema, DurationSchema, HostSchema, QueueLimitsSchema, SizeSchema, SlowMemberSchema, SpeedSchema,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_sensible() {
        for (text, expected) in [("1", 1.0), ("0.5", 0.5), (" 1e3 ", MAX_RATE)] {
            assert_eq!(parse_rate(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "-0", "-1", "nan", "NaN", "inf", "-inf", "infinity", "1e9", "1000.1", "fast", "1/s"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("0", 0),
            ("65536", 65_536),
            ("1b", 1),
            ("64KiB", 65_536),
            ("16 MiB", 16_777_216),
            ("2kb", 2_000),
            ("1GB", 1_000_000_000),
        ] {
            assert_eq!(parse_size(text), Ok(expected), "{text}");
        }
        for text in ["", "MiB", "16M", "1.5MiB", "-1", "99999999999999GiB", "18446744073709551616"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
