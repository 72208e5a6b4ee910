//! What a journal answers.

use serde::Serialize;

use super::JournalQuery;
use super::event::JournalEvent;

/// The events that were found.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Found {
    /// The events, as many as were asked for.
    pub events: Vec<JournalEvent>,
    /// Whether there are more of them.
    pub more: bool,
    /// The number of the latest event that the journal has seen: what comes later has a greater one.
    pub last_seq: u64,
    /// How many events that might have been meant are no longer kept.
    pub evicted: u64,
    /// How many messages are cut, so that the pattern could not be asked of them.
    pub undecided: u64,
}

impl Found {
    /// What several journals answered to one query, as one answer.
    #[must_use]
    pub fn merged(parts: impl IntoIterator<Item = Self>, query: &JournalQuery) -> Self {
        let mut merged = Self::default();
        for part in parts {
            merged.events.extend(part.events);
            merged.more |= part.more;
            merged.last_seq = merged.last_seq.max(part.last_seq);
            merged.evicted += part.evicted;
            merged.undecided += part.undecided;
        }
        if query.newest_first {
            merged.events.sort_by_key(|event| std::cmp::Reverse(event.seq));
        } else {
            merged.events.sort_by_key(|event| event.seq);
        }
        merged.more |= merged.events.len() > query.limit;
        merged.events.truncate(query.limit);
        merged
    }
}

/// How many events there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Counted {
    /// How many.
    pub count: u64,
    /// As [`Found::last_seq`].
    pub last_seq: u64,
    /// As [`Found::evicted`].
    pub evicted: u64,
    /// As [`Found::undecided`].
    pub undecided: u64,
}

/// What came of waiting.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Waited {
    /// Whether there were as many as were waited for.
    pub matched: bool,
    /// How many there were.
    pub count: u64,
    /// The first 100 of them; fewer, if they are large.
    pub events: Vec<JournalEvent>,
    /// The messages that came nearest to the pattern, the nearest first, where there were not enough.
    pub nearest: Vec<NearMissed>,
    /// As [`Found::last_seq`].
    pub last_seq: u64,
    /// As [`Found::evicted`].
    pub evicted: u64,
    /// As [`Found::undecided`].
    pub undecided: u64,
}

/// A message that a pattern did not match, though it came near.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct NearMissed {
    /// The number of the event.
    pub seq: u64,
    /// The beginning of its text.
    pub text: String,
    /// The first thing that was different.
    pub difference: String,
    /// How near it came, from 0 (not at all) to 1 (nearly the same).
    pub closeness: f64,
}
