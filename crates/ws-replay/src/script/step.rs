//! What a script does in one entry, compiled.

use std::fmt;

use bytes::Bytes;
use ws_core::CloseFrame;
use ws_patterns::MessagePattern;

use crate::ReplayDirection;
use crate::template::Template;

/// One entry, compiled: wait, then reach its time, then send, then close.
#[derive(Debug)]
pub(crate) struct Step {
    /// Milliseconds on the script's clock; never less than in the step before.
    pub(crate) ts: u64,
    /// An incoming entry sets the clock to `ts` when its wait is released; an outgoing one waits until the clock is there.
    pub(crate) direction: ReplayDirection,
    pub(crate) wait: Option<Wait>,
    pub(crate) content: Option<Content>,
    pub(crate) close: Option<Ending>,
}

impl Step {
    /// Whether it waits for a client message.
    pub(crate) fn takes_message(&self) -> bool {
        self.wait.as_ref().is_some_and(Wait::is_for_message)
    }
}

/// What holds the script, and where it is written.
#[derive(Debug)]
pub(crate) struct Wait {
    /// The line of the file, from 1.
    pub(crate) line: usize,
    pub(crate) expected: Expected,
}

impl Wait {
    /// Whether a message can release it.
    pub(crate) fn is_for_message(&self) -> bool {
        !matches!(self.expected, Expected::ClientClose)
    }
}

/// What a client message must be like. It displays as it is said in the log.
#[derive(Debug)]
pub(crate) enum Expected {
    Text(MessagePattern),
    /// Binary, with these bytes or with any.
    Binary(Option<Bytes>),
    /// The end of the connection: no message is it.
    ClientClose,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(pattern) => write!(f, "`{}`", excerpt(&pattern.to_string())),
            Self::Binary(None) => f.write_str("a binary message"),
            Self::Binary(Some(data)) => write!(f, "the binary message of {} bytes that stands there", data.len()),
            Self::ClientClose => f.write_str("the client to close"),
        }
    }
}

/// The beginning of a text, for a line of the log.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// What is sent.
#[derive(Debug)]
pub(crate) enum Content {
    Text(Template),
    Binary(Bytes),
    Ping(Bytes),
}

/// How a connection is ended.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// By a Close frame, perhaps without a code.
    Close(Option<CloseFrame>),
    /// Without one.
    Disconnect,
}
