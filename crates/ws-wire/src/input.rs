//! What was read from a transport and is not decoded yet.
//!
//! One read should take all that is there, so it wants a large buffer; one for each connection would take more memory than
//! all else. So each thread has one, which goes from connection to connection.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// The most that is read at once, in bytes. Beyond this, a payload is read into its own place.
pub(crate) const ROOM: usize = 64 * 1024;

thread_local! {
    /// A buffer of [`ROOM`] bytes that nobody uses; or none.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// The thread's buffer while something is read or decoded; else exactly what is left to decode.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    pub(crate) fn new(read: &[u8]) -> Self {
        Self { bytes: read.to_vec(), start: 0, end: read.len() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// What is not decoded yet.
    pub(crate) fn unread(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// Leaves out the first `decoded` bytes from now on.
    pub(crate) fn consume(&mut self, decoded: usize) {
        self.start += decoded;
    }

    /// Reads what is there behind what is left; none means that the transport has ended.
    pub(crate) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        transport: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.borrow();
        let mut room = ReadBuf::new(&mut self.bytes[self.end..]);
        let polled = Pin::new(transport).poll_read(cx, &mut room);
        let read = room.filled().len();
        self.end += read;
        if read == 0 {
            self.settle();
        }
        ready!(polled)?;
        Poll::Ready(Ok(read))
    }

    /// Gives the thread's buffer back. What is left to decode is kept in as much memory as it takes.
    pub(crate) fn settle(&mut self) {
        if self.bytes.len() < ROOM {
            return;
        }
        let left = self.unread().to_vec();
        (self.start, self.end) = (0, left.len());
        let spare = std::mem::replace(&mut self.bytes, left);
        // Gone only when the thread is at its end.
        let _ = SPARE.try_with(|cell| cell.set(spare));
    }

    /// Puts what is left at the start of a buffer with room.
    fn borrow(&mut self) {
        let left = self.start..self.end;
        if self.bytes.len() < ROOM {
            let mut bytes = SPARE.try_with(Cell::take).unwrap_or_default();
            if bytes.is_empty() {
                bytes = vec![0; ROOM];
            }
            bytes[..left.len()].copy_from_slice(&self.bytes[left.clone()]);
            self.bytes = bytes;
        } else {
            self.bytes.copy_within(left.clone(), 0);
        }
        (self.start, self.end) = (0, left.len());
    }
}

#[cfg(test)]
impl Input {
    /// How much memory it holds, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn what_is_left_is_kept_in_as_much_memory_as_it_takes() {
        let mut transport = &b"one two"[..];
        let mut input = Input::new(b"zero ");
        assert_eq!(poll_fn(|cx| input.poll_fill(&mut transport, cx)).await.unwrap(), 7);
        input.consume(9);
        assert_eq!(input.unread(), b"two");
        input.settle();
        assert_eq!(input.unread(), b"two");
        assert_eq!(input.held(), 3);

        transport = b" three";
        assert_eq!(poll_fn(|cx| input.poll_fill(&mut transport, cx)).await.unwrap(), 6);
        assert_eq!(input.unread(), b"two three");
        input.consume(9);
        assert_eq!(poll_fn(|cx| input.poll_fill(&mut transport, cx)).await.unwrap(), 0);
        assert_eq!(input.held(), 0);
    }
}
