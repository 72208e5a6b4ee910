//! Why events cannot be written, or no more of them.

use std::io;
use std::path::PathBuf;

use ws_replay::ReplayErrors;

use crate::ProviderError;

/// Why events cannot be written, or no more of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AiError {
    /// A field of the configuration has a value with which no events can be written.
    #[error("{field}: {problem}")]
    Config {
        /// The field of [`WebSocketAiConfig`](crate::WebSocketAiConfig).
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The schema of the events cannot be used.
    #[error("{}: {problem}", file.display())]
    Schema {
        /// The file that it is in.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The provider failed, also when it was asked again.
    #[error("{0}")]
    Provider(#[from] ProviderError),
    /// What the provider wrote stayed invalid, also when it was asked again.
    #[error("the provider wrote no valid event in {attempts} attempts: {reason}")]
    Invalid {
        /// How often it was asked.
        attempts: u32,
        /// What was wrong with the last one.
        reason: String,
    },
    /// What may be spent is spent.
    #[error(transparent)]
    Budget(#[from] BudgetSpent),
    /// A replay script is not one.
    #[error(transparent)]
    Replay(#[from] ReplayErrors),
    /// A replay script cannot be enriched there.
    #[error("{script}: {problem}")]
    Augment {
        /// The script, with the line if there is one.
        script: String,
        /// What is wrong.
        problem: String,
    },
    /// A replay file cannot be written.
    #[error("cannot be written: {0}")]
    Write(io::Error),
    /// A file cannot be read or written.
    #[error("{}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl AiError {
    pub(crate) fn config(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Config { field, problem: problem.into() }
    }
}

/// Which limit of [`AiLimits`](crate::AiLimits) is reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the budget is spent: {limit} is {value}")]
pub struct BudgetSpent {
    /// The field of [`AiLimits`](crate::AiLimits).
    pub limit: &'static str,
    /// Its value.
    pub value: String,
}
