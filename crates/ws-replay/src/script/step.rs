//! What a script does in one entry, compiled.

use std::fmt;

use bytes::Bytes;
use ws_core::CloseFrame;
use ws_patterns::MessagePattern;

use super::learning::{LearntText, RecordedMessage};
use super::logic::Logic;
use crate::ReplayDirection;
use crate::template::Template;

/// One entry, compiled: wait, then reach its time, then send, then close.
#[derive(Debug)]
pub(crate) struct Step {
    /// The line on which its entry begins, from 1.
    pub(crate) line: usize,
    /// Milliseconds on the script's clock from the step before it in the file.
    pub(crate) lead: u64,
    /// An incoming entry moves the clock at once when its wait is released; an outgoing one waits until the clock is there.
    pub(crate) direction: ReplayDirection,
    pub(crate) wait: Option<Wait>,
    pub(crate) content: Option<Content>,
    pub(crate) close: Option<Ending>,
    /// What there is beside that in files that branch. In a box, as most steps of large files have none.
    pub(crate) logic: Option<Box<Logic>>,
}

impl Step {
    /// Whether it waits for a client message.
    pub(crate) fn takes_message(&self) -> bool {
        self.wait.as_ref().is_some_and(Wait::is_for_message) || !self.alternatives().is_empty()
    }

    /// What it waits for, as it is said in the log.
    pub(crate) fn awaited(&self) -> String {
        let expected = self.wait.iter().map(|wait| wait.expected.to_string());
        let others = self.alternatives().iter().map(|other| format!("`{}`", excerpt(&other.pattern.to_string())));
        expected.chain(others).collect::<Vec<_>>().join(" or ")
    }

    /// Whether it waits for something only after it has sent.
    pub(crate) fn awaits_answer(&self) -> bool {
        self.wait.is_none() && !self.alternatives().is_empty()
    }
}

/// What holds the script, and where it is written.
#[derive(Debug)]
pub(crate) struct Wait {
    /// The line of the file, from 1.
    pub(crate) line: usize,
    pub(crate) expected: Expected,
    /// The message as the file has it, where that is not what is expected.
    pub(crate) example: Option<Box<str>>,
}

impl Wait {
    /// The client's message, if the file says what it is, and not only what it is like.
    pub(crate) fn message(&self) -> Option<Said<'_>> {
        match &self.expected {
            Expected::Recorded(message) => Some(Said::Text(message.text())),
            Expected::Binary(Some(data)) => Some(Said::Binary(data)),
            _ => self.example.as_deref().map(Said::Text),
        }
    }

    /// Whether a message can release it.
    pub(crate) fn is_for_message(&self) -> bool {
        !matches!(self.expected, Expected::ClientClose)
    }
}

/// A message as a file has it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said<'s> {
    Text(&'s str),
    Binary(&'s Bytes),
}

/// What a client message must be like. It displays as it is said in the log.
#[derive(Debug)]
pub(crate) enum Expected {
    Text(MessagePattern),
    /// What was recorded, but for what the client had made up itself.
    Recorded(RecordedMessage),
    /// Binary, with these bytes or with any.
    Binary(Option<Bytes>),
    /// Any message at all.
    Any,
    /// The end of the connection: no message is it.
    ClientClose,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(pattern) => write!(f, "`{}`", excerpt(&pattern.to_string())),
            Self::Recorded(message) => write!(f, "`{}`", excerpt(message.text())),
            Self::Binary(None) => f.write_str("a binary message"),
            Self::Binary(Some(data)) => write!(f, "the binary message of {} bytes that stands there", data.len()),
            Self::Any => f.write_str("a message"),
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
    /// What was recorded, with what the client says today.
    Recorded(LearntText),
    Binary(Bytes),
    Ping(Bytes),
}

impl Content {
    /// As the file has it, if it is a message; a template stands there as it is written.
    pub(crate) fn message(&self) -> Option<Said<'_>> {
        match self {
            Self::Text(template) => Some(Said::Text(template.as_str())),
            Self::Recorded(text) => Some(Said::Text(text.source())),
            Self::Binary(data) => Some(Said::Binary(data)),
            Self::Ping(_) => None,
        }
    }
}

/// How a connection is ended.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// By a Close frame, perhaps without a code.
    Close(Option<CloseFrame>),
    /// Without one.
    Disconnect,
}
