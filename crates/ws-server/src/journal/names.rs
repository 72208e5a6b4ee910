//! Words for what ws-core has as enums, where the journal is written down.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;
use ws_core::{Direction, EndStatus, Origin};

/// An enum whose variants have a word each.
pub(super) trait Named: Copy + 'static {
    const ALL: &'static [Self];

    fn name(self) -> &'static str;
}

macro_rules! named {
    ($($name:ty)*) => { $(
        impl Named for $name {
            const ALL: &'static [Self] = <$name>::ALL;

            fn name(self) -> &'static str {
                self.as_str()
            }
        }
    )* };
}

named! { Direction EndStatus Origin }

pub(super) fn serialize<T: Named, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.name())
}

/// One of the words, or nothing.
pub(super) fn option<'de, T: Named, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct OneOf<T>(std::marker::PhantomData<T>);

    impl<'de, T: Named> Visitor<'de> for OneOf<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let words: Vec<_> = T::ALL.iter().map(|value| format!("`{}`", value.name())).collect();
            write!(f, "one of {}", words.join(", "))
        }

        fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_str(self)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let found = T::ALL.iter().copied().find(|value| value.name() == text);
            found.map(Some).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }

    deserializer.deserialize_option(OneOf(std::marker::PhantomData))
}

/// How these words look in a description of the API.
#[cfg(feature = "admin")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Direction, EndStatus, Named, Origin};

    macro_rules! words_of {
        ($($schema:ident: $name:ty)*) => { $(
            pub(in crate::journal) struct $schema;

            impl JsonSchema for $schema {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    let words: Vec<_> = <$name>::ALL.iter().map(|value| value.name()).collect();
                    json_schema!({ "type": "string", "enum": words })
                }
            }
        )* };
    }

    words_of! { DirectionSchema: Direction EndStatusSchema: EndStatus OriginSchema: Origin }
}
#[cfg(feature = "admin")]
pub(super) use schema::{DirectionSchema, EndStatusSchema, OriginSchema};
