//! What is wrong or doubtful in a replay file, and where.

mod kind;
mod snippet;

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::source::{Source, Span};
use crate::visible::visible;
pub use kind::ProblemKind;
pub(crate) use kind::{did_you_mean, pattern_reason};
use snippet::Snippet;

/// A place in a file, as editors count: lines and characters from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

/// One mistake or doubt, with its place.
///
/// It displays as `file:line:column: what was expected`, the form in which editors and CI systems find the place;
/// [`in_context`](Self::in_context) shows the place too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    source_name: Arc<str>,
    position: Option<Position>,
    snippet: Option<Snippet>,
    kind: ProblemKind,
}

impl Problem {
    /// A problem of the file as a whole.
    pub(crate) fn of_file(source_name: Arc<str>, kind: ProblemKind) -> Self {
        Self { source_name, position: None, snippet: None, kind }
    }

    /// A problem of a part of a file.
    pub(crate) fn at(source: &Source<'_>, span: Span, kind: ProblemKind) -> Self {
        let position = source.position(span.start);
        let snippet = Snippet::cut(source.line_text(span.line), source.offset_in_line(span), span.length);
        Self { source_name: Arc::clone(source.name()), position: Some(position), snippet, kind }
    }

    /// The file, as it was named by who had it read.
    #[must_use]
    pub fn source_name(&self) -> &str {
        &self.source_name
    }

    /// Where it is; `None` if it is about the file as a whole.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> &ProblemKind {
        &self.kind
    }

    /// It with the line of the file below it, and a mark below what it is about. Long lines are cut; a warning says that it is
    /// one.
    ///
    /// ```
    /// use ws_replay::ReplayScript;
    ///
    /// let errors = ReplayScript::parse(r#"{"ts": 0, "txt": "hello"}"#, "slip.jsonl").unwrap_err();
    /// assert_eq!(
    ///     errors.errors()[0].in_context().to_string(),
    ///     "slip.jsonl:1:11: unknown key `txt`; did you mean `text`?\n  \
    ///        1 | {\"ts\": 0, \"txt\": \"hello\"}\n    \
    ///          |           ^^^^^"
    /// );
    /// ```
    #[must_use]
    pub fn in_context(&self) -> impl fmt::Display + '_ {
        InContext(self)
    }

    /// If it says that entries behind the close on `line` are never reached: they are `count`.
    pub(crate) fn count_unreached(&mut self, closes: usize, count: usize) {
        match &mut self.kind {
            ProblemKind::NeverReached { line, entries } if *line == closes => *entries = count,
            _ => {}
        }
    }

    /// The beginning of its line, up to what it is.
    fn place(&self) -> String {
        let name = &self.source_name;
        match self.position {
            Some(Position { line, column }) => format!("{name}:{line}:{column}: "),
            None => format!("{name}: "),
        }
    }

    /// What it is, in one line: names in a file can hold anything.
    fn what(&self) -> String {
        visible(&self.kind.to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place(), self.what())
    }
}

struct InContext<'p>(&'p Problem);

impl fmt::Display for InContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(problem) = self;
        let sort = if problem.kind.is_warning() { "warning: " } else { "" };
        write!(f, "{}{sort}{}", problem.place(), problem.what())?;
        match (&problem.snippet, problem.position) {
            (Some(snippet), Some(position)) if !problem.kind.is_about_file() => snippet.write(position.line, f),
            _ => Ok(()),
        }
    }
}

/// Everything that was found in a replay file that does not play: at least one mistake, and the doubts beside it.
///
/// It displays with one line for each mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayErrors {
    pub(crate) errors: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) not_listed: usize,
    pub(crate) files: Vec<PathBuf>,
}

impl ReplayErrors {
    pub(crate) fn single(problem: Problem) -> Self {
        Self { errors: vec![problem], warnings: Vec::new(), not_listed: 0, files: Vec::new() }
    }

    /// Says that it was read from `file`.
    pub(crate) fn of_file(mut self, file: &Path) -> Self {
        self.files.insert(0, file.to_owned());
        self
    }

    /// The mistakes, in the order of the file.
    #[must_use]
    pub fn errors(&self) -> &[Problem] {
        &self.errors
    }

    /// The doubts, in the order of the file.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The files that were read, or should have been: the one that was loaded, and those that it names, as far as it was
    /// understood. When one of them changes, it may be worth another try.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// let errors = ws_replay::RuleSet::load("missing.yaml").unwrap_err();
    /// assert!(errors.files().eq([Path::new("missing.yaml")]));
    /// ```
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// How many mistakes were found beyond the thousand that are kept.
    #[must_use]
    pub fn not_listed(&self) -> usize {
        self.not_listed
    }
}

impl fmt::Display for ReplayErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.errors.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        match self.not_listed {
            0 => Ok(()),
            n => write!(f, "\nand {n} more"),
        }
    }
}

impl Error for ReplayErrors {}
