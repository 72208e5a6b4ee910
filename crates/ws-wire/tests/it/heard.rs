//! What becomes of a stream of bytes: as we read it, and as tungstenite does.

use std::io::{self, Cursor, Read, Write};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use bytestring::ByteString;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, WebSocket};
use ws_core::{CloseFrame, Message};
use ws_wire::{Wire, WireError, WireOptions};

use crate::pieces::Pieces;

/// What is read, and by whom.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) bytes: Vec<u8>,
    /// Where it is cut into pieces.
    pub(crate) cuts: Vec<usize>,
    /// Whether a client reads it.
    pub(crate) by_client: bool,
    /// Whether the reader has sent a Close frame before.
    pub(crate) closing: bool,
    pub(crate) max_message_size: usize,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) messages: Vec<Message>,
    pub(crate) end: End,
    /// What the reader wrote.
    pub(crate) written: Vec<u8>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Lost,
    Protocol,
    TooBig,
    Utf8,
}

impl Stream {
    /// As we read it.
    pub(crate) fn heard(&self) -> Heard {
        let options = WireOptions { max_message_size: self.max_message_size, ..WireOptions::default() };
        let transport = Pieces::new(&self.bytes, &self.cuts);
        let mut wire = if self.by_client {
            Wire::client(transport, Bytes::new(), options)
        } else {
            Wire::server(transport, Bytes::new(), options)
        };
        if self.closing {
            wire.feed(Message::Close(None)).unwrap();
        }
        let mut context = Context::from_waker(Waker::noop());
        let mut messages = Vec::new();
        let end = loop {
            match wire.poll_next(&mut context) {
                Poll::Ready(Some(Ok(message))) => messages.push(message),
                Poll::Ready(None) => break End::Closed,
                Poll::Ready(Some(Err(error))) => {
                    break match error {
                        WireError::Lost => End::Lost,
                        WireError::Protocol(_) => End::Protocol,
                        WireError::TooBig(_) => End::TooBig,
                        WireError::Utf8(_) => End::Utf8,
                        error => panic!("{error}"),
                    };
                }
                // As a session does at the end of each of its turns.
                Poll::Pending => assert!(wire.poll_flush(&mut context).is_ready()),
            }
        };
        assert!(matches!(wire.poll_next(&mut context), Poll::Ready(None)), "nothing comes behind the end");
        assert!(wire.poll_flush(&mut context).is_ready());
        Heard { messages, end, written: wire.transport().written.clone() }
    }

    /// As tungstenite reads it, all in one piece.
    pub(crate) fn heard_by_tungstenite(&self) -> Heard {
        let config = WebSocketConfig::default()
            .max_message_size(Some(self.max_message_size))
            .max_frame_size(Some(self.max_message_size));
        let role = if self.by_client { Role::Client } else { Role::Server };
        let transport = Whole { left: Cursor::new(self.bytes.clone()), written: Vec::new() };
        let mut socket = WebSocket::from_raw_socket(transport, role, Some(config));
        if self.closing {
            socket.close(None).unwrap();
        }
        let mut messages = Vec::new();
        let end = loop {
            match socket.read() {
                Ok(message) => messages.push(from_tungstenite(message)),
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => break End::Closed,
                Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => break End::Lost,
                Err(Error::Protocol(_)) => break End::Protocol,
                Err(Error::Capacity(_)) => break End::TooBig,
                Err(Error::Utf8(_)) => break End::Utf8,
                Err(error) => panic!("{error}"),
            }
        };
        Heard { messages, end, written: socket.get_ref().written.clone() }
    }

    /// Compares the two.
    ///
    /// They differ in four ways, each on purpose:
    /// - We see what is wrong in a header, or in a part of a text, when it comes. tungstenite waits for the whole frame, and so
    ///   says of a stream that ends before that only that it was lost.
    /// - What a server sends behind its Close frame is an error with its first byte. tungstenite reads the frame, which may
    ///   be wrong in another way, or not come whole.
    /// - Code 1014 has been assigned since: a peer may send it.
    /// - A client's answers are masked with random keys; they are not compared.
    pub(crate) fn compare(&self) {
        let ours = self.heard();
        let mut theirs = self.heard_by_tungstenite();
        let sees_more = theirs.end == End::Lost && matches!(ours.end, End::Protocol | End::TooBig | End::Utf8);
        let closed = self.by_client && matches!(theirs.messages.last(), Some(Message::Close(_)));
        let behind_close = closed && ours.end == End::Protocol;
        if sees_more || behind_close {
            theirs.end = ours.end;
        }
        if let Some(Message::Close(Some(CloseFrame { code: 1014, .. }))) = ours.messages.last() {
            theirs.messages.pop();
            theirs.messages.extend(ours.messages.last().cloned());
            theirs.written.clone_from(&ours.written);
        }
        if self.by_client {
            theirs.written.clone_from(&ours.written);
        }
        assert_eq!(ours, theirs, "{self:?}");
    }
}

/// A stream that is all there.
#[derive(Debug)]
struct Whole {
    left: Cursor<Vec<u8>>,
    written: Vec<u8>,
}

impl Read for Whole {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.left.read(buf)
    }
}

impl Write for Whole {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn from_tungstenite(message: tungstenite::Message) -> Message {
    match message {
        tungstenite::Message::Text(text) => Message::text(text.as_str()),
        tungstenite::Message::Binary(data) => Message::Binary(data),
        tungstenite::Message::Ping(data) => Message::Ping(data),
        tungstenite::Message::Pong(data) => Message::Pong(data),
        tungstenite::Message::Close(frame) => Message::Close(
            frame.map(|frame| CloseFrame { code: frame.code.into(), reason: ByteString::from(frame.reason.as_str()) }),
        ),
        tungstenite::Message::Frame(frame) => panic!("{frame}"),
    }
}
