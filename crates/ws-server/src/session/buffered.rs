//! A transport that collects what is written until it is drained, so that many frames leave in one write.
//!
//! Everybody who writes to the connection writes here, whole frames at a time: so they cannot run into each other. It also
//! knows whether anything has come: a client that is in the middle of a long message lives.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

/// What an idle connection may keep of the room that its last messages took, in bytes.
const IDLE_CAPACITY: usize = 2 * 1024;

/// The bit of a frame's first byte that says that no fragment follows (RFC 6455, section 5.2).
const FIN: u8 = 0b1000_0000;

/// A transport, and what waits to be written to it.
pub(super) struct Buffered<S> {
    pub(super) transport: S,
    heard: bool,
    out: Vec<u8>,
    /// How much of `out` is on the wire.
    written: usize,
}

impl<S> Buffered<S> {
    pub(super) fn new(transport: S) -> Self {
        Self { transport, heard: false, out: Vec::new(), written: 0 }
    }

    /// Whether anything was read since the last call.
    pub(super) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    /// How many bytes wait to be drained.
    pub(super) fn waiting(&self) -> usize {
        self.out.len() - self.written
    }

    /// Writes one unmasked, unfragmented frame, as a server does (RFC 6455, section 5.2).
    pub(super) fn put_frame(&mut self, opcode: OpCode, payload: &[u8]) {
        self.out.reserve(10 + payload.len());
        self.out.push(FIN | u8::from(opcode));
        if payload.len() < 126 {
            self.out.push(payload.len() as u8);
        } else if let Ok(length) = u16::try_from(payload.len()) {
            self.out.push(126);
            self.out.extend_from_slice(&length.to_be_bytes());
        } else {
            self.out.push(127);
            self.out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
        self.out.extend_from_slice(payload);
    }
}

impl<S: AsyncWrite + Unpin> Buffered<S> {
    /// Puts all that waits on the wire.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            match ready!(Pin::new(&mut self.transport).poll_write(cx, &self.out[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        self.written = 0;
        self.out.clear();
        self.out.shrink_to(IDLE_CAPACITY);
        Pin::new(&mut self.transport).poll_flush(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Buffered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.transport).poll_read(cx, buf);
        self.heard |= buf.filled().len() > before;
        read
    }
}

/// What is written here never waits; [`poll_drain`](Buffered::poll_drain) does.
impl<S: AsyncWrite + Unpin> AsyncWrite for Buffered<S> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.out.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;
    use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

    use super::*;

    #[test]
    fn a_frame_of_each_kind_of_length_is_written_as_tungstenite_writes_it() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let payload = vec![7; length];
            let mut buffered = Buffered::new(());
            buffered.put_frame(OpCode::Data(Data::Binary), &payload);

            let mut expected = Vec::new();
            let header = FrameHeader { opcode: OpCode::Data(Data::Binary), ..FrameHeader::default() };
            Frame::from_payload(header, payload.into()).format(&mut expected).unwrap();
            assert_eq!(buffered.out, expected, "length {length}");
        }
    }

    #[tokio::test]
    async fn what_is_put_arrives_whole_through_a_transport_that_takes_little_at_a_time() {
        let (near, mut far) = tokio::io::duplex(7);
        let mut buffered = Buffered::new(near);
        buffered.put_frame(OpCode::Data(Data::Text), b"one and two");
        buffered.put_frame(OpCode::Data(Data::Text), b"three");
        let mut arrived = vec![0; buffered.waiting()];
        let (drained, read) = tokio::join!(poll_fn(|cx| buffered.poll_drain(cx)), far.read_exact(&mut arrived));
        drained.unwrap();
        read.unwrap();
        assert_eq!(arrived, b"\x81\x0bone and two\x81\x05three");
        assert_eq!(buffered.waiting(), 0);
    }

    #[tokio::test]
    async fn a_large_message_leaves_no_large_buffer_behind() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut buffered = Buffered::new(near);
        buffered.put_frame(OpCode::Data(Data::Binary), &[0; 100_000]);
        poll_fn(|cx| buffered.poll_drain(cx)).await.unwrap();
        assert!(buffered.out.capacity() <= IDLE_CAPACITY, "{}", buffered.out.capacity());
        drop(buffered);
        let mut arrived = Vec::new();
        far.read_to_end(&mut arrived).await.unwrap();
        assert_eq!(arrived.len(), 100_010);
    }
}
