//! How many bytes pass in a time, as people write it. What it allows at a moment is `Pace`'s business.

use serde::{Deserialize, Serialize};

use crate::error::Problems;
use crate::plan::MAX_DELAY_MS;

/// A limit on bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Bandwidth {
    /// How many bytes pass in a second on average; at least 1.
    pub bytes_per_second: u64,
    /// How many bytes pass at once after a pause; at least 1. By default, what passes in a tenth of a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u64>,
}

impl Bandwidth {
    /// `bytes_per_second`, with the default burst.
    #[must_use]
    pub const fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, burst: None }
    }

    pub(crate) fn check(&self, mut problems: Problems<'_>) {
        problems.in_range("bytes_per_second", self.bytes_per_second, 1, u64::MAX);
        if let Some(burst) = self.burst {
            problems.in_range("burst", burst, 1, u64::MAX);
        }
    }
}

/// A slow drip: a few bytes, a pause, a few bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Drip {
    /// How many bytes pass at a time; at least 1.
    pub bytes: u64,
    /// How many milliseconds there are from one time to the next: 1 to 86,400,000, a day.
    pub every_ms: u64,
}

impl Drip {
    pub(crate) fn check(&self, mut problems: Problems<'_>) {
        problems.in_range("bytes", self.bytes, 1, u64::MAX);
        problems.in_range("every_ms", self.every_ms, 1, MAX_DELAY_MS);
    }
}
