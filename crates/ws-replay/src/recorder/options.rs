//! What is recorded, and where to.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::output::Output;
use crate::{RecordError, Redaction, ReplayScript};

/// What is recorded, and where to.
///
/// ```
/// use ws_replay::{RecordOptions, Redaction};
///
/// let options = RecordOptions {
///     exclude_pings: true,
///     redact: vec![Redaction::jsonpath("$..password")?, Redaction::regex(r"\b\d{16}\b")?.with("(card)")],
///     ..RecordOptions::to("session.jsonl")
/// };
/// # Ok::<(), ws_replay::RecordError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordOptions {
    /// The file. Nothing is overwritten: it must be new or empty, unless numbers go into its name.
    ///
    /// Numbers go before its extension (`session.1.jsonl`), or in the place of `{n}`, if its name has that. A number
    /// whose file is there already is left out, so a restarted program goes on behind what it wrote before.
    pub file: PathBuf,
    /// Whether each connection gets a file of its own, with a number in its name; otherwise all are in one. An open
    /// connection then holds a file descriptor.
    #[serde(default)]
    pub per_connection: bool,
    /// Whether pings and pongs are left out.
    #[serde(default)]
    pub exclude_pings: bool,
    /// What is replaced in all texts.
    #[serde(default)]
    pub redact: Vec<Redaction>,
    /// The size in bytes at which a file is full: 64 MiB by default, the most that can be played. `None`: never.
    #[serde(default = "largest_that_plays")]
    pub max_bytes: Option<u64>,
    /// What happens when a file is full: the recording goes on in a new one with the next number in its name, between
    /// two entries. If not, it ends there.
    #[serde(default)]
    pub rotate: bool,
}

fn largest_that_plays() -> Option<u64> {
    Some(ReplayScript::MAX_FILE_BYTES)
}

impl RecordOptions {
    /// Everything, into one file.
    pub fn to(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            per_connection: false,
            exclude_pings: false,
            redact: Vec::new(),
            max_bytes: largest_that_plays(),
            rotate: false,
        }
    }

    pub(super) fn check(&self) -> Result<(), RecordError> {
        match self.max_bytes {
            Some(found) if found < Output::LEAST_BYTES => {
                Err(RecordError::MaxBytes { least: Output::LEAST_BYTES, found })
            }
            None if self.rotate => Err(RecordError::NeverRotates),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_reads_as_the_literal() {
        let read: RecordOptions = serde_json::from_str(
            r#"{"file": "a.jsonl", "redact": [{"jsonpath": "$.token"}, {"regex": "x+", "with": "y"}], "max_bytes": null}"#,
        )
        .unwrap();
        let redact = vec![Redaction::jsonpath("$.token").unwrap(), Redaction::regex("x+").unwrap().with("y")];
        assert_eq!(read, RecordOptions { redact, max_bytes: None, ..RecordOptions::to("a.jsonl") });
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<RecordOptions>(&written).unwrap(), read);
        assert_eq!(serde_json::from_str::<RecordOptions>(r#"{"file": "a"}"#).unwrap(), RecordOptions::to("a"),);
        assert!(serde_json::from_str::<RecordOptions>(r#"{"file": "a", "pings": true}"#).is_err());
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let problem = |options: RecordOptions| options.check().unwrap_err().to_string();
        let base = || RecordOptions::to("a");
        assert_eq!(
            problem(RecordOptions { max_bytes: Some(4095), ..base() }),
            "`max_bytes`: expected 4096 or more, found 4095"
        );
        assert_eq!(
            problem(RecordOptions { max_bytes: None, rotate: true, ..base() }),
            "`rotate` has no meaning without `max_bytes`"
        );
    }
}
