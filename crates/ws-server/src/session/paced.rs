//! A transport that moves bytes no faster than a simulated network does.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use ws_conditions::Pace;

use crate::transport::Transport;

/// A transport with a pace for each direction that has one.
pub(crate) struct Paced<S> {
    transport: S,
    reads: Option<Gate>,
    writes: Option<Gate>,
}

impl<S> Paced<S> {
    /// `transport`, read and written at these paces.
    pub(crate) fn new(transport: S, reads: Option<Pace>, writes: Option<Pace>) -> Self {
        Self { transport, reads: reads.map(Gate::new), writes: writes.map(Gate::new) }
    }
}

/// Lets bytes of one direction through.
struct Gate {
    pace: Pace,
    /// What may pass and has not yet.
    granted: usize,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Gate {
    fn new(pace: Pace) -> Self {
        Self { pace, granted: 0, timer: None }
    }

    /// How many of `wanted` bytes, one at least, may pass now.
    fn poll_grant(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<usize> {
        while self.granted == 0 && wanted > 0 {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                self.timer = None;
            }
            match self.pace.allow(wanted, Instant::now()) {
                Ok(granted) => self.granted = granted,
                Err(later) => self.timer = Some(Box::pin(sleep_until(later))),
            }
        }
        Poll::Ready(self.granted.min(wanted))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(gate) = &mut this.reads else { return Pin::new(&mut this.transport).poll_read(cx, buf) };
        let granted = ready!(gate.poll_grant(cx, buf.remaining()));
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(granted));
        ready!(Pin::new(&mut this.transport).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buf.advance(read);
        gate.granted -= read;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(gate) = &mut this.writes else { return Pin::new(&mut this.transport).poll_write(cx, buf) };
        let granted = ready!(gate.poll_grant(cx, buf.len()));
        let written = ready!(Pin::new(&mut this.transport).poll_write(cx, &buf[..granted]))?;
        gate.granted -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_shutdown(cx)
    }
}

impl<S: Transport> Transport for Paced<S> {
    fn reset_on_drop(&self) -> bool {
        self.transport.reset_on_drop()
    }
}
