//! One entry of a replay file, as serde reads and writes it.
//!
//! This is the shape for programs that make or look at entries one by one. Files are read by
//! [`ReplayScript`](crate::ReplayScript), which knows positions and checks what an entry means.

mod branches;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use branches::ReplayBranches;

/// Who sends the message of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplayDirection {
    /// The client: the entry is an expectation and is never sent.
    In,
    /// The server.
    #[default]
    Out,
}

/// One entry of a replay file, not yet checked or compiled. What the keys mean is in the documentation of replay files.
///
/// ```
/// use ws_replay::{ReplayDirection, ReplayEntry};
///
/// let entry: ReplayEntry = serde_json::from_str(r#"{"ts":0,"text":"hello","waitFor":"ready"}"#)?;
/// assert_eq!(entry.ts, 0);
/// assert_eq!(entry.text, "hello");
/// assert_eq!(entry.wait_for.as_deref(), Some("ready"));
/// assert_eq!(entry.dir, ReplayDirection::Out);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayEntry {
    /// Milliseconds on the script's clock, which starts with the session. Left out, it reads as 0 here; a script takes
    /// the entry before it.
    #[serde(default)]
    pub ts: u64,
    /// Who sends it.
    #[serde(default)]
    pub dir: ReplayDirection,
    /// The message: a template when it goes out, the exact text when it comes in, base64 when it is binary.
    #[serde(default)]
    pub text: String,
    /// What a client message must be like before the entry goes on: JSONPath if it starts with `$.` or `$[`, else a regex.
    #[serde(default, rename = "waitFor", alias = "wait_for", skip_serializing_if = "Option::is_none")]
    pub wait_for: Option<String>,
    /// Whether the connection is closed after the text, if there is one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub close: bool,
    /// The close code; 1000 if left out. 1005 is a Close frame without a code, 1006 an end without a Close frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The close reason, of at most 123 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which connection's session it belongs to, if a file has several; 1 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conn: Option<u64>,
    /// Whether it is a ping, with `text` as its payload.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ping: bool,
    /// Whether it is a pong, with `text` as its payload.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pong: bool,
    /// Whether the message is binary, with `text` as its base64.
    #[serde(default, skip_serializing_if = "is_false")]
    pub binary: bool,
    /// Whether `text` is no template.
    #[serde(default, skip_serializing_if = "is_false")]
    pub verbatim: bool,
    /// What it is called where something jumps to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<String>,
    /// An expression; if it does not hold, the entry is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// How long its wait may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The step to go to when its wait has taken that long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_timeout: Option<String>,
    /// Where messages lead that are like these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_match: Vec<ReplayMatch>,
    /// Where a silent client leads, from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_silence: Option<ReplaySilence>,
    /// What is demanded of the message that released it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<ReplayAssertion>,
    /// Values that are kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// The rooms that the client is put into.
    #[serde(default, skip_serializing_if = "ReplayNames::is_empty")]
    pub join: ReplayNames,
    /// The rooms that it is taken out of.
    #[serde(default, skip_serializing_if = "ReplayNames::is_empty")]
    pub leave: ReplayNames,
    /// Where the text goes instead of to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<ReplayReceiver>,
    /// How many times it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u64>,
    /// The milliseconds between the times; without `repeat`, it goes on in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The steps whose repeating in the background ends here.
    #[serde(default, skip_serializing_if = "ReplayNames::is_empty")]
    pub stop: ReplayNames,
    /// Where it may lead when it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches: Option<ReplayBranches>,
    /// A jump back that is taken some times.
    #[serde(default, rename = "loop", skip_serializing_if = "Option::is_none")]
    pub round: Option<ReplayLoop>,
    /// Where it leads otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
}

/// Where a message leads that is like `pattern`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayMatch {
    /// As `waitFor`.
    pub pattern: String,
    /// The `step_id` of an entry, or `end`.
    pub goto_step: String,
}

/// Where it leads if an expression holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayCondition {
    /// The expression.
    pub condition: String,
    /// The `step_id` of an entry, or `end`.
    pub goto_step: String,
}

/// Where the silence of a client leads; `false` in a file is nowhere any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ReplaySilence {
    /// As `false`: silence leads nowhere from here on. `true` is refused when the entry is checked.
    Heeded(bool),
    /// So many milliseconds of it lead to a step.
    After {
        /// The milliseconds.
        after_ms: u64,
        /// The `step_id` of an entry, or `end`.
        goto_step: String,
    },
}

/// Something that is demanded: of the message, by `pattern` and `expected`, or of what is known, by `condition`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayAssertion {
    /// As `waitFor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether it must match, or the value that it must select; `true` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// An expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// What reports call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Who gets a text instead of the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayReceiver {
    /// A room, as a template.
    pub room: String,
}

/// A jump back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayLoop {
    /// The `step_id` of an entry.
    pub goto_step: String,
    /// How many times it is taken.
    pub times: u64,
}

/// Names: in a file one may stand alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct ReplayNames(pub Vec<String>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    More(Vec<String>),
}

impl ReplayNames {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Written> for ReplayNames {
    fn from(names: Written) -> Self {
        Self(match names {
            Written::One(name) => vec![name],
            Written::More(names) => names,
        })
    }
}

impl From<ReplayNames> for Written {
    fn from(ReplayNames(mut names): ReplayNames) -> Self {
        match names.len() {
            1 => Self::One(names.remove(0)),
            _ => Self::More(names),
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
