//! The handle that puts messages on a connection's way out.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use tokio::sync::mpsc::UnboundedSender;

use crate::fanout::Published;
use crate::prefetch::prefetch;
use crate::queue::Shared;
use crate::{CloseFrame, HandlerError, HandlerResult, Message};

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// The client.
    Client,
    /// A handler.
    Handler,
    /// A broadcast to a room.
    Room,
    /// A replay script.
    Replay,
    /// A rule that answers messages.
    Rule,
    /// The upstream behind a proxy.
    Proxy,
    /// Generated events.
    Ai,
    /// A JavaScript handler.
    Script,
    /// Somebody at the admin API.
    Admin,
    /// The session itself: heartbeat pings and Close frames of the server.
    Session,
}

impl Origin {
    /// Every origin.
    pub const ALL: &'static [Self] = &[
        Self::Client,
        Self::Handler,
        Self::Room,
        Self::Replay,
        Self::Rule,
        Self::Proxy,
        Self::Ai,
        Self::Script,
        Self::Admin,
        Self::Session,
    ];

    /// The origin in one word, e.g. `client`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Handler => "handler",
            Self::Room => "room",
            Self::Replay => "replay",
            Self::Rule => "rule",
            Self::Proxy => "proxy",
            Self::Ai => "ai",
            Self::Script => "script",
            Self::Admin => "admin",
            Self::Session => "session",
        }
    }
}

/// What [`WsSender::offer`] does when the client reads too slowly and its queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WhenFull {
    /// Ends the connection: what waits is dropped, and it closes with code 1013.
    #[default]
    Cut,
    /// Leaves the message out, and counts it.
    Skip,
}

/// What became of a message that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offered {
    /// It is queued.
    Sent,
    /// The queue was full: the message was left out.
    Skipped,
    /// The queue was full: the connection ends.
    Cut,
    /// The connection has ended or is closing.
    Closed,
}

/// Why a message was not taken at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrySendError {
    /// The queue is full; the message comes back.
    Full(Message),
    /// The connection has ended or is closing, or this control frame may not be sent.
    Closed,
}

/// The connection takes nothing more.
pub(crate) struct Closed;

/// A handle that sends to one connection. It outlives the call that got it; clones send to the same connection.
///
/// What is sent through one handle arrives in the order in which it was sent.
#[derive(Clone)]
pub struct WsSender {
    sink: Sink,
    origin: Origin,
}

#[derive(Clone)]
enum Sink {
    Queue(Arc<Shared>),
    Function(Arc<dyn Fn(Message) -> Result<(), Closed> + Send + Sync>),
}

impl WsSender {
    pub(crate) fn from_queue(queue: Arc<Shared>) -> Self {
        Self { sink: Sink::Queue(queue), origin: Origin::Handler }
    }

    fn from_function(send: impl Fn(Message) -> Result<(), Closed> + Send + Sync + 'static) -> Self {
        Self { sink: Sink::Function(Arc::new(send)), origin: Origin::Handler }
    }

    /// The same connection, with `origin` as the writer of what this handle sends.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Sends a message, and waits while the queue is full.
    ///
    /// # Errors
    /// [`HandlerError::SendError`] if the connection has ended or is closing, [`HandlerError::ConnectionError`] for a
    /// control frame that may not be sent (see [`Message::check_control`]).
    pub async fn send(&self, message: Message) -> HandlerResult<()> {
        message.check_control()?;
        let sent = match &self.sink {
            Sink::Queue(shared) => shared.push(message, self.origin).await,
            Sink::Function(send) => send(message),
        };
        sent.map_err(|Closed| HandlerError::SendError("the connection is closed".into()))
    }

    /// Sends a message without waiting; `when_full` says what happens if the client reads too slowly.
    pub fn offer(&self, message: Message, when_full: WhenFull) -> Offered {
        match &self.sink {
            Sink::Queue(shared) => shared.offer(message, self.origin, when_full),
            Sink::Function(send) => send(message).map_or(Offered::Closed, |()| Offered::Sent),
        }
    }

    /// The same for a message that others get, too, for the receiver of that number.
    pub(crate) fn offer_published(&self, published: &Published, number: u32, when_full: WhenFull) -> Offered {
        match &self.sink {
            Sink::Queue(shared) if !published.is_close() => {
                shared.offer_published(published, number, self.origin, when_full)
            }
            _ => {
                published.ask_again(number);
                self.offer(published.message().clone(), when_full)
            }
        }
    }

    /// Has the processor fetch the connection's queue while it does other things.
    #[inline]
    pub(crate) fn prefetch(&self) {
        if let Sink::Queue(shared) = &self.sink {
            prefetch(&**shared);
        }
    }

    /// Sends a message if there is room for it now. Nothing is counted or cut if there is none.
    ///
    /// # Errors
    /// [`TrySendError`].
    pub fn try_send(&self, message: Message) -> Result<(), TrySendError> {
        if message.check_control().is_err() {
            return Err(TrySendError::Closed);
        }
        match &self.sink {
            Sink::Queue(shared) => match shared.try_push(message, self.origin) {
                Ok(None) => Ok(()),
                Ok(Some(message)) => Err(TrySendError::Full(message)),
                Err(Closed) => Err(TrySendError::Closed),
            },
            Sink::Function(send) => send(message).map_err(|Closed| TrySendError::Closed),
        }
    }

    /// Whether the connection has ended or is closing. A handle made from a channel does not know until it sends.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.sink {
            Sink::Queue(shared) => shared.is_closed(),
            Sink::Function(_) => false,
        }
    }

    /// Wakes the session of the connection, whatever it is doing and however full its queue is, and says so in its
    /// [`QueueNews`](crate::engine::QueueNews): who runs sessions has put something beside the queue. A handle made from a
    /// channel has nobody to wake.
    pub fn interrupt(&self) {
        if let Sink::Queue(shared) = &self.sink {
            shared.interrupt();
        }
    }

    /// Waits until at most half of the queue is taken. Gives back which turn of the session it is, if there is one.
    pub(crate) async fn relaxed(&self) -> u32 {
        match &self.sink {
            Sink::Queue(shared) => shared.relaxed().await,
            _ => 0,
        }
    }

    /// Sends a text message; see [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_text(&self, text: impl Into<ByteString>) -> HandlerResult<()> {
        self.send(Message::Text(text.into())).await
    }

    /// Sends a binary message; see [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_binary(&self, data: impl Into<Bytes>) -> HandlerResult<()> {
        self.send(Message::Binary(data.into())).await
    }

    /// Sends a value as one text message of compact JSON; see [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_json(&self, value: &serde_json::Value) -> HandlerResult<()> {
        self.send(Message::Text(value.to_string().into())).await
    }

    /// Ends the connection after what was sent before, without a Close frame: the client sees code 1006.
    ///
    /// # Errors
    /// [`HandlerError::SendError`] if the connection has ended or is closing; so it is for a handle made from a channel.
    pub fn disconnect(&self) -> HandlerResult<()> {
        let disconnected = match &self.sink {
            Sink::Queue(shared) => shared.disconnect(),
            Sink::Function(_) => Err(Closed),
        };
        disconnected.map_err(|Closed| HandlerError::SendError("the connection is closed".into()))
    }

    /// Closes the connection after what was sent before. Nothing can be sent afterwards.
    ///
    /// # Errors
    /// [`HandlerError::ConnectionError`] if code or reason may not be sent (see [`CloseFrame::new`]),
    /// [`HandlerError::SendError`] if the connection has ended or is closing.
    pub async fn close(&self, code: u16, reason: &str) -> HandlerResult<()> {
        let frame = CloseFrame::new(code, reason)?;
        self.send(Message::Close(Some(frame))).await
    }
}

impl fmt::Debug for WsSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WsSender").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// For unit tests of handlers: what is sent arrives at the channel's receiver.
impl From<UnboundedSender<Message>> for WsSender {
    fn from(sender: UnboundedSender<Message>) -> Self {
        Self::from_function(move |message| sender.send(message).map_err(|_| Closed))
    }
}

/// For unit tests of handlers: what is sent arrives at the channel's receiver.
#[cfg(feature = "axum")]
impl From<UnboundedSender<axum::extract::ws::Message>> for WsSender {
    fn from(sender: UnboundedSender<axum::extract::ws::Message>) -> Self {
        Self::from_function(move |message| sender.send(message.into()).map_err(|_| Closed))
    }
}
