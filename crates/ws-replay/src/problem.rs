//! What is wrong or doubtful in a replay file, and where.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use ws_core::HandlerError;

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
/// It displays as `file:line:column: what was expected`, the form in which editors and CI systems find the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    source_name: Arc<str>,
    position: Option<Position>,
    kind: ProblemKind,
}

impl Problem {
    pub(crate) fn new(source_name: Arc<str>, position: Option<Position>, kind: ProblemKind) -> Self {
        Self { source_name, position, kind }
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

    /// If it says that entries behind the close on `line` are never reached: they are `count`.
    pub(crate) fn count_unreached(&mut self, closes: usize, count: usize) {
        match &mut self.kind {
            ProblemKind::NeverReached { line, entries } if *line == closes => *entries = count,
            _ => {}
        }
    }

    /// The beginning of its line, up to what it is.
    pub(crate) fn place(&self) -> String {
        let name = &self.source_name;
        match self.position {
            Some(Position { line, column }) => format!("{name}:{line}:{column}: "),
            None => format!("{name}: "),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place(), self.kind)
    }
}

/// What can be wrong or doubtful in a replay file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The file is larger than a script may be.
    #[error("is larger than {} MiB, the most that a replay file may have", .limit / (1024 * 1024))]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The file is not text.
    #[error("expected UTF-8 text, found a byte that is not")]
    NotUtf8,
    /// The text is not JSON here.
    #[error("expected JSON: {0}")]
    Json(String),
    /// Nothing in the file is JSON.
    #[error(
        "expected JSON: a replay file has one object a line, such as {{\"ts\": 0, \"text\": \"hello\"}}, or is one array of such objects"
    )]
    NotJson,
    /// The entries are inside an object.
    #[error(
        "the entries stand inside an object, behind `{key}`: let the file be their array alone, or have one entry a line"
    )]
    ListInObject {
        /// The key behind which they stand.
        key: String,
    },
    /// A value that is not an object stands where an entry should.
    #[error("expected an entry such as {{\"ts\": 0, \"text\": \"hello\"}}, found {found}")]
    NotAnEntry {
        /// What stands there instead.
        found: &'static str,
    },
    /// A key that entries do not have.
    #[error("unknown key `{key}`{}", did_you_mean(*.nearest))]
    UnknownKey {
        /// The key.
        key: String,
        /// The known key that it resembles most.
        nearest: Option<&'static str>,
    },
    /// A key that the entry has already, perhaps in its other spelling.
    #[error("`{0}` is given twice in this entry")]
    GivenTwice(&'static str),
    /// A value of the wrong type or out of range.
    #[error("`{key}`: expected {expected}, found {found}")]
    WrongValue {
        /// The key.
        key: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What stands there instead.
        found: String,
    },
    /// An entry that is earlier than the one before it.
    #[error("`ts`: expected {before} or more, the `ts` of the entry before it, found {found}")]
    GoesBack {
        /// The `ts` of the entry before.
        before: u64,
        /// The `ts` of this entry.
        found: u64,
    },
    /// A regex or JSONPath that does not compile.
    #[error("`waitFor`: {0}")]
    Pattern(String),
    /// A token of a template that is meant as JSONPath and does not compile.
    #[error("`text`: in `{token}`: {reason}")]
    TokenPath {
        /// The token, with its braces.
        token: String,
        /// Why it does not compile.
        reason: String,
    },
    /// A ping or pong whose payload does not fit.
    #[error("`text`: expected at most {limit} bytes in a ping or pong, found {found}")]
    LongPing {
        /// The limit in bytes.
        limit: usize,
        /// The length in bytes.
        found: usize,
    },
    /// A mark that says what a file or a session is, behind the beginning of it.
    #[error("`{key}` must stand before {rest}")]
    NotFirst {
        /// The key.
        key: &'static str,
        /// What it must stand before.
        rest: &'static str,
    },
    /// A binary message that is not base64.
    #[error("`text`: expected base64, as `binary` is true: {0}")]
    Base64(String),
    /// A close code that must not be sent.
    #[error(
        "`code`: expected 1000-1003, 1007-1014 or 3000-4999 (RFC 6455, section 7.4), 1005 for none or 1006 for no Close frame, found {0}"
    )]
    CloseCode(u64),
    /// A close reason that does not fit into a Close frame.
    #[error("`reason`: expected at most {limit} bytes, found {found}")]
    LongReason {
        /// The limit in bytes.
        limit: usize,
        /// The length in bytes.
        found: usize,
    },
    /// A key that means nothing without another.
    #[error("`{key}` has no meaning without {needs}")]
    Needs {
        /// The key.
        key: &'static str,
        /// What is missing.
        needs: &'static str,
    },
    /// Two keys that exclude each other.
    #[error("`{key}` has no meaning {beside}")]
    Excluded {
        /// The key.
        key: &'static str,
        /// What it does not go with.
        beside: &'static str,
    },
    /// An outgoing entry that does nothing.
    #[error("expected `text` or `close`: this entry sends nothing")]
    SendsNothing,
    /// An incoming entry that says nothing about the message.
    #[error("expected `text` or `waitFor`: this entry says nothing about the message that should come in")]
    ExpectsNothing,
    /// Entries behind the one that closes the connection; the first of them has the place.
    #[error("{}: line {line} closes the connection", never_reached(*.entries))]
    NeverReached {
        /// The line of the entry that closes.
        line: usize,
        /// How many entries stand behind it.
        entries: usize,
    },
    /// Doubtful: the file has no entries.
    #[error("has no entries: it will play nothing")]
    NoEntries,
    /// Doubtful: something in braces that is no token.
    #[error("`text`: unknown token `{token}` is sent as it stands{}", did_you_mean(.nearest.as_deref()))]
    UnknownToken {
        /// The token, with its braces.
        token: String,
        /// The known token that it resembles most, with its braces.
        nearest: Option<String>,
    },
    /// Doubtful: braces that open and do not close.
    #[error("`text`: `{{{{` without `}}}}` is sent as it stands: `{0}`")]
    UnclosedToken(String),
    /// Doubtful: a token that takes something from a client message, where none has released a wait before.
    #[error("`text`: `{0}` is sent as it stands: no `waitFor` or `in` entry comes before it")]
    NoMessage(String),
    /// Doubtful: a token for a group that the regex of the wait does not have.
    #[error("`text`: `{0}` is sent as it stands: the pattern that was waited for last has no such group")]
    NoGroup(String),
    /// Doubtful: the last line of a recording has no end, and is left out.
    #[error("the last line is broken and left out: the recording ended in the middle of it")]
    BrokenLastLine,
    /// Doubtful: a recording that lacks something.
    #[error("something is missing here: {0}")]
    Truncated(String),
    /// Doubtful: a close code that was recorded and cannot be sent.
    #[error("`code`: {0} may not be sent: the Close frame will have no code")]
    UnsendableCode(u64),
    /// Doubtful: an incoming entry whose example does not match its own pattern.
    #[error("`text` does not match `waitFor` of the same entry; only `waitFor` is looked at")]
    ExampleDiffers,
}

impl ProblemKind {
    /// Whether a file with it still plays: a doubt, not a mistake.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::NoEntries
                | Self::UnknownToken { .. }
                | Self::UnclosedToken(_)
                | Self::NoMessage(_)
                | Self::NoGroup(_)
                | Self::ExampleDiffers
                | Self::BrokenLastLine
                | Self::Truncated(_)
                | Self::UnsendableCode(_)
        )
    }
}

/// The reason of a pattern that does not compile, without the name of its sort of error.
pub(crate) fn pattern_reason(error: HandlerError) -> String {
    match error {
        HandlerError::PatternError(reason) => reason,
        other => other.to_string(),
    }
}

fn never_reached(entries: usize) -> String {
    match entries {
        0 | 1 => "this entry is never reached".to_owned(),
        n => format!("this entry and the {} after it are never reached", n - 1),
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}

/// Everything that was found in a replay file that does not play: at least one mistake, and the doubts beside it.
///
/// It displays with one line for each mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayErrors {
    pub(crate) errors: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) not_listed: usize,
}

impl ReplayErrors {
    pub(crate) fn single(problem: Problem) -> Self {
        Self { errors: vec![problem], warnings: Vec::new(), not_listed: 0 }
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
