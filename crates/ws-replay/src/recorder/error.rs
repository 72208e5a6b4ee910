//! Why a recording cannot begin.

use std::io;
use std::path::PathBuf;

/// Why a recording cannot begin. Once it has begun nothing fails: see [`Recorder`](crate::Recorder).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file has something in it already.
    #[error("`{}` has something in it already, and a recording overwrites nothing: remove it or name another file", .file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The file, or the directory in which it should be, cannot be written.
    #[error("cannot record to `{}`: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no room for anything.
    #[error("`max_bytes`: expected {least} or more, found {found}")]
    MaxBytes {
        /// The least that is accepted.
        least: u64,
        /// What was given.
        found: u64,
    },
    /// New files should begin when one is full, and it is never full.
    #[error("`rotate` has no meaning without `max_bytes`")]
    NeverRotates,
    /// A redaction that does not say what to redact, or not in a way that compiles.
    #[error("`redact`: {0}")]
    Redaction(String),
    /// The writer's thread cannot start.
    #[error("cannot start the recorder's thread: {0}")]
    Thread(#[source] io::Error),
}
