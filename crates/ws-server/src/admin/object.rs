//! Objects of JSON: a struct is written as one, and not as the list of its values, which serde would take, too.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Reads a value that is written as an object.
pub(super) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Object(PhantomData))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair {
        one: Option<u8>,
        other: Option<u8>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Either {
        One(u8),
    }

    #[test]
    fn lists_are_no_objects() {
        fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
            super::object(&mut serde_json::Deserializer::from_str(text)).ok()
        }
        assert_eq!(read(r#"{"other": 2}"#), Some(Pair { one: None, other: Some(2) }));
        assert_eq!(read(r#"{"One": 2}"#), Some(Either::One(2)));
        for text in ["[null, null]", "null", "7", "\"x\""] {
            assert_eq!(read::<Pair>(text), None, "{text}");
        }
    }
}
