//! What waits to be written to a transport, so that many frames leave in one write.
//!
//! Everybody who writes to the connection writes here, whole frames at a time: so they cannot run into each other.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use ws_core::RawFrame;

use crate::frame::{FIN, Header, Role, mask};

/// Payloads of this many bytes and more are not copied, but written from where they lie.
pub(crate) const LARGE: usize = 4 * 1024;
/// Of payloads up to so many bytes the header of a frame is two bytes, unless it is masked: RFC 6455, section 5.2.
const SMALL: usize = 125;
/// The largest buffer in bytes that is used again.
const SPARE: usize = 64 * 1024;
/// The most pieces that are written at once.
const PIECES: usize = 16;

thread_local! {
    /// A buffer that nobody uses, so that idle connections need none.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Frames in the order in which they leave.
#[derive(Debug)]
pub(crate) struct Output {
    role: Role,
    /// Whether the transport takes several pieces at once.
    vectored: bool,
    /// All but large payloads.
    bytes: Vec<u8>,
    /// How much of `bytes` is on the wire.
    written: usize,
    large: VecDeque<Large>,
}

/// A payload that stands before the byte of that number.
#[derive(Debug)]
struct Large {
    before: usize,
    payload: Bytes,
}

impl Output {
    pub(crate) fn new(role: Role, vectored: bool) -> Self {
        Self { role, vectored, bytes: Vec::new(), written: 0, large: VecDeque::new() }
    }

    /// How many bytes wait to be drained.
    #[inline]
    pub(crate) fn waiting(&self) -> usize {
        self.bytes.len() - self.written + self.large.iter().map(|large| large.payload.len()).sum::<usize>()
    }

    /// Writes a whole message as one well-formed frame.
    pub(crate) fn put_message(&mut self, opcode: u8, payload: Bytes) {
        if payload.len() < LARGE || !self.vectored || self.role == Role::Client {
            return self.put(opcode, &payload);
        }
        self.borrow();
        Header { first: FIN | opcode, key: None, length: payload.len() as u64 }.put(&mut self.bytes);
        self.large.push_back(Large { before: self.bytes.len(), payload });
    }

    /// Writes a whole message, or a control frame, as one well-formed frame.
    #[inline]
    pub(crate) fn put(&mut self, opcode: u8, payload: &[u8]) {
        if payload.len() > SMALL || self.role == Role::Client {
            return self.put_frame(FIN | opcode, payload.len() as u64, payload);
        }
        self.borrow();
        self.bytes.reserve(2 + payload.len());
        self.bytes.extend_from_slice(&[FIN | opcode, payload.len() as u8]);
        self.bytes.extend_from_slice(payload);
    }

    /// Writes whole frames.
    pub(crate) fn put_encoded(&mut self, frames: &[u8]) {
        self.borrow();
        self.bytes.extend_from_slice(frames);
    }

    /// Writes a frame as it stands, be it well-formed or not.
    pub(crate) fn put_raw(&mut self, frame: &RawFrame) {
        let fin = if frame.fin { FIN } else { 0 };
        let first = fin | (frame.rsv & 0b111) << 4 | frame.opcode & 0b1111;
        self.put_frame(first, frame.announced.unwrap_or(frame.payload.len() as u64), &frame.payload);
    }

    /// A client masks: RFC 6455, section 5.3.
    fn put_frame(&mut self, first: u8, length: u64, payload: &[u8]) {
        self.borrow();
        self.bytes.reserve(Header::MAX + payload.len());
        let key = (self.role == Role::Client).then(rand::random);
        Header { first, key, length }.put(&mut self.bytes);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        if let Some(key) = key {
            mask(&mut self.bytes[start..], key);
        }
    }

    #[inline]
    fn borrow(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes = BUFFER.try_with(Cell::take).unwrap_or_default();
        }
    }

    /// Puts all that waits on the wire.
    pub(crate) fn poll_drain<S: AsyncWrite + Unpin>(
        &mut self,
        transport: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() || !self.large.is_empty() {
            let transport = Pin::new(&mut *transport);
            let polled = if self.large.is_empty() {
                transport.poll_write(cx, &self.bytes[self.written..])
            } else {
                let mut pieces = [IoSlice::new(&[]); PIECES];
                let count = self.pieces(&mut pieces);
                transport.poll_write_vectored(cx, &pieces[..count])
            };
            match polled {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => self.advance(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.compact();
                    return Poll::Pending;
                }
            }
        }
        self.written = 0;
        self.bytes.clear();
        if self.bytes.capacity() > 0 {
            let spare = std::mem::take(&mut self.bytes);
            if spare.capacity() <= SPARE {
                // Gone only when the thread is at its end.
                let _ = BUFFER.try_with(|cell| cell.set(spare));
            }
        }
        Pin::new(transport).poll_flush(cx)
    }

    /// What is to be written next, as far as it fits; returns how many pieces these are.
    fn pieces<'a>(&'a self, pieces: &mut [IoSlice<'a>; PIECES]) -> usize {
        let last = self.large.back().map_or(self.written, |large| large.before);
        let mut from = self.written;
        let up_to_last = self.large.iter().flat_map(|large| {
            let small = &self.bytes[from..large.before];
            from = large.before;
            [small, &large.payload[..]]
        });
        let all = up_to_last.chain([&self.bytes[last..]]);
        let mut count = 0;
        for (piece, bytes) in pieces.iter_mut().zip(all.filter(|bytes| !bytes.is_empty())) {
            *piece = IoSlice::new(bytes);
            count += 1;
        }
        count
    }

    /// Leaves out what was written.
    fn advance(&mut self, mut written: usize) {
        while let Some(large) = self.large.front_mut() {
            let small = written.min(large.before - self.written);
            self.written += small;
            written -= small;
            if self.written < large.before || written < large.payload.len() {
                return large.payload.advance(written);
            }
            written -= large.payload.len();
            self.large.pop_front();
        }
        self.written += written;
    }

    /// Lets go of what is on the wire. A transport that takes a little now and then, and never all, would else make the
    /// buffer grow for as long as it lives.
    fn compact(&mut self) {
        // Never more is moved than was written since the last time.
        if self.written > self.bytes.len() / 2 {
            self.bytes.drain(..self.written);
            for large in &mut self.large {
                large.before -= self.written;
            }
            self.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Waker;

    use tokio::io::AsyncReadExt;

    use super::*;

    #[test]
    fn a_raw_frame_may_be_wrong() {
        let mut output = Output::new(Role::Server, true);
        let payload = Bytes::from_static(b"ab");
        output.put_raw(&RawFrame { fin: false, rsv: 5, opcode: 3, payload, announced: Some(300) });
        assert_eq!(output.bytes, [0b0101_0011, 126, 1, 44, b'a', b'b']);
    }

    #[test]
    fn a_client_masks_each_frame_with_a_key_of_its_own() {
        let mut output = Output::new(Role::Client, true);
        output.put_message(RawFrame::TEXT, Bytes::from_static(b"hello"));
        output.put_message(RawFrame::TEXT, Bytes::from_static(b"hello"));
        let (one, other) = output.bytes.split_at_mut(11);
        assert_ne!(one, other);
        for frame in [one, other] {
            let (header, size) = Header::parse(frame).unwrap();
            mask(&mut frame[size..], header.key.unwrap());
            assert_eq!(&frame[size..], b"hello");
        }
    }

    #[test]
    fn what_was_written_in_part_goes_on_where_it_stopped() {
        let large = |fill| Bytes::from(vec![fill; LARGE]);
        let mut whole = Output::new(Role::Server, false);
        for (vectored, step) in [(false, 7), (true, 1), (true, 7), (true, 5000), (true, 100_000)] {
            let mut output = Output::new(Role::Server, vectored);
            for put in [&mut whole, &mut output] {
                put.put_message(RawFrame::BINARY, large(1));
                put.put_message(RawFrame::BINARY, large(2));
                put.put(RawFrame::TEXT, b"between");
                put.put_message(RawFrame::BINARY, large(3));
                put.put(RawFrame::TEXT, b"at the end");
            }
            assert_eq!(output.large.len(), if vectored { 3 } else { 0 });
            assert_eq!(output.waiting(), whole.bytes.len());
            let mut left = &whole.bytes[..];
            while output.waiting() > 0 {
                let mut pieces = [IoSlice::new(&[]); PIECES];
                let count = output.pieces(&mut pieces);
                let next = pieces[..count].iter().flat_map(|piece| piece.iter().copied()).collect::<Vec<u8>>();
                assert!(left.starts_with(&next));
                let written = step.min(next.len());
                output.advance(written);
                left = &left[written..];
            }
            assert!(left.is_empty(), "{} bytes were not written", left.len());
            whole.bytes.clear();
        }
    }

    #[tokio::test]
    async fn what_is_put_arrives_whole_through_a_transport_that_takes_little_at_a_time() {
        let (mut near, mut far) = tokio::io::duplex(7);
        let mut output = Output::new(Role::Server, near.is_write_vectored());
        output.put(RawFrame::TEXT, b"one and two");
        output.put(RawFrame::TEXT, b"three");
        let mut arrived = vec![0; output.waiting()];
        let (drained, read) =
            tokio::join!(poll_fn(|cx| output.poll_drain(&mut near, cx)), far.read_exact(&mut arrived));
        drained.unwrap();
        read.unwrap();
        assert_eq!(arrived, b"\x81\x0bone and two\x81\x05three");
        assert_eq!(output.waiting(), 0);
    }

    /// Takes seven bytes whenever it is asked for the first time, and none when it is asked again.
    struct Sipping {
        taken: Vec<u8>,
        is_full: bool,
    }

    impl AsyncWrite for Sipping {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.is_full = !self.is_full;
            if !self.is_full {
                return Poll::Pending;
            }
            let count = bytes.len().min(7);
            self.taken.extend_from_slice(&bytes[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn a_transport_that_never_takes_all_does_not_make_the_buffer_grow() {
        let mut context = Context::from_waker(Waker::noop());
        for vectored in [false, true] {
            let mut transport = Sipping { taken: Vec::new(), is_full: false };
            let mut output = Output::new(Role::Server, vectored);
            let mut expected = Output::new(Role::Server, false);
            for n in 0..2000_u32 {
                for output in [&mut output, &mut expected] {
                    output.put(RawFrame::BINARY, &n.to_be_bytes());
                    if n == 10 {
                        output.put_message(RawFrame::BINARY, Bytes::from(vec![1; LARGE]));
                    }
                }
                while output.waiting() > 64 {
                    assert!(output.poll_drain(&mut transport, &mut context).is_pending());
                }
                assert!(output.bytes.len() < 2 * LARGE, "{} bytes are kept", output.bytes.len());
            }
            while output.poll_drain(&mut transport, &mut context).is_pending() {}
            assert!(transport.taken == expected.bytes, "something else was written");
        }
    }

    #[tokio::test]
    async fn who_has_written_all_holds_no_buffer() {
        let (mut near, mut far) = tokio::io::duplex(1 << 20);
        let mut output = Output::new(Role::Server, false);
        output.put(RawFrame::BINARY, &[0; 100_000]);
        poll_fn(|cx| output.poll_drain(&mut near, cx)).await.unwrap();
        assert_eq!(output.bytes.capacity(), 0);
        // Nor does its thread keep one of such a size for the next.
        output.put(RawFrame::BINARY, b"");
        assert!(output.bytes.capacity() <= SPARE);
        drop(near);
        let mut arrived = Vec::new();
        far.read_to_end(&mut arrived).await.unwrap();
        assert_eq!(arrived.len(), 100_010);
    }
}
