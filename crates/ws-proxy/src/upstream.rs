//! One open connection to an upstream, in the hands of its one owner.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use ws_core::{CloseFrame, Message};
use ws_wire::{Wire, WireError};

use crate::ProxyError;
use crate::dial::UpstreamStream;
use crate::pool::Lease;
use crate::url::UpstreamUrl;

/// One open connection to an upstream. Dropped, it just ends.
pub(crate) struct Upstream {
    wire: Wire<UpstreamStream>,
    url: Arc<UpstreamUrl>,
    /// What came while it waited for its owner.
    early: VecDeque<Message>,
    /// What the latest ping carried, until it is answered.
    answer_due: Option<Bytes>,
    unflushed: bool,
    /// A Close frame was fed or has come.
    closing: bool,
    /// A Close frame has come.
    closed: bool,
    /// Somebody had it before.
    used: bool,
    /// The place that it goes back to, where it may.
    lease: Option<Lease>,
}

impl Upstream {
    pub(crate) fn new(wire: Wire<UpstreamStream>, url: Arc<UpstreamUrl>) -> Self {
        Self {
            wire,
            url,
            early: VecDeque::new(),
            answer_due: None,
            unflushed: false,
            closing: false,
            closed: false,
            used: false,
            lease: None,
        }
    }

    pub(crate) fn url(&self) -> &UpstreamUrl {
        &self.url
    }

    pub(crate) fn with_lease(mut self, lease: Lease) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Somebody has had it.
    pub(crate) fn set_used(&mut self) {
        self.used = true;
        self.early.clear();
    }

    /// Whether somebody has had it.
    pub(crate) fn is_used(&self) -> bool {
        self.used
    }

    /// Takes the lease of a connection that may be used again: nothing of ours is half-written, and nobody has closed it.
    pub(crate) fn take_lease(&mut self) -> Option<Lease> {
        if self.closing || self.unflushed { None } else { self.lease.take() }
    }

    /// The next message, in order; a Close frame is the last. Pings are for the caller to answer.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, ProxyError>> {
        match self.early.pop_front() {
            Some(message) => Poll::Ready(Ok(message)),
            None => self.poll_arrived(cx),
        }
    }

    /// The next message from the wire, ahead of what was kept.
    pub(crate) fn poll_arrived(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, ProxyError>> {
        let next = ready!(self.wire.poll_next(cx));
        Poll::Ready(match next {
            Some(Ok(message)) => {
                if matches!(message, Message::Close(_)) {
                    // Its answer.
                    self.unflushed = true;
                    self.closing = true;
                    self.closed = true;
                }
                Ok(message)
            }
            Some(Err(error)) => Err(self.failure(error)),
            None => Err(self.failure(WireError::Lost)),
        })
    }

    /// As [`poll_next`](Self::poll_next), and answers pings by the way. An upstream that does not take its answers gets the
    /// latest one only: what it says is read all the same, so two sides that both write do not wait for each other.
    pub(crate) fn poll_next_answering(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, ProxyError>> {
        self.answer(cx)?;
        let message = ready!(self.poll_next(cx))?;
        if let Message::Ping(data) = &message {
            self.answer_due = Some(data.clone());
            self.answer(cx)?;
        }
        Poll::Ready(Ok(message))
    }

    fn answer(&mut self, cx: &mut Context<'_>) -> Result<(), ProxyError> {
        if self.answer_due.is_some()
            && let Poll::Ready(ready) = self.poll_ready(cx)
        {
            ready?;
            if let Some(data) = self.answer_due.take() {
                self.feed(Message::Pong(data))?;
            }
        }
        match self.poll_flush(cx) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }

    /// Keeps a message that came before anybody owned the connection.
    pub(crate) fn keep(&mut self, message: Message) {
        self.early.push_back(message);
    }

    /// What is kept: messages, and their bytes.
    pub(crate) fn kept(&self) -> (usize, usize) {
        (self.early.len(), self.early.iter().map(Message::len).sum())
    }

    /// Whether a message can be fed now.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ProxyError>> {
        let ready = ready!(self.wire.poll_ready(cx));
        Poll::Ready(ready.map_err(|error| self.failure(error)))
    }

    /// Takes a message on its way; a Close frame is the last, what comes behind it is dropped.
    pub(crate) fn feed(&mut self, message: Message) -> Result<(), ProxyError> {
        if self.closing {
            return Ok(());
        }
        self.closing = matches!(message, Message::Close(_));
        self.unflushed = true;
        self.wire.feed(message).map_err(|error| self.failure(error))
    }

    /// Puts on the wire what was fed.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ProxyError>> {
        // Also if nothing was fed: what the wire has read and nobody takes now gives its buffer back.
        let flushed = ready!(self.wire.poll_flush(cx));
        self.unflushed = false;
        match flushed {
            // The answer to a Close frame is out, and nothing more can be said.
            Err(_) if self.closing => Poll::Ready(Ok(())),
            flushed => Poll::Ready(flushed.map_err(|error| self.failure(error))),
        }
    }

    /// Finishes the closing handshake: puts out what is left, and reads until the upstream ends.
    pub(crate) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.early.clear();
        let flushed = self.poll_flush(cx);
        if matches!(flushed, Poll::Ready(Err(_))) {
            return Poll::Ready(());
        }
        loop {
            match self.wire.poll_next(cx) {
                Poll::Ready(Some(Ok(Message::Close(_)))) => {
                    self.unflushed = true;
                    if matches!(self.poll_flush(cx), Poll::Ready(Err(_))) {
                        return Poll::Ready(());
                    }
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Whether a Close frame was fed or has come.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Whether the upstream's Close frame has come.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many bytes the upstream has taken.
    pub(crate) fn written(&self) -> u64 {
        self.wire.transport().written()
    }

    fn failure(&self, error: WireError) -> ProxyError {
        let url = self.url.to_string();
        match error {
            WireError::Lost => ProxyError::Lost { url },
            source => ProxyError::Failed { url, source },
        }
    }
}

/// The Close frame with which a peer that broke the protocol is told so.
pub(crate) fn rebuke(error: &ProxyError) -> Option<CloseFrame> {
    match error {
        ProxyError::Failed { source: WireError::Io(_), .. } => None,
        ProxyError::Failed { source, .. } => Some(CloseFrame { code: source.close_code(), reason: Default::default() }),
        _ => None,
    }
}
