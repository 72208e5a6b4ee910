//! Values as people write them: in variables, on the command line and in files.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::de::{self, Deserializer, Unexpected, Visitor};
use ws_core::QueueLimits;
use ws_replay::TemplateClock;

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

/// A text that stands for something else, or a number that does.
struct Written<F, N> {
    expected: &'static str,
    text: F,
    number: N,
}

impl<'de, T, F, N> Visitor<'de> for Written<F, N>
where
    F: FnOnce(&str) -> Result<T, String>,
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
        (self.text)(text).map_err(|_| E::invalid_value(Unexpected::Str(text), &self.expected))
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let number = |number| (number == 0).then_some(Duration::ZERO);
    deserializer.deserialize_any(Written {
        expected: "a number and a unit, such as 200ms, 30s or 5m",
        text: parse_duration,
        number,
    })
}

/// No time at all is no limit.
pub(super) fn time_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(|limit| Some(limit).filter(|limit| !limit.is_zero()))
}

pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    deserializer.deserialize_any(Written {
        expected: "a number of bytes, or a text such as 64KiB or 16MiB",
        text: parse_size,
        number: |number| usize::try_from(number).ok(),
    })
}

pub(super) fn clock<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TemplateClock>, D::Error> {
    let clock = deserializer.deserialize_any(Written {
        expected: "`real`, or a time such as 2024-01-01T00:00:00Z",
        text: |text: &str| text.parse::<TemplateClock>().map_err(|error| error.to_string()),
        number: |_| None,
    });
    clock.map(Some)
}

#[derive(serde::Deserialize)]
#[serde(remote = "QueueLimits", deny_unknown_fields)]
pub(super) struct WrittenQueueLimits {
    messages: usize,
    #[serde(deserialize_with = "size")]
    bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

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
