//! A transport that delivers bytes in pieces, and keeps what is written to it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Delivers its pieces one at a time, with a pause before each, and then ends, or fails.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    left: VecDeque<Bytes>,
    paused: bool,
    pub(crate) failure: Option<io::ErrorKind>,
    pub(crate) written: Vec<u8>,
}

impl Pieces {
    /// `stream`, cut where `cuts` say.
    pub(crate) fn new(stream: &[u8], cuts: &[usize]) -> Self {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).chain([stream.len()]).collect();
        ends.sort_unstable();
        let mut start = 0;
        let pieces =
            ends.into_iter().map(|end| Bytes::copy_from_slice(&stream[std::mem::replace(&mut start, end)..end]));
        Self { left: pieces.filter(|piece| !piece.is_empty()).collect(), ..Self::default() }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.paused = !self.paused;
        if self.paused {
            return Poll::Pending;
        }
        if let (None, Some(failure)) = (self.left.front(), self.failure) {
            return Poll::Ready(Err(failure.into()));
        }
        if let Some(piece) = self.left.front_mut() {
            let count = piece.len().min(buf.remaining());
            buf.put_slice(&piece[..count]);
            piece.advance(count);
            if piece.is_empty() {
                self.left.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.written.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
