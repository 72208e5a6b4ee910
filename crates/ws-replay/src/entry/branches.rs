//! The branches of an entry, in both of their forms. Their order matters, so that they are no map here.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ReplayCondition;

/// Where an entry may lead when it is done: the first that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayBranches {
    /// Patterns of the message that released it, each with a step. In a file this is an object.
    Patterns(Vec<(String, String)>),
    /// Expressions, each with a step. In a file this is a list.
    Conditions(Vec<ReplayCondition>),
}

impl Serialize for ReplayBranches {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Patterns(branches) => serializer.collect_map(branches.iter().map(|(pattern, step)| (pattern, step))),
            Self::Conditions(branches) => serializer.collect_seq(branches),
        }
    }
}

impl<'de> Deserialize<'de> for ReplayBranches {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EitherForm)
    }
}

struct EitherForm;

impl<'de> Visitor<'de> for EitherForm {
    type Value = ReplayBranches;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of patterns and steps, or a list of conditions and steps")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReplayBranches, A::Error> {
        let mut branches = Vec::new();
        while let Some(branch) = map.next_entry()? {
            branches.push(branch);
        }
        Ok(ReplayBranches::Patterns(branches))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<ReplayBranches, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(ReplayBranches::Conditions)
    }
}
