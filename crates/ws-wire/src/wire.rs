//! Whole messages in and out of a byte stream.
//!
//! It batches: what is fed waits until it is flushed, so that many replies leave in one write. Frames that carry messages are
//! encoded here; tungstenite reads, answers pings, and does the closing handshake.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame as WireCloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Utf8Bytes};
use ws_core::{CloseFrame, Message, RawFrame};

use crate::WireError;
use crate::buffered::Buffered;

/// tungstenite zeroes its buffer before each read: a small one is faster, and an idle connection holds it. Larger messages
/// are read into a buffer of their own size, in steps of this one.
const READ_BUFFER: usize = 2 * 1024;
/// What is fed beyond this goes out before the flush.
const WRITE_BUFFER: usize = 16 * 1024;

/// The most pings that are answered before the answers were flushed: who sends pings and reads no pongs is not read, too.
const UNFLUSHED_PONGS: usize = 64;

/// What both sides of a connection are held to.
#[derive(Debug, Clone, Copy)]
pub struct WireOptions {
    /// The largest message that may come, in bytes; also the largest frame.
    pub max_message_size: usize,
    /// Whether pings are answered. If not, who gets the ping answers it: a proxy does.
    pub auto_pong: bool,
}

impl Default for WireOptions {
    /// 16 MiB; pings are answered.
    fn default() -> Self {
        Self { max_message_size: 16 * 1024 * 1024, auto_pong: true }
    }
}

/// One side of a WebSocket connection, after the opening handshake.
pub struct Wire<S> {
    stream: WebSocketStream<Buffered<S>>,
    unflushed_pongs: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Speaks as the server on `transport`; `read` is what was read from it already, behind the handshake.
    pub async fn server(transport: S, read: Bytes, options: WireOptions) -> Self {
        Self::new(transport, read, options, Role::Server).await
    }

    /// Speaks as a client on `transport`; `read` is what was read from it already, behind the handshake.
    pub async fn client(transport: S, read: Bytes, options: WireOptions) -> Self {
        Self::new(transport, read, options, Role::Client).await
    }

    async fn new(transport: S, read: Bytes, options: WireOptions, role: Role) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(options.max_message_size))
            .max_frame_size(Some(options.max_message_size));
        let transport = Buffered::new(transport, role, options.auto_pong);
        // Copied: given away, the buffer of the HTTP connection would be kept for as long as this one lives.
        let stream = WebSocketStream::from_partially_read(transport, read.to_vec(), role, Some(config)).await;
        Self { stream, unflushed_pongs: 0 }
    }

    /// The transport.
    pub fn transport(&self) -> &S {
        &self.stream.get_ref().transport
    }

    /// Whether pings are answered by the way.
    #[must_use]
    pub fn auto_pong(&self) -> bool {
        self.stream.get_ref().auto_pong
    }

    /// Says whether pings are answered by the way from now on.
    pub fn set_auto_pong(&mut self, auto_pong: bool) {
        self.stream.get_mut().auto_pong = auto_pong;
    }

    /// Whether anything has come since the last call, be it a part of a message only.
    pub fn take_heard(&mut self) -> bool {
        self.stream.get_mut().take_heard()
    }

    /// Whether what comes may be answered. If not, a flush must be done before more is read: the stream keeps answers
    /// without bound.
    #[must_use]
    pub fn may_read(&self) -> bool {
        self.unflushed_pongs < UNFLUSHED_PONGS
    }

    /// The next message; `None` when the closing handshake is done. Close frames are answered by the way, pings too unless
    /// [`WireOptions::auto_pong`] is off; a flush puts the answers on the wire.
    ///
    /// # Errors
    /// [`WireError`]; nothing more comes then.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, WireError>>> {
        loop {
            let next = ready!(Pin::new(&mut self.stream).poll_next(cx));
            return Poll::Ready(match next {
                None => None,
                Some(Err(error)) => Some(Err(error.into())),
                Some(Ok(message)) => match from_tungstenite(message) {
                    Some(message) => {
                        self.unflushed_pongs += usize::from(matches!(message, Message::Ping(_)));
                        Some(Ok(message))
                    }
                    None => continue,
                },
            });
        }
    }

    /// Whether a message can be fed now.
    ///
    /// # Errors
    /// [`WireError`] if the transport takes nothing more.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        let buffered = self.stream.get_mut();
        if buffered.waiting() < WRITE_BUFFER {
            Poll::Ready(Ok(()))
        } else {
            buffered.poll_drain(cx).map_err(Into::into)
        }
    }

    /// Takes a message on its way. Call it when [`poll_ready`](Self::poll_ready) has said so.
    ///
    /// # Errors
    /// [`WireError`] for a second Close frame.
    pub fn feed(&mut self, message: Message) -> Result<(), WireError> {
        let buffered = self.stream.get_mut();
        match message {
            Message::Text(text) => buffered.put(RawFrame::TEXT, text.as_bytes()),
            Message::Binary(data) => buffered.put(RawFrame::BINARY, &data),
            Message::Ping(data) => buffered.put(RawFrame::PING, &data),
            Message::Pong(data) => buffered.put(RawFrame::PONG, &data),
            // tungstenite must know that the closing handshake has begun.
            Message::Close(frame) => {
                let frame =
                    frame.map(|frame| WireCloseFrame { code: frame.code.into(), reason: (&*frame.reason).into() });
                Pin::new(&mut self.stream).start_send(tungstenite::Message::Close(frame))?;
            }
        }
        Ok(())
    }

    /// Takes a frame on its way exactly as it stands. It may break the protocol; a Close frame put here begins no closing
    /// handshake.
    pub fn feed_raw(&mut self, frame: &RawFrame) {
        self.stream.get_mut().put_raw(frame);
    }

    /// Puts on the wire what was fed, and the answers to what was read.
    ///
    /// # Errors
    /// [`WireError`] if the transport fails or the connection is closed.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        // It does not wait: what it writes comes to lie behind what was fed.
        let answered = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        ready!(self.stream.get_mut().poll_drain(cx))?;
        self.unflushed_pongs = 0;
        Poll::Ready(answered.map_err(Into::into))
    }

    /// Ends our half of the transport and throws away what the peer still sends, so that a Close frame which is on its
    /// way to a peer in the middle of a message is not lost to a reset.
    pub async fn linger(&mut self) {
        if self.stream.get_mut().transport.shutdown().await.is_ok() {
            self.discard().await;
        }
    }

    /// Throws away what the peer sends until it ends its half of the transport. Nothing is answered.
    pub async fn discard(&mut self) {
        let transport = &mut self.stream.get_mut().transport;
        let mut discarded = BytesMut::with_capacity(READ_BUFFER);
        while let Ok(1..) = transport.read_buf(&mut discarded).await {
            discarded.clear();
        }
    }
}

fn from_tungstenite(message: tungstenite::Message) -> Option<Message> {
    Some(match message {
        tungstenite::Message::Text(text) => Message::Text(shared_text(text)),
        tungstenite::Message::Binary(data) => Message::Binary(data),
        tungstenite::Message::Ping(data) => Message::Ping(data),
        tungstenite::Message::Pong(data) => Message::Pong(data),
        tungstenite::Message::Close(frame) => {
            Message::Close(frame.map(|frame| CloseFrame { code: frame.code.into(), reason: shared_text(frame.reason) }))
        }
        // Never read: the stream assembles frames into messages.
        tungstenite::Message::Frame(_) => return None,
    })
}

#[expect(unsafe_code, reason = "both types promise UTF-8; checking each message twice would cost for nothing")]
fn shared_text(text: Utf8Bytes) -> ByteString {
    // SAFETY: a `Utf8Bytes` holds valid UTF-8.
    unsafe { ByteString::from_bytes_unchecked(text.into()) }
}
