//! What can go wrong with scripts, each with its place in the file as it was written.

use std::fmt;

/// What kind of mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScriptErrorKind {
    /// The folder or a file cannot be read, or there are too many.
    Read,
    /// It is no JavaScript, or no handler: it cannot be loaded.
    Load,
    /// The script threw, or a promise was rejected.
    Thrown,
    /// A turn ran longer than allowed.
    Time,
    /// The script used more memory than allowed.
    Memory,
    /// The script was ended, by its own fault or by a reload, while it was asked.
    Gone,
}

/// One mistake: `chat.js:12:3: TypeError: not a function`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptError {
    /// What kind of mistake it is.
    pub kind: ScriptErrorKind,
    /// The file, from the folder of scripts, with slashes.
    pub file: String,
    /// The line, from 1, if it is known. In an endless loop it is that of the statement before the loop or of the function.
    pub line: Option<u32>,
    /// The column, from 1, if it is known.
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
}

impl ScriptError {
    pub(crate) fn new(kind: ScriptErrorKind, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, file: file.into(), line: None, column: None, message: message.into() }
    }

    pub(crate) fn at(self, line: u32, column: u32) -> Self {
        Self { line: Some(line), column: Some(column), ..self }
    }

    /// Whether a limit was hit: time or memory.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(self.kind, ScriptErrorKind::Time | ScriptErrorKind::Memory)
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for ScriptError {}

/// Every mistake that was found in one run; there is at least one. One a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptErrors(Vec<ScriptError>);

impl ScriptErrors {
    /// The errors, or nothing if there are none.
    pub(crate) fn of(errors: Vec<ScriptError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self(errors)) }
    }

    /// The mistakes, in order of their files.
    pub fn iter(&self) -> impl Iterator<Item = &ScriptError> {
        self.0.iter()
    }
}

impl From<ScriptError> for ScriptErrors {
    fn from(error: ScriptError) -> Self {
        Self(vec![error])
    }
}

impl IntoIterator for ScriptErrors {
    type Item = ScriptError;
    type IntoIter = std::vec::IntoIter<ScriptError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for ScriptErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ScriptErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_where_they_are() {
        let error = ScriptError::new(ScriptErrorKind::Thrown, "lib/a.js", "Error: x");
        assert_eq!(error.to_string(), "lib/a.js: Error: x");
        assert_eq!(error.clone().at(3, 7).to_string(), "lib/a.js:3:7: Error: x");
        assert_eq!(
            ScriptErrors(vec![error.clone(), error.at(1, 2)]).to_string(),
            "lib/a.js: Error: x\nlib/a.js:1:2: Error: x"
        );
        assert!(ScriptErrors::of(Vec::new()).is_ok());
    }
}
