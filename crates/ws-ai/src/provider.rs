//! Who writes events.

mod api_key;
pub(crate) mod choice;
mod embedded;
#[cfg(feature = "openai")]
mod openai;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use jiff::Timestamp;
use serde_json::Value;

use crate::Draft;
pub use choice::PROVIDER_NAMES;
pub use embedded::EmbeddedProvider;

/// Who writes events. One provider serves all clients; for each, it has a [`Narrator`].
pub trait Provider: Send + Sync {
    /// How it is called in logs, with its model and its place: never with a secret.
    fn name(&self) -> String;

    /// What, beside the request, its answers depend on: they are kept under this. `None`: they are not worth keeping.
    fn cache_identity(&self) -> Option<String>;

    /// How many events it is best asked for at once.
    fn events_per_call(&self) -> usize;

    /// Whether it writes at once and costs nothing. It is then asked for each event when that is due, so that what a client
    /// says acts with the next event; limits do not apply, and nothing is kept.
    fn is_instant(&self) -> bool {
        false
    }

    /// Begins the story of one client.
    fn narrator(&self, story: &StoryFacts) -> Box<dyn Narrator>;
}

/// Which story is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoryFacts {
    /// The path of the client.
    pub path: String,
    /// The how-manieth client of its path it is, from 0.
    pub number: u64,
    /// What makes all that is random repeat, together with the path and the number.
    pub seed: u64,
}

impl StoryFacts {
    /// The story of the client `number` of `path`.
    #[must_use]
    pub fn new(path: impl Into<String>, number: u64, seed: u64) -> Self {
        Self { path: path.into(), number, seed }
    }
}

/// Writes the events of one client.
pub trait Narrator: Send {
    /// Begins to write. What comes is text, piece by piece, that holds events as JSON; whoever drops the stream stops the
    /// writing.
    fn write(&mut self, request: Arc<Request>) -> Pieces;
}

/// What comes of a request.
pub type Pieces = BoxStream<'static, Result<Piece, ProviderError>>;

/// What is to be written next.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Request {
    /// What happens, in words.
    pub narrative: Arc<str>,
    /// How many events are wanted.
    pub wanted: usize,
    /// The JSON Schema of their `data`, if there is one.
    pub event_schema: Option<Arc<Value>>,
    /// The last events, the latest at the end; none, if the story shall not evolve.
    pub recent: Vec<Draft>,
    /// What the client has said since the request before, the latest at the end.
    pub said: Vec<String>,
    /// The number of the first event that is wanted, from 1.
    pub first_sequence: u64,
    /// When the first event that is wanted happens. What of an answer depends on it cannot be kept.
    pub first_time: Timestamp,
    /// How long after each event the next one happens.
    pub step: Duration,
    /// Why earlier answers to this request were not taken.
    pub complaints: Vec<String>,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// Text.
    Text(String),
    /// What the whole answer cost.
    Usage {
        /// Tokens of the request.
        prompt: u64,
        /// Tokens of the answer.
        completion: u64,
    },
}

/// Why a provider did not write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderError {
    /// What kind of failure it is.
    pub kind: ProviderErrorKind,
    /// What is wrong, in words, with nothing secret in them.
    pub message: String,
    /// How long the provider wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderErrorKind {
    /// It answered with this HTTP status.
    Status(u16),
    /// It cannot be reached.
    Connect,
    /// It took too long.
    Timeout,
    /// Its answer broke off.
    Cut,
    /// Its answer is not what its API promises.
    Malformed,
}

impl ProviderError {
    /// A failure.
    #[must_use]
    pub fn new(kind: ProviderErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }

    /// Whether it may go better next time.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.kind {
            ProviderErrorKind::Status(code) => matches!(code, 408 | 409 | 425 | 429 | 500..),
            ProviderErrorKind::Connect
            | ProviderErrorKind::Timeout
            | ProviderErrorKind::Cut
            | ProviderErrorKind::Malformed => true,
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ProviderError {}
