//! Whole messages in and out of a byte stream.
//!
//! It batches: what is fed waits until it is flushed, so that many replies leave in one write. Pings and Close frames are
//! answered here.

use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use ws_core::engine::put_encoded;
use ws_core::{CloseFrame, Message, RawFrame, SharedMessages, close_code};

use crate::WireError;
use crate::decoder::Decoder;
use crate::frame::{FIN, Header, Role};
use crate::input::Input;
use crate::output::{LARGE, Output};

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
#[derive(Debug)]
pub struct Wire<S> {
    transport: S,
    role: Role,
    auto_pong: bool,
    input: Input,
    decoder: Decoder,
    output: Output,
    unflushed_pongs: usize,
    heard: bool,
    /// We have sent a Close frame, be it the first or the answer.
    close_sent: bool,
    /// The peer has sent a Close frame.
    close_came: bool,
    /// Nothing more comes.
    ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Speaks as the server on `transport`; `read` is what was read from it already, behind the handshake.
    pub fn server(transport: S, read: Bytes, options: WireOptions) -> Self {
        Self::new(transport, &read, options, Role::Server)
    }

    /// Speaks as a client on `transport`; `read` is what was read from it already, behind the handshake.
    pub fn client(transport: S, read: Bytes, options: WireOptions) -> Self {
        Self::new(transport, &read, options, Role::Client)
    }

    /// What was `read` is copied: given away, the buffer of the HTTP connection would be kept for as long as this one lives.
    fn new(transport: S, read: &[u8], options: WireOptions, role: Role) -> Self {
        let vectored = transport.is_write_vectored();
        Self {
            transport,
            role,
            auto_pong: options.auto_pong,
            input: Input::new(read),
            decoder: Decoder::new(role, options.max_message_size),
            output: Output::new(role, vectored),
            unflushed_pongs: 0,
            heard: false,
            close_sent: false,
            close_came: false,
            ended: false,
        }
    }

    /// The transport.
    pub fn transport(&self) -> &S {
        &self.transport
    }

    /// The transport, to change how it is read and written.
    pub fn transport_mut(&mut self) -> &mut S {
        &mut self.transport
    }

    /// Whether pings are answered by the way.
    #[must_use]
    pub fn auto_pong(&self) -> bool {
        self.auto_pong
    }

    /// Says whether pings are answered by the way from now on.
    pub fn set_auto_pong(&mut self, auto_pong: bool) {
        self.auto_pong = auto_pong;
    }

    /// Whether anything has come since the last call, be it a part of a message only.
    pub fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    /// Whether what comes may be answered. If not, a flush must be done before more is read: answers are kept without
    /// bound.
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
        // A server ends the connection when both have closed; a client waits for that (RFC 6455, section 7.1.1).
        if self.ended || self.close_came && self.role == Role::Server {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll_message(cx)).transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, WireError>> {
        loop {
            if self.close_came && !self.input.is_empty() {
                return Poll::Ready(Err(WireError::Protocol("something behind a Close frame".to_owned())));
            }
            // Nothing is no frame; and most often nothing is left behind the last message.
            if !(self.input.is_empty() && self.decoder.is_between_frames()) {
                let (decoded, message) = self.decoder.decode(self.input.unread())?;
                self.input.consume(decoded);
                if let Some(message) = message {
                    return Poll::Ready(Ok(Some(self.answered(message))));
                }
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(0)) if self.close_came => return Poll::Ready(Ok(None)),
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(WireError::Lost)),
                Poll::Ready(Ok(_)) => self.heard = true,
                Poll::Ready(Err(WireError::Lost)) if self.close_came => return Poll::Ready(Ok(None)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.input.settle();
                    return Poll::Pending;
                }
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, WireError>> {
        if self.input.is_empty()
            && let Some(mut room) = self.decoder.room()
        {
            let read = ready!(pin!(self.transport.read_buf(&mut room)).poll(cx))?;
            self.decoder.arrived(read)?;
            return Poll::Ready(Ok(read));
        }
        self.input.poll_fill(&mut self.transport, cx).map_err(Into::into)
    }

    /// Answers what wants an answer, unless we have closed.
    fn answered(&mut self, message: Message) -> Message {
        match message {
            Message::Ping(data) => {
                if self.auto_pong && !self.close_sent {
                    self.output.put(RawFrame::PONG, &data);
                    self.unflushed_pongs += 1;
                }
                Message::Ping(data)
            }
            Message::Close(frame) => {
                self.close_came = true;
                if self.close_sent {
                    return Message::Close(frame);
                }
                let frame = frame.map(allowed);
                self.put_close(frame.as_ref());
                Message::Close(frame)
            }
            message => message,
        }
    }

    fn put_close(&mut self, frame: Option<&CloseFrame>) {
        self.close_sent = true;
        let mut payload = Vec::new();
        if let Some(frame) = frame {
            payload.extend_from_slice(&frame.code.to_be_bytes());
            payload.extend_from_slice(frame.reason.as_bytes());
        }
        self.output.put(RawFrame::CLOSE, &payload);
    }

    /// Whether a message can be fed now.
    ///
    /// # Errors
    /// [`WireError`] if the transport takes nothing more.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        if self.has_room() { Poll::Ready(Ok(())) } else { self.poll_drain(cx) }
    }

    /// Whether a message can be fed without asking the transport.
    #[inline]
    fn has_room(&self) -> bool {
        self.output.waiting() < WRITE_BUFFER
    }

    /// Takes a message on its way. Call it when [`poll_ready`](Self::poll_ready) has said so.
    ///
    /// # Errors
    /// [`WireError`] behind a Close frame, ours or the answer to the peer's: nothing may follow it.
    pub fn feed(&mut self, message: Message) -> Result<(), WireError> {
        if self.close_sent {
            return Err(WireError::Protocol("something behind our Close frame".to_owned()));
        }
        match message {
            Message::Text(text) => self.output.put_message(RawFrame::TEXT, text.into_bytes()),
            Message::Binary(data) => self.output.put_message(RawFrame::BINARY, data),
            Message::Ping(data) => self.output.put(RawFrame::PING, &data),
            Message::Pong(data) => self.output.put(RawFrame::PONG, &data),
            Message::Close(frame) => self.put_close(frame.as_ref()),
        }
        Ok(())
    }

    /// The same for messages that others get, too: if these are small, their frames are made once for all.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub fn feed_shared(&mut self, messages: SharedMessages<'_>) -> Result<(), WireError> {
        let output = &mut self.output;
        let is_put = self.role == Role::Server
            && !self.close_sent
            && put_encoded(messages, encode_small, |frames| output.put_encoded(frames));
        if is_put { Ok(()) } else { messages.iter().try_for_each(|message| self.feed_one_shared(message)) }
    }

    /// A small message is copied at once.
    #[inline]
    fn feed_one_shared(&mut self, message: &Message) -> Result<(), WireError> {
        match small(message) {
            Some((opcode, payload)) if !self.close_sent => {
                self.output.put(opcode, payload);
                Ok(())
            }
            _ => self.feed(message.clone()),
        }
    }

    /// Takes a frame on its way exactly as it stands. It may break the protocol; a Close frame put here begins no closing
    /// handshake.
    pub fn feed_raw(&mut self, frame: &RawFrame) {
        self.output.put_raw(frame);
    }

    /// Puts on the wire what was fed, and the answers to what was read. Call it when nothing more is done for now, also
    /// if nothing was fed: the buffer that was read into is given back then.
    ///
    /// # Errors
    /// [`WireError`] if the transport fails.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        self.input.settle();
        ready!(self.poll_drain(cx))?;
        self.unflushed_pongs = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        let drained = self.output.poll_drain(&mut self.transport, cx);
        if drained.is_pending() {
            self.input.settle();
        }
        drained.map_err(Into::into)
    }

    /// Ends our half of the transport and throws away what the peer still sends, so that a Close frame which is on its
    /// way to a peer in the middle of a message is not lost to a reset.
    pub async fn linger(&mut self) {
        if self.transport.shutdown().await.is_ok() {
            self.discard().await;
        }
    }

    /// Throws away what the peer sends until it ends its half of the transport. Nothing is answered.
    pub async fn discard(&mut self) {
        let mut discarded = BytesMut::with_capacity(DISCARDED);
        while let Ok(1..) = self.transport.read_buf(&mut discarded).await {
            discarded.clear();
        }
    }
}

/// The opcode and the payload of a text or binary message which is not so large that it is better not copied.
#[inline]
fn small(message: &Message) -> Option<(u8, &[u8])> {
    let (opcode, payload) = match message {
        Message::Text(text) => (RawFrame::TEXT, &text.as_bytes()[..]),
        Message::Binary(data) => (RawFrame::BINARY, &data[..]),
        _ => return None,
    };
    (payload.len() < LARGE).then_some((opcode, payload))
}

/// Puts the frame of a server behind `frames`, if the message is small.
fn encode_small(message: &Message, frames: &mut Vec<u8>) -> bool {
    let Some((opcode, payload)) = small(message) else { return false };
    Header { first: FIN | opcode, key: None, length: payload.len() as u64 }.put(frames);
    frames.extend_from_slice(payload);
    true
}

/// How much is thrown away at once, in bytes.
const DISCARDED: usize = 2 * 1024;

/// A Close frame whose code nobody may send is a violation of the protocol.
fn allowed(frame: CloseFrame) -> CloseFrame {
    match frame.code {
        code if close_code::is_sendable(code) => frame,
        _ => CloseFrame { code: close_code::PROTOCOL_ERROR, reason: "Protocol violation".into() },
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Waker;

    use super::*;

    #[tokio::test]
    async fn what_was_read_and_is_not_taken_holds_no_more_memory_than_it_has_bytes() {
        let (near, mut far) = tokio::io::duplex(100);
        let mut client = Wire::client(near, Bytes::new(), WireOptions::default());
        far.write_all(b"\x81\x03one\x81\x03two\x81\x05three").await.unwrap();
        for expected in ["one", "two", "three"] {
            let next = poll_fn(|cx| client.poll_next(cx)).await.unwrap().unwrap();
            assert_eq!(next, Message::text(expected));
            poll_fn(|cx| client.poll_flush(cx)).await.unwrap();
            assert!(client.input.held() <= 12, "{} bytes", client.input.held());
        }
        drop(far);
        assert!(matches!(poll_fn(|cx| client.poll_next(cx)).await, Some(Err(WireError::Lost))));
        assert_eq!(client.input.held(), 0);
    }

    #[tokio::test]
    async fn who_waits_holds_no_buffer() {
        let (near, mut far) = tokio::io::duplex(100);
        let mut server = Wire::server(near, Bytes::new(), WireOptions::default());
        let mut context = Context::from_waker(Waker::noop());
        // For the rest of a large message.
        far.write_all(b"\x82\xff\0\0\0\0\0\x10\0\0keyz").await.unwrap();
        assert!(server.poll_next(&mut context).is_pending());
        assert_eq!(server.input.held(), 0);

        // For a peer that takes nothing.
        let (near, mut far) = tokio::io::duplex(100);
        let mut client = Wire::client(near, Bytes::new(), WireOptions::default());
        far.write_all(b"\x81\x03one\x81\x03two").await.unwrap();
        assert!(client.poll_next(&mut context).is_ready());
        client.feed(Message::binary(vec![0; WRITE_BUFFER])).unwrap();
        assert!(client.poll_ready(&mut context).is_pending());
        assert_eq!(client.input.held(), 5);
    }
}
