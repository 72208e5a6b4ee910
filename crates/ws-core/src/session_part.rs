//! What lives beside the handlers of one connection and has input and output of its own.

use std::task::{Context, Poll};

use crate::{CloseFrame, EndStatus, HandlerResult};

/// Something of a handler's that goes on beside its calls, in the connection's own task: the upstream side of a proxy, say.
///
/// Where a future is enough, [`WsContext::spawn`](crate::WsContext::spawn) is simpler. A part is for what must keep up with
/// each turn of the session: it is polled after the handlers and before what they sent is put on the wire, so what it
/// sends leaves in the same write.
pub trait SessionPart: Send {
    /// Goes on as far as it can. It is called in every turn of the session, also when nothing woke this part.
    ///
    /// Ready when it is done; it is not called again then. An error is logged and counted, and closes the connection with code
    /// 1011.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<HandlerResult<()>>;

    /// The connection has ended: goes on until it has said good-bye to its own side. It is given a second at most, beside
    /// the closing handshake; after that, or when this is ready, the part is dropped.
    fn poll_end(&mut self, cx: &mut Context<'_>, ending: &SessionEnding) -> Poll<()> {
        let _ = (cx, ending);
        Poll::Ready(())
    }
}

/// How a connection came to its end, while the closing handshake may still be on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionEnding {
    /// Who or what ended it.
    pub status: EndStatus,
    /// The Close frame of the side that closed first: none, if there was no such frame; `Some(None)`, if it had no code.
    pub close_frame: Option<Option<CloseFrame>>,
}

impl SessionEnding {
    /// A connection that ended for `status`.
    #[must_use]
    pub fn new(status: EndStatus, close_frame: Option<Option<CloseFrame>>) -> Self {
        Self { status, close_frame }
    }
}
