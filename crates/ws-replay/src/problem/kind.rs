//! What can be wrong or doubtful, in words.

use ws_core::HandlerError;

use crate::RuleProblem;

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
    /// The text is not YAML here.
    #[error("{0}")]
    Yaml(String),
    /// Lists and maps stand too deep in each other.
    #[error("is nested more than {most} levels deep")]
    TooDeep {
        /// How deep it may be.
        most: usize,
    },
    /// A key that must be there is not.
    #[error("`{0}` is missing")]
    Missing(&'static str),
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
    /// A regex or JSONPath that does not compile, behind another key than `waitFor`.
    #[error("`{key}`: {reason}")]
    PatternOf {
        /// The key.
        key: &'static str,
        /// Why it does not compile.
        reason: String,
    },
    /// An expression that does not compile.
    #[error("`{key}`: {reason}")]
    Expression {
        /// The key.
        key: &'static str,
        /// Why it does not compile.
        reason: String,
    },
    /// A jump to an entry that is not there.
    #[error("`{key}`: no entry of this session has the step_id `{name}`{}", did_you_mean(.nearest.as_deref()))]
    UnknownStep {
        /// The key.
        key: &'static str,
        /// The name that no entry has.
        name: String,
        /// The name that it resembles most.
        nearest: Option<String>,
    },
    /// A name that another entry of the session has already.
    #[error("`step_id`: the entry in line {line} is called `{name}` already")]
    StepTwice {
        /// The name.
        name: String,
        /// The line of that entry.
        line: usize,
    },
    /// Doubtful: entries that nothing leads to; the first of them has the place.
    #[error("{}: nothing leads here", never_reached(*.entries))]
    Unreachable {
        /// How many entries they are.
        entries: usize,
    },
    /// Doubtful: a name of the state that nothing gives a value.
    #[error(
        "`state.{name}` is read and never set in this file{}",
        did_you_mean(.nearest.as_ref().map(|name| format!("state.{name}")).as_deref())
    )]
    NeverSet {
        /// The name.
        name: String,
        /// The name that is set and that it resembles most.
        nearest: Option<String>,
    },
    /// Doubtful: a name of the state that gets a value that nothing looks at.
    #[error("`state.{name}` is set and never read in this file")]
    NeverRead {
        /// The name.
        name: String,
    },
    /// A stop of an entry that does not go on in the background.
    #[error("`stop`: `{0}` does not go on in the background: it has no `every`, or `repeat` beside it")]
    NotInBackground(String),
    /// A token of a template that is meant as JSONPath and does not compile.
    #[error("`{key}`: in `{token}`: {reason}")]
    TokenPath {
        /// The key of the text.
        key: &'static str,
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
    #[error("`{key}`: unknown token `{token}` is sent as it stands{}", did_you_mean(.nearest.as_deref()))]
    UnknownToken {
        /// The key of the text.
        key: &'static str,
        /// The token, with its braces.
        token: String,
        /// The known token that it resembles most, with its braces.
        nearest: Option<String>,
    },
    /// Doubtful: braces that open and do not close.
    #[error("`{key}`: `{{{{` without `}}}}` is sent as it stands: `{text}`")]
    UnclosedToken {
        /// The key of the text.
        key: &'static str,
        /// The text from the braces on.
        text: String,
    },
    /// Doubtful: a token that is meant as an expression and is none.
    #[error("`{key}`: `{token}` is sent as it stands: {reason}")]
    TokenExpression {
        /// The key of the text.
        key: &'static str,
        /// The token, with its braces.
        token: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Doubtful: a token that takes something from a client message, where none has released a wait before.
    #[error("`{key}`: `{token}` is sent as it stands: no `waitFor` or `in` entry comes before it")]
    NoMessage {
        /// The key of the text.
        key: &'static str,
        /// The token, with its braces.
        token: String,
    },
    /// Doubtful: a token for a group that the regex of the wait does not have.
    #[error("`{key}`: `{token}` is sent as it stands: the pattern that was waited for last has no such group")]
    NoGroup {
        /// The key of the text.
        key: &'static str,
        /// The token, with its braces.
        token: String,
    },
    /// A name in a condition that nothing is known by.
    #[error("unknown name `{name}`{}", did_you_mean(.nearest.as_deref()))]
    UnknownName {
        /// The name.
        name: String,
        /// The known name that it resembles most.
        nearest: Option<String>,
    },
    /// Doubtful: a token in a text that is no template.
    #[error("`{key}`: `{token}` is taken as it stands: this text is no template")]
    NotExpanded {
        /// The key of the text.
        key: &'static str,
        /// The token, with its braces.
        token: String,
    },
    /// Doubtful: an expression that is kept as a text.
    #[error("`{key}`: without braces this is a text and nothing else; did you mean `{meant}`?")]
    WithoutBraces {
        /// The key of the text.
        key: &'static str,
        /// The expression in braces.
        meant: String,
    },
    /// Doubtful: JSON that is written as a text.
    #[error(
        "`{key}`: this is a text in which JSON is written; for an object or a list, leave out the quotes around it"
    )]
    JsonInText {
        /// The key of the text.
        key: &'static str,
    },
    /// Doubtful: a regex with something behind the end of the text.
    #[error("`{key}`: never matches, as `$` is the end of the text in a regex; did you mean `{meant}`?")]
    NothingBehindEnd {
        /// The key of the pattern.
        key: &'static str,
        /// The JSONPath that was probably meant.
        meant: String,
    },
    /// Doubtful: a regex between slashes, as other languages write it.
    #[error("`{key}`: slashes around a regex are a part of it; did you mean `{meant}`?")]
    SlashesInPattern {
        /// The key of the pattern.
        key: &'static str,
        /// The regex that was probably meant.
        meant: String,
    },
    /// Doubtful: what looks like a pattern where it is none.
    #[error("`{key}` is compared to the letter; if this is meant as a pattern, write it behind `{pattern}`")]
    ComparedToTheLetter {
        /// The key of the text.
        key: &'static str,
        /// The key behind which a pattern of that sort stands.
        pattern: &'static str,
    },
    /// What only rules can have.
    #[error(transparent)]
    Rule(#[from] RuleProblem),
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
    /// Whether it is about the whole file, wherever that was noticed.
    pub(super) fn is_about_file(&self) -> bool {
        matches!(self, Self::NotJson)
    }

    /// Whether a file with it still plays: a doubt, not a mistake.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(self, Self::Rule(problem) if problem.is_warning())
            || matches!(
                self,
                Self::NoEntries
                    | Self::Unreachable { .. }
                    | Self::NeverSet { .. }
                    | Self::NeverRead { .. }
                    | Self::UnknownToken { .. }
                    | Self::UnclosedToken { .. }
                    | Self::TokenExpression { .. }
                    | Self::NoMessage { .. }
                    | Self::NoGroup { .. }
                    | Self::NotExpanded { .. }
                    | Self::WithoutBraces { .. }
                    | Self::JsonInText { .. }
                    | Self::NothingBehindEnd { .. }
                    | Self::SlashesInPattern { .. }
                    | Self::ComparedToTheLetter { .. }
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

/// The end of a message about a name that is not known.
pub(crate) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}
