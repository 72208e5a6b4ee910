//! Why a load did not come to anything.

use crate::plan::PlanError;
use crate::tally::Failure;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The plan cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The address of a target is not known.
    #[error("cannot find {target}: {reason}")]
    Unknown {
        /// As it was written.
        target: String,
        /// What the system says.
        reason: String,
    },
    /// Not one connection could be opened.
    #[error("no connection could be opened: {failure}{}", of(.example))]
    NoConnection {
        /// What failed most often.
        failure: Failure,
        /// How it was put.
        example: String,
    },
    /// The system gives us no thread, no runtime or no timer.
    #[error("the system does not give us what a load needs")]
    Start(#[source] std::io::Error),
}

fn of(example: &str) -> String {
    if example.is_empty() { String::new() } else { format!(": {example}") }
}
