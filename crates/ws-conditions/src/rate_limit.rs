//! A limit on messages as people write it, and what happens above it. Counting is `RateLimiter`'s business.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Problems;
use crate::{ConditionsError, RateLimiter};

/// How many messages from clients are taken in a time, and what happens to more.
///
/// In a configuration file:
///
/// ```yaml
/// rate_limit: { messages: 5, per_ms: 1000, over: error }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateLimit {
    /// How many messages pass in each window; at least 1.
    pub messages: u32,
    /// How long a window lasts; at least 1 ms. In a configuration file it is `per_ms`.
    #[serde(rename = "per_ms", with = "milliseconds")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub per: Duration,
    /// What happens to messages above the limit.
    #[serde(default)]
    pub over: OverLimit,
}

/// What happens to a message above the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OverLimit {
    /// It is dropped in silence.
    #[default]
    Drop,
    /// It waits for the next window; meanwhile nothing is read.
    Delay,
    /// It is dropped, and its sender is told in a message.
    Error,
    /// The connection is closed with code 1008.
    Close,
}

impl RateLimit {
    /// `messages` per `per`; more are dropped.
    #[must_use]
    pub const fn new(messages: u32, per: Duration) -> Self {
        Self { messages, per, over: OverLimit::Drop }
    }

    /// Chooses what happens to more.
    #[must_use]
    pub const fn over(mut self, over: OverLimit) -> Self {
        self.over = over;
        self
    }

    /// A limiter that counts by this limit. Whoever shares it, a connection, a handler or a server, shares the limit.
    ///
    /// # Errors
    /// [`ConditionsError`] names `messages` or `per_ms` when it is 0.
    pub fn limiter(&self) -> Result<RateLimiter, ConditionsError> {
        Problems::collect(|problems| {
            problems.in_range("messages", self.messages.into(), 1, u64::MAX);
            problems.in_range("per_ms", milliseconds::of(self.per), 1, u64::MAX);
            RateLimiter::new(self.messages, self.per)
        })
    }
}

mod milliseconds {
    //! A duration as a number of milliseconds.

    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn of(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(of(*duration))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
