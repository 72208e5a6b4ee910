//! Watching sessions: metrics, journals, recorders and inspectors.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use crate::{CloseFrame, Connection, HandlerError, Handshake, Message, Origin, SharedMessages, Unmatched};

/// Which way a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client.
    Inbound,
    /// To the client.
    Outbound,
}

impl Direction {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Inbound, Self::Outbound];

    /// The direction in one word: `inbound` or `outbound`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// A frame as it was taken from, or put on, the wire.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ObservedFrame<'a> {
    /// Which way it went.
    pub direction: Direction,
    /// Who wrote it.
    pub origin: Origin,
    /// The whole message.
    pub message: &'a Message,
    /// When the session saw it.
    pub at: Instant,
    /// The how manieth frame of the connection it is in its direction, from 1; 0, if nobody has counted.
    pub number: u64,
}

impl<'a> ObservedFrame<'a> {
    /// A frame that was seen at `at`.
    #[must_use]
    #[inline]
    pub fn new(direction: Direction, origin: Origin, message: &'a Message, at: Instant) -> Self {
        Self { direction, origin, message, at, number: 0 }
    }

    /// Sets the how manieth frame of its direction it is.
    #[must_use]
    #[inline]
    pub fn numbered(self, number: u64) -> Self {
        Self { number, ..self }
    }
}

/// Frames that were put on the wire one behind the other, and at once; others get them, too.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ObservedRun<'a> {
    /// Who wrote them.
    pub origin: Origin,
    /// The whole messages.
    pub messages: SharedMessages<'a>,
    /// When the session saw them.
    pub at: Instant,
    /// The how manieth outbound frame of the connection the last one is, from 1.
    pub last: u64,
}

impl<'a> ObservedRun<'a> {
    /// Messages that were seen at `at`, the last of which is that frame.
    #[must_use]
    pub fn new(origin: Origin, messages: SharedMessages<'a>, at: Instant, last: u64) -> Self {
        Self { origin, messages, at, last }
    }

    /// One by one.
    pub fn frames(self) -> impl Iterator<Item = ObservedFrame<'a>> {
        let before = self.last.saturating_sub(self.messages.len() as u64);
        self.messages.iter().zip(before + 1..).map(move |(message, number)| {
            ObservedFrame::new(Direction::Outbound, self.origin, message, self.at).numbered(number)
        })
    }
}

/// What became of a message from the client, once its handlers are done with it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Handled {
    /// A rule, a wait or a route took it: this one, if it has said its name.
    Matched(Option<Arc<str>>),
    /// It was answered by somebody who matches nothing.
    Answered,
    /// Somebody wanted to match it, and nobody did.
    Unmatched(Box<Unmatched>),
    /// It was looked at, and nothing came of it.
    Ignored,
}

/// Who or what ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndStatus {
    /// We closed it: a handler or a script did.
    Normal,
    /// The client closed it.
    ClientClose,
    /// The client broke the protocol or a limit, answered no ping, or was gone without a Close frame.
    Error,
    /// A handler failed: an error in `on_connect`, a panic, a time-out.
    HandlerError,
    /// The socket did not take what we sent.
    SendError,
    /// The upstream behind a proxy failed.
    ProxyError,
    /// The client read too slowly and was cut.
    SlowConsumer,
    /// The server shut down.
    Shutdown,
}

impl EndStatus {
    /// Every status.
    pub const ALL: &'static [Self] = &[
        Self::Normal,
        Self::ClientClose,
        Self::Error,
        Self::HandlerError,
        Self::SendError,
        Self::ProxyError,
        Self::SlowConsumer,
        Self::Shutdown,
    ];

    /// The value of the `status` label of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::ClientClose => "client_close",
            Self::Error => "error",
            Self::HandlerError => "handler_error",
            Self::SendError => "send_error",
            Self::ProxyError => "proxy_error",
            Self::SlowConsumer => "slow_consumer",
            Self::Shutdown => "shutdown",
        }
    }
}

/// How a connection ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionEnd {
    /// Who or what ended it.
    pub status: EndStatus,
    /// The Close frame of the side that closed first, if there was one.
    pub close_frame: Option<CloseFrame>,
    /// How long it was open.
    pub duration: Duration,
}

impl SessionEnd {
    /// A connection that was open for `duration`.
    #[must_use]
    pub fn new(status: EndStatus, close_frame: Option<CloseFrame>, duration: Duration) -> Self {
        Self { status, close_frame, duration }
    }
}

/// Sees what sessions do. It is called from the connection's own task: it must not block.
pub trait SessionObserver: Send + Sync {
    /// A handshake was refused.
    fn on_refuse(&self, handshake: &Handshake, status: StatusCode) {
        let _ = (handshake, status);
    }

    /// A handshake was dropped without an answer, on purpose.
    fn on_drop(&self, handshake: &Handshake) {
        let _ = handshake;
    }

    /// A handshake was accepted.
    fn on_open(&self, connection: &Arc<Connection>) {
        let _ = connection;
    }

    /// A frame was taken from, or put on, the wire. Each is seen once.
    fn on_frame(&self, connection: &Arc<Connection>, frame: ObservedFrame<'_>) {
        let _ = (connection, frame);
    }

    /// Frames were put on the wire at once, which happens to messages that others get, too: [`on_frame`](Self::on_frame) of each, where
    /// nobody has less to do for all together. Hooks have seen all of them before.
    fn on_run(&self, connection: &Arc<Connection>, run: ObservedRun<'_>) {
        run.frames().for_each(|frame| self.on_frame(connection, frame));
    }

    /// A handler returned an error, or failed worse; the connection may live on.
    fn on_handler_error(&self, connection: &Arc<Connection>, error: &HandlerError) {
        let _ = (connection, error);
    }

    /// A message came that rules, waits or routes wanted to match, and none of them did.
    fn on_unmatched(&self, connection: &Arc<Connection>, unmatched: &Unmatched) {
        let _ = (connection, unmatched);
    }

    /// The handlers are done with the message that was the client's frame of this [number](ObservedFrame::number). Where
    /// middleware made several messages of one, each is told under the same number.
    fn on_handled(&self, connection: &Arc<Connection>, number: u64, handled: &Handled) {
        let _ = (connection, number, handled);
    }

    /// A fault was injected on purpose; `name` is that of the fault.
    fn on_fault(&self, connection: &Arc<Connection>, name: &str) {
        let _ = (connection, name);
    }

    /// `count` messages were skipped because the client reads too slowly.
    fn on_skip(&self, connection: &Arc<Connection>, count: u64) {
        let _ = (connection, count);
    }

    /// The connection has ended and its handlers are done. It is called exactly once for each `on_open`.
    fn on_end(&self, connection: &Arc<Connection>, end: &SessionEnd) {
        let _ = (connection, end);
    }
}
