//! What a script does in one entry, compiled.

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
    pub(crate) close: Option<CloseFrame>,
}

impl Step {
    /// Whether it waits for a client message.
    pub(crate) fn takes_message(&self) -> bool {
        matches!(self.wait, Some(Wait::Text(_) | Wait::Binary(_)))
    }
}

/// What a client message must be like.
#[derive(Debug)]
pub(crate) enum Wait {
    Text(MessagePattern),
    /// Binary, with these bytes or with any.
    Binary(Option<Bytes>),
    /// The end of the connection: no message is it.
    ClientClose,
}

/// What is sent.
#[derive(Debug)]
pub(crate) enum Content {
    Text(Template),
    Binary(Bytes),
}
