//! What can be wrong or doubtful in rules, and nowhere else.

use crate::problem::did_you_mean;

/// What can be wrong or doubtful in a rules file, beside what [`ProblemKind`](crate::ProblemKind) knows of all files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleProblem {
    /// The file is larger than a rules file may be.
    #[error("is larger than {} MiB, the most that a rules file may have", .limit / (1024 * 1024))]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The file is no map of YAML.
    #[error("expected the keys of a rules file, such as `rules`, found {found}")]
    NotRules {
        /// What stands there instead.
        found: String,
    },
    /// A pattern that does not compile.
    #[error("`{key}`: {reason}")]
    Pattern {
        /// The key behind which it stands.
        key: &'static str,
        /// Why it does not compile.
        reason: String,
    },
    /// A JSON message stands where its keys are taken for those of the file.
    #[error("`{0}`: none of its keys is known; for a JSON message write {0}: {{ json: {{...}} }}")]
    BareJson(&'static str),
    /// A file that a rule names and that is of no use.
    #[error("`schema_file`: {path}: {reason}")]
    SchemaFile {
        /// The file, as it was looked for.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Bytes that are not base64.
    #[error("`binary`: expected base64: {0}")]
    Base64(String),
    /// A close code that may not be sent.
    #[error("`code`: expected 1000-1003, 1007-1014 or 3000-4999 (RFC 6455, section 7.4), found {0}")]
    CloseCode(u64),
    /// A transition or an event looks at more than one thing.
    #[error("expected one pattern for text here: only rules take several patterns, or other types of messages")]
    OnePattern,
    /// A rule without anything to do.
    #[error("expected `response`, `set`, `close` or another thing to do: {0} does nothing")]
    DoesNothing(&'static str),
    /// Something is said after the connection was closed.
    #[error("is never sent: the response before it closes the connection")]
    BehindClose,
    /// Two rules, machines or correlations of one name.
    #[error("the name `{name}` is that of the {what} on line {line} already")]
    NameTaken {
        /// What has the name.
        what: &'static str,
        /// The name.
        name: String,
        /// The line of the one that has it.
        line: usize,
    },
    /// A rule that is added has the name of one that is there.
    #[error("the name `{0}` is that of a rule that is there already")]
    IdTaken(String),
    /// A rule that takes the place of another has another name.
    #[error("expected no name, or `{id}`: it takes the place of that rule")]
    OtherName {
        /// The id of the other rule.
        id: String,
    },
    /// Not one rule stands where one is to take the place of another.
    #[error("expected one rule, found {0}")]
    NotOne(usize),
    /// Something that belongs to all rules together stands beside a rule that is added.
    #[error("`{0}` belongs to all rules together, and not beside rules that are added to others")]
    OfAllRules(&'static str),
    /// A name that nothing has.
    #[error("unknown {what} `{name}`{}", did_you_mean(.nearest.as_deref()))]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// The name.
        name: String,
        /// The known name that it resembles most.
        nearest: Option<String>,
    },
    /// A correlation that says not what it waits for, or says it twice.
    #[error("expected one of `request` with `answer`, `first` with `then`, `count` with `of`, or `absent`")]
    NoCorrelation,
    /// A correlation or machine that makes no sense.
    #[error("{0}")]
    Senseless(String),
    /// Doubtful: there is nothing in the file.
    #[error("has no rules: it answers nothing")]
    NoRules,
    /// Doubtful: a rule whose messages another one takes always.
    #[error("never answers: the rule on line {line} is asked before and takes every message that this one matches")]
    NeverAsked {
        /// The line of the other rule.
        line: usize,
    },
    /// Doubtful: a rule that is added, whose messages one that is there takes always.
    #[error("never answers: the rule `{0}` is asked before and takes every message that this one matches")]
    NeverAskedBehind(String),
    /// Doubtful: a rule for text that is no JSON, where JSON is required.
    #[error("never answers: `require` is json, and what is no JSON is refused")]
    NeverJson,
    /// Doubtful: a value of a room is read that nothing sets.
    #[error("`room.{name}` is read and never set in this file{}", nearest.as_ref().map(|name| format!("; did you mean `room.{name}`?")).unwrap_or_default())]
    RoomNeverSet {
        /// The name, without `room.`.
        name: String,
        /// The name that is set and resembles it most.
        nearest: Option<String>,
    },
    /// Doubtful: a value of a room is set that nothing reads.
    #[error("`room.{name}` is set and never read in this file")]
    RoomNeverRead {
        /// The name, without `room.`.
        name: String,
    },
    /// Doubtful: a machine is compared with a state that it does not have.
    #[error("the machine `{machine}` has no state `{name}`{}", did_you_mean(.nearest.as_deref()))]
    NoSuchState {
        /// The machine.
        machine: String,
        /// What is no state of it.
        name: String,
        /// The state that it resembles most.
        nearest: Option<String>,
    },
    /// Doubtful: a part of a machine that never comes to anything.
    #[error("{0}")]
    NeverHappens(String),
}

impl RuleProblem {
    pub(crate) fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::NoRules
                | Self::NeverAsked { .. }
                | Self::NeverAskedBehind(_)
                | Self::NeverJson
                | Self::RoomNeverSet { .. }
                | Self::RoomNeverRead { .. }
                | Self::NoSuchState { .. }
                | Self::NeverHappens(_)
        )
    }
}
