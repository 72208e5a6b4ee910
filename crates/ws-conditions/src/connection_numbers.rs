//! Which connections are meant, by their number.

use std::fmt::{self, Display};
use std::ops::{RangeFrom, RangeInclusive};
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A range of connections, counted from 1: `3` is the third, `1-2` the first two, `3-` all from the third on.
///
/// ```
/// use ws_conditions::ConnectionNumbers;
///
/// let numbers: ConnectionNumbers = "3-".parse()?;
/// assert!(numbers.contains(3) && !numbers.contains(2));
/// assert_eq!(numbers, ConnectionNumbers::from(3..));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionNumbers {
    first: u64,
    /// `None` is without end.
    last: Option<u64>,
}

impl ConnectionNumbers {
    /// Whether connection `number` is meant.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        self.first <= number && self.last.is_none_or(|last| number <= last)
    }

    /// Says what is wrong, if no connection can have such a number.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.first == 0 {
            return Some("connections are counted from 1".to_owned());
        }
        let backwards = self.last.is_some_and(|last| last < self.first);
        backwards.then(|| format!("`{self}` ends before it begins"))
    }
}

impl From<u64> for ConnectionNumbers {
    fn from(number: u64) -> Self {
        Self { first: number, last: Some(number) }
    }
}

impl From<RangeInclusive<u64>> for ConnectionNumbers {
    fn from(range: RangeInclusive<u64>) -> Self {
        Self { first: *range.start(), last: Some(*range.end()) }
    }
}

impl From<RangeFrom<u64>> for ConnectionNumbers {
    fn from(range: RangeFrom<u64>) -> Self {
        Self { first: range.start, last: None }
    }
}

impl Display for ConnectionNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last {
            None => write!(f, "{}-", self.first),
            Some(last) if last == self.first => write!(f, "{last}"),
            Some(last) => write!(f, "{}-{last}", self.first),
        }
    }
}

impl FromStr for ConnectionNumbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| {
            let number = text.trim().parse::<u64>();
            number.map_err(|_| EXPECTED.to_owned())
        };
        let numbers = match text.split_once('-') {
            None => Self::from(number(text)?),
            Some((first, last)) if last.trim().is_empty() => Self::from(number(first)?..),
            Some((first, last)) => Self::from(number(first)?..=number(last)?),
        };
        numbers.problem().map_or(Ok(numbers), Err)
    }
}

const EXPECTED: &str = "expected numbers of connections, such as 3, \"1-2\" or \"3-\"";

impl Serialize for ConnectionNumbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ConnectionNumbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumbersVisitor)
    }
}

/// A single number needs no quotes.
struct NumbersVisitor;

impl Visitor<'_> for NumbersVisitor {
    type Value = ConnectionNumbers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED.trim_start_matches("expected "))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        let numbers = ConnectionNumbers::from(number);
        numbers.problem().map_or(Ok(numbers), |problem| Err(E::custom(problem)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        let number = u64::try_from(number);
        number.map_or_else(|_| Err(E::custom(EXPECTED)), |number| self.visit_u64(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ConnectionNumbers {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ConnectionNumbers".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A range of connections, counted from 1.",
            "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": r"^\s*\d+\s*(-\s*(\d+\s*)?)?$", "examples": ["1-2", "3-"] },
            ]
        })
    }
}
