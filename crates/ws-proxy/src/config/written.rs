//! Values as people write them in files: `5s`, `64KiB`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// Reads `200ms`, `5s`, `1m 30s`, or 0.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Written {
        expected: "a number and a unit, such as 200ms, 5s or 1m",
        text: |text| match text {
            "0" => Some(Duration::ZERO),
            text => SignedDuration::from_str(text).ok()?.try_into().ok(),
        },
        number: |number| (number == 0).then_some(Duration::ZERO),
    })
}

/// Reads a number of bytes, or one with a unit.
pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    deserializer.deserialize_any(Written {
        expected: "a number of bytes, or a text such as 64KiB or 16MiB",
        text: bytes,
        number: |number| number.try_into().ok(),
    })
}

fn bytes(text: &str) -> Option<usize> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit: usize = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "kib" => 1 << 10,
        "mb" => 1000 * 1000,
        "mib" => 1 << 20,
        "gb" => 1000 * 1000 * 1000,
        "gib" => 1 << 30,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

/// How a duration looks to an editor.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum DurationSchema {
    /// A number and a unit, such as 200ms, 5s or 1m.
    Text(String),
    /// No time at all.
    Zero(u64),
}

/// How a size looks to an editor.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum SizeSchema {
    /// Bytes.
    Bytes(u64),
    /// A number and a unit, such as 64KiB.
    Text(String),
}

/// A text or a number that stands for a `T`.
struct Written<T> {
    expected: &'static str,
    text: fn(&str) -> Option<T>,
    number: fn(u64) -> Option<T>,
}

impl<T> Visitor<'_> for Written<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        (self.number)(number).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self.expected))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self.expected)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.text)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self.expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let sizes = [("0", 0), ("65536", 65_536), ("64KiB", 65_536), ("16 MiB", 16_777_216), ("2kb", 2_000), ("1b", 1)];
        for (text, expected) in sizes {
            assert_eq!(bytes(text), Some(expected), "{text}");
        }
        for text in ["", "KiB", "16M", "1.5MiB", "-1", "99999999999999GiB", "18446744073709551616"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
