//! A transport that moves bytes no faster than a simulated network does.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use ws_conditions::Pace;

use crate::transport::Transport;

/// The most that is read at once, in bytes. What may pass is taken before it is known how much there is to read: that much
/// can pass beyond what the pace allows, once.
const READ: usize = 2 * 1024;

/// A transport with a pace for each direction that has one.
pub(crate) struct Paced<S> {
    transport: S,
    /// Boxed: most connections have none.
    gates: Option<Box<Gates>>,
}

impl<S> Paced<S> {
    /// `transport`, as fast as it is.
    pub(crate) fn new(transport: S) -> Self {
        Self { transport, gates: None }
    }

    /// From now on the transport is read and written at these paces, and as fast as it is where there is none.
    pub(crate) fn set_paces(&mut self, reads: Option<Pace>, writes: Option<Pace>) {
        self.gates = (reads.is_some() || writes.is_some())
            .then(|| Box::new(Gates { reads: reads.map(Gate::new), writes: writes.map(Gate::new) }));
    }
}

struct Gates {
    reads: Option<Gate>,
    writes: Option<Gate>,
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
        let Some(gate) = this.gates.as_mut().and_then(|gates| gates.reads.as_mut()) else {
            return Pin::new(&mut this.transport).poll_read(cx, buf);
        };
        let granted = ready!(gate.poll_grant(cx, buf.remaining().min(READ)));
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
        let Some(gate) = this.gates.as_mut().and_then(|gates| gates.writes.as_mut()) else {
            return Pin::new(&mut this.transport).poll_write(cx, buf);
        };
        let granted = ready!(gate.poll_grant(cx, buf.len()));
        let written = ready!(Pin::new(&mut this.transport).poll_write(cx, &buf[..granted]))?;
        gate.granted -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_write_vectored() {
            return Pin::new(&mut self.get_mut().transport).poll_write_vectored(cx, bufs);
        }
        let first = bufs.iter().find(|buf| !buf.is_empty());
        self.poll_write(cx, first.map_or(&[], |buf| buf))
    }

    fn is_write_vectored(&self) -> bool {
        self.gates.is_none() && self.transport.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().transport).poll_shutdown(cx)
    }
}

impl<S: Transport> Transport for Paced<S> {
    fn tcp(&self) -> Option<&TcpStream> {
        self.transport.tcp()
    }

    fn reset_on_drop(&self) -> bool {
        self.transport.reset_on_drop()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;
    use ws_conditions::{Bandwidth, Conditions};
    use ws_core::Direction;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_with_a_large_buffer_saves_up_little_beyond_the_burst() {
        let bandwidth = Bandwidth { bytes_per_second: 10_000, burst: Some(10_000) };
        let conditions = Conditions { bandwidth_in: Some(bandwidth), ..Default::default() };
        let plan = conditions.compile(|_| Err("no patterns here".into())).unwrap();
        let pace = plan.connection(1, Instant::now(), Instant::now()).pace(Direction::Inbound);
        let (near, mut far) = duplex(1 << 20);
        let mut paced = Paced::new(near);
        paced.set_paces(pace, None);
        let mut buffer = vec![0; 1 << 16];
        timeout(Duration::from_secs(10), paced.read(&mut buffer)).await.unwrap_err();

        far.write_all(&[0; 100_000]).await.unwrap();
        let (start, mut passed) = (Instant::now(), 0);
        loop {
            let read = paced.read(&mut buffer).await.unwrap();
            if Instant::now() > start {
                break;
            }
            passed += read;
        }
        assert!((10_000..=10_000 + READ).contains(&passed), "{passed} bytes");
    }
}
