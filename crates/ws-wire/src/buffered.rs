//! A transport that collects what is written until it is drained, so that many frames leave in one write.
//!
//! Everybody who writes to the connection writes here, whole frames at a time: so they cannot run into each other. It also
//! knows whether anything has come: a peer that is in the middle of a long message lives.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::Role;
use ws_core::RawFrame;

/// What an idle connection may keep of the room that its last messages took, in bytes.
const IDLE_CAPACITY: usize = 2 * 1024;

/// The bit of a frame's first byte that says that no fragment follows (RFC 6455, section 5.2).
const FIN: u8 = 0b1000_0000;
/// The bit of a frame's second byte that says that the payload is masked, as that of a client must be.
const MASKED: u8 = 0b1000_0000;

/// A transport, and what waits to be written to it.
pub(crate) struct Buffered<S> {
    pub(crate) transport: S,
    role: Role,
    /// Whether pings are answered by tungstenite. If not, its answers are left out.
    pub(crate) auto_pong: bool,
    heard: bool,
    out: Vec<u8>,
    /// How much of `out` is on the wire.
    written: usize,
}

impl<S> Buffered<S> {
    pub(crate) fn new(transport: S, role: Role, auto_pong: bool) -> Self {
        Self { transport, role, auto_pong, heard: false, out: Vec::new(), written: 0 }
    }

    /// Whether anything was read since the last call.
    pub(crate) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    /// How many bytes wait to be drained.
    pub(crate) fn waiting(&self) -> usize {
        self.out.len() - self.written
    }

    /// Writes a whole message, or a control frame, as one well-formed frame.
    pub(crate) fn put(&mut self, opcode: u8, payload: &[u8]) {
        self.put_frame(FIN | opcode, payload.len() as u64, payload);
    }

    /// Writes a frame as it stands, be it well-formed or not.
    pub(crate) fn put_raw(&mut self, frame: &RawFrame) {
        let fin = if frame.fin { FIN } else { 0 };
        let first = fin | (frame.rsv & 0b111) << 4 | frame.opcode & 0b1111;
        self.put_frame(first, frame.announced.unwrap_or(frame.payload.len() as u64), &frame.payload);
    }

    /// The layout of RFC 6455, section 5.2; a client masks (section 5.3).
    fn put_frame(&mut self, first: u8, announced: u64, payload: &[u8]) {
        self.out.reserve(14 + payload.len());
        self.out.push(first);
        let masked = if self.role == Role::Client { MASKED } else { 0 };
        if announced < 126 {
            self.out.push(masked | announced as u8);
        } else if let Ok(length) = u16::try_from(announced) {
            self.out.push(masked | 126);
            self.out.extend_from_slice(&length.to_be_bytes());
        } else {
            self.out.push(masked | 127);
            self.out.extend_from_slice(&announced.to_be_bytes());
        }
        if self.role == Role::Client {
            let key: [u8; 4] = rand::random();
            self.out.extend_from_slice(&key);
            let start = self.out.len();
            self.out.extend_from_slice(payload);
            mask(&mut self.out[start..], key);
        } else {
            self.out.extend_from_slice(payload);
        }
    }

    /// Takes what tungstenite writes: control frames, each whole.
    fn put_answers(&mut self, mut frames: &[u8]) {
        if self.auto_pong {
            return self.out.extend_from_slice(frames);
        }
        let header = if self.role == Role::Client { 6 } else { 2 };
        while let [first, length, ..] = *frames {
            let (frame, rest) = frames.split_at((header + usize::from(length & !MASKED)).min(frames.len()));
            if first != FIN | RawFrame::PONG {
                self.out.extend_from_slice(frame);
            }
            frames = rest;
        }
    }
}

fn mask(payload: &mut [u8], key: [u8; 4]) {
    let mut words = payload.chunks_exact_mut(4);
    for word in &mut words {
        for (byte, key) in word.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key) {
        *byte ^= key;
    }
}

impl<S: AsyncWrite + Unpin> Buffered<S> {
    /// Puts all that waits on the wire.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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

/// For tungstenite. What it writes never waits; [`poll_drain`](Buffered::poll_drain) does.
impl<S: AsyncWrite + Unpin> AsyncWrite for Buffered<S> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, frames: &[u8]) -> Poll<io::Result<usize>> {
        self.put_answers(frames);
        Poll::Ready(Ok(frames.len()))
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
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

    use super::*;

    const LENGTHS: [usize; 8] = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000];

    #[test]
    fn a_frame_of_each_kind_of_length_is_written_as_tungstenite_writes_it() {
        for length in LENGTHS {
            let payload = vec![7; length];
            let mut buffered = Buffered::new((), Role::Server, true);
            buffered.put(RawFrame::BINARY, &payload);

            let mut expected = Vec::new();
            let header = FrameHeader { opcode: OpCode::Data(Data::Binary), ..FrameHeader::default() };
            Frame::from_payload(header, payload.into()).format(&mut expected).unwrap();
            assert_eq!(buffered.out, expected, "length {length}");
        }
    }

    #[test]
    fn what_a_client_masks_tungstenite_unmasks() {
        for length in LENGTHS {
            let payload: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut buffered = Buffered::new((), Role::Client, true);
            buffered.put(RawFrame::BINARY, &payload);
            let mut written = std::io::Cursor::new(&buffered.out);
            let (mut header, announced) = FrameHeader::parse(&mut written).unwrap().unwrap();
            assert_eq!(announced, length as u64);
            let mut arrived = buffered.out[written.position() as usize..].to_vec();
            mask(&mut arrived, header.mask.take().unwrap());
            assert_eq!(arrived, payload, "length {length}");
        }
    }

    #[test]
    fn a_raw_frame_may_be_wrong() {
        let mut buffered = Buffered::new((), Role::Server, true);
        let payload = bytes::Bytes::from_static(b"ab");
        buffered.put_raw(&RawFrame { fin: false, rsv: 5, opcode: 3, payload, announced: Some(300) });
        assert_eq!(buffered.out, [0b0101_0011, 126, 1, 44, b'a', b'b']);
    }

    #[test]
    fn without_auto_pong_only_pongs_are_left_out() {
        for (auto_pong, expected) in [(false, &b"\x88\x02\x03\xe8"[..]), (true, b"\x8a\x01x\x88\x02\x03\xe8\x8a\x00")] {
            let mut buffered = Buffered::new((), Role::Server, auto_pong);
            buffered.put_answers(b"\x8a\x01x\x88\x02\x03\xe8\x8a\x00");
            assert_eq!(buffered.out, expected);
        }
        let mut client = Buffered::new((), Role::Client, false);
        client.put_answers(b"\x8a\x81keyzx\x88\x80keyz");
        assert_eq!(client.out, b"\x88\x80keyz");
    }

    #[tokio::test]
    async fn what_is_put_arrives_whole_through_a_transport_that_takes_little_at_a_time() {
        let (near, mut far) = tokio::io::duplex(7);
        let mut buffered = Buffered::new(near, Role::Server, true);
        buffered.put(RawFrame::TEXT, b"one and two");
        buffered.put(RawFrame::TEXT, b"three");
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
        let mut buffered = Buffered::new(near, Role::Server, true);
        buffered.put(RawFrame::BINARY, &[0; 100_000]);
        poll_fn(|cx| buffered.poll_drain(cx)).await.unwrap();
        assert!(buffered.out.capacity() <= IDLE_CAPACITY, "{}", buffered.out.capacity());
        drop(buffered);
        let mut arrived = Vec::new();
        far.read_to_end(&mut arrived).await.unwrap();
        assert_eq!(arrived.len(), 100_010);
    }
}
