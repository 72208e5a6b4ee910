//! What the journal keeps.

use serde::Deserialize;

use super::written;

/// What the [`Journal`](crate::Journal) of a server keeps of what passes.
///
/// ```
/// use ws_server::{JournalConfig, WsConfig};
///
/// let journal = JournalConfig { events: 1_000, ..JournalConfig::default() };
/// let config = WsConfig { journal, ..WsConfig::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JournalConfig {
    /// Whether there is one; true by default.
    pub enabled: bool,
    /// How many events are kept of what comes from clients and happens to them, and as many again of what is sent; 10,000 by
    /// default. Each test has as many of its own.
    #[serde(deserialize_with = "written::at_least_one")]
    #[cfg_attr(feature = "schema", schemars(with = "written::AtLeastOneSchema"))]
    pub events: usize,
    /// How much memory all of them take together, those of all tests included; 16 MiB by default.
    #[serde(deserialize_with = "written::size")]
    #[cfg_attr(feature = "schema", schemars(with = "written::SizeSchema"))]
    pub bytes: usize,
    /// How much is kept of one message; 256 KiB by default. What is longer is cut.
    #[serde(deserialize_with = "written::size")]
    #[cfg_attr(feature = "schema", schemars(with = "written::SizeSchema"))]
    pub body: usize,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { enabled: true, events: 10_000, bytes: 16 * 1024 * 1024, body: 256 * 1024 }
    }
}
