//! The handle that puts messages on a connection's way out.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use tokio::sync::mpsc::UnboundedSender;

use crate::queue::{OutboundQueue, QueueLimits, Shared};
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

/// Why [`WsSender::try_send`] did not take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError {
    /// The outbound queue is full: the client reads more slowly than it is sent to.
    #[error("the outbound queue is full")]
    Full,
    /// The connection has ended or is closing.
    #[error("the connection is closed")]
    Closed,
}

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
    Function(Arc<dyn Fn(Message) -> Result<(), TrySendError> + Send + Sync>),
}

impl WsSender {
    /// A bounded outbound queue: the handle that fills it, and the end that a session drains.
    #[must_use]
    pub fn queue(limits: QueueLimits) -> (Self, OutboundQueue) {
        let shared = Arc::new(Shared::new(limits));
        (Self { sink: Sink::Queue(Arc::clone(&shared)), origin: Origin::Handler }, OutboundQueue::new(shared))
    }

    fn from_function(send: impl Fn(Message) -> Result<(), TrySendError> + Send + Sync + 'static) -> Self {
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
    /// [`HandlerError::SendError`] if the connection has ended or is closing.
    pub async fn send(&self, message: Message) -> HandlerResult<()> {
        let sent = match &self.sink {
            Sink::Queue(shared) => shared.push(message, self.origin).await,
            Sink::Function(send) => send(message),
        };
        sent.map_err(|error| HandlerError::SendError(error.to_string()))
    }

    /// Sends a message if there is room for it now.
    ///
    /// # Errors
    /// [`TrySendError::Full`] if the queue is full, [`TrySendError::Closed`] if the connection has ended or is closing.
    pub fn try_send(&self, message: Message) -> Result<(), TrySendError> {
        match &self.sink {
            Sink::Queue(shared) => shared.try_push(message, self.origin),
            Sink::Function(send) => send(message),
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

    /// Closes the connection after what was sent before. Nothing can be sent afterwards.
    ///
    /// # Errors
    /// [`HandlerError::ConnectionError`] if code or reason may not be sent (see [`CloseFrame::new`]),
    /// [`HandlerError::SendError`] if the connection has ended or is closing.
    pub async fn close(&self, code: u16, reason: &str) -> HandlerResult<()> {
        let frame = CloseFrame::new(code, reason)?;
        self.send(Message::Close(Some(frame))).await
    }

    /// Ends a connection whose client reads too slowly: what waits in its queue is dropped, and it closes with code 1013.
    pub fn cut(&self) {
        if let Sink::Queue(shared) = &self.sink {
            shared.cut();
        }
    }

    /// Counts one message that was not sent because the client reads too slowly.
    pub fn skip(&self) {
        if let Sink::Queue(shared) = &self.sink {
            shared.skip();
        }
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
        Self::from_function(move |message| sender.send(message).map_err(|_| TrySendError::Closed))
    }
}

/// For unit tests of handlers: what is sent arrives at the channel's receiver.
#[cfg(feature = "axum")]
impl From<UnboundedSender<axum::extract::ws::Message>> for WsSender {
    fn from(sender: UnboundedSender<axum::extract::ws::Message>) -> Self {
        Self::from_function(move |message| sender.send(message.into()).map_err(|_| TrySendError::Closed))
    }
}
