//! One entry of a replay file, as serde reads and writes it.
//!
//! This is the shape for programs that make or look at entries one by one. Files are read by
//! [`ReplayScript`](crate::ReplayScript), which knows positions and checks what an entry means.

use serde::{Deserialize, Serialize};

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

/// One entry of a replay file (format v1), not yet checked or compiled.
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
}

fn is_false(value: &bool) -> bool {
    !value
}
