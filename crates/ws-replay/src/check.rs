//! What `mockforge check` says of a replay file.

use std::fmt;
use std::io::Read;
use std::path::Path;

use crate::{Problem, ReplayErrors, ReplayScript, Summary};

/// Everything that was found in a replay file, and what it holds if it plays.
///
/// It displays with one line for each finding, and a last line that sums up.
///
/// ```
/// use ws_replay::CheckReport;
///
/// let report = CheckReport::of_text(r#"{"text": "{{uiud}}"}"#, "demo.jsonl");
/// assert!(report.passed());
/// assert_eq!(
///     report.to_string(),
///     "demo.jsonl:1:10: warning: `text`: unknown token `{{uiud}}` is sent as it stands; did you mean `{{uuid}}`?\n\
///      demo.jsonl: plays, with 1 warning: 1 entry, 0 waits, 0 s"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    name: String,
    outcome: Result<Summary, ReplayErrors>,
    warnings: Vec<Problem>,
}

impl CheckReport {
    /// Reads and checks a file. This blocks while it reads.
    #[must_use]
    pub fn of_file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Self::new(path.display().to_string(), ReplayScript::load(path))
    }

    /// Reads and checks what `reader` gives, which problems will call `name`. This blocks while it reads.
    #[must_use]
    pub fn of_reader(reader: impl Read, name: &str) -> Self {
        Self::new(name.to_owned(), ReplayScript::read(reader, name))
    }

    /// Checks the text of a file, which problems will call `name`.
    #[must_use]
    pub fn of_text(text: &str, name: &str) -> Self {
        Self::new(name.to_owned(), ReplayScript::parse(text, name))
    }

    fn new(name: String, read: Result<ReplayScript, ReplayErrors>) -> Self {
        let warnings = match &read {
            Ok(script) => script.warnings(),
            Err(errors) => errors.warnings(),
        };
        Self { name, warnings: warnings.to_vec(), outcome: read.map(|script| script.summary()) }
    }

    /// Whether the file plays: it may have warnings, but no errors.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.outcome.is_ok()
    }

    /// The mistakes, in the order of the file.
    #[must_use]
    pub fn errors(&self) -> &[Problem] {
        self.outcome.as_ref().err().map_or(&[], ReplayErrors::errors)
    }

    /// The doubts, in the order of the file.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What the file holds, if it plays.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        self.outcome.as_ref().ok().copied()
    }
}

/// What is wrong with a file that was found not to play.
impl From<ReplayErrors> for CheckReport {
    fn from(errors: ReplayErrors) -> Self {
        let name = errors.errors().first().map_or("", Problem::source_name).to_owned();
        Self::new(name, Err(errors))
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Err(errors) = &self.outcome {
            writeln!(f, "{errors}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "{}warning: {}", warning.place(), warning.kind())?;
        }
        let warnings = match self.warnings.len() {
            0 => String::new(),
            1 => ", with 1 warning".to_owned(),
            n => format!(", with {n} warnings"),
        };
        match &self.outcome {
            Ok(summary) => write!(f, "{}: plays{warnings}: {summary}", self.name),
            Err(errors) => {
                let count = errors.errors().len() + errors.not_listed();
                let noun = if count == 1 { "error" } else { "errors" };
                write!(f, "{}: {count} {noun}{warnings}", self.name)
            }
        }
    }
}
