//! Many open connections on one epoll loop.
//!
//! One turn waits for events, reads what is there, hands every message to the caller and sends what the caller left
//! to send, one write per connection. It neither times nor counts: that is the scenario's.

use std::{
    fmt::Display,
    io::{ErrorKind, Read, Write},
    net::{self, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use super::{
    PATIENCE,
    frame::{self, Opcode},
    handshake::{self, Opened},
};

/// Read at once: more than any socket holds in these scenarios, so one read empties it.
const READ_BUFFER: usize = 256 * 1024;

/// A message that has come back.
pub(crate) struct Arrival<'a> {
    /// Which connection it came on.
    pub(crate) connection: usize,
    pub(crate) payload: &'a [u8],
    /// When it was read.
    pub(crate) at: Instant,
}

pub(crate) struct Fleet {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    buffer: Box<[u8]>,
}

struct Connection {
    stream: TcpStream,
    /// The beginning of a frame whose end has not come yet, or what came before anybody looked.
    partial: Vec<u8>,
    out: Vec<u8>,
}

impl Fleet {
    /// Opens `count` connections to `path`, where nothing comes that was not asked for.
    pub(crate) fn open(address: SocketAddr, path: &str, count: usize) -> Result<Self> {
        Self::open_each(address, count, |_| path)
    }

    /// The same, each to a path of its own, by its number.
    pub(crate) fn open_each<P: Display>(address: SocketAddr, count: usize, path: impl Fn(usize) -> P) -> Result<Self> {
        let opened = handshake::open(address, count, path)?.into_iter();
        Self::of(opened.map(|opened| Ok((opened.silent()?, Vec::new()))).collect::<Result<_>>()?)
    }

    /// Opens `count` connections to `path`, where messages come unasked.
    pub(crate) fn open_talking(address: SocketAddr, path: &str, count: usize) -> Result<Self> {
        let opened = handshake::open(address, count, |_| path)?.into_iter();
        Self::of(opened.map(|Opened { stream, early }| (stream, early)).collect())
    }

    /// Of connections, each with what it has said already.
    fn of(streams: Vec<(net::TcpStream, Vec<u8>)>) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(streams.len());
        for (stream, early) in streams {
            connections.push(Connection::register(stream, early, &poll, Token(connections.len()))?);
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            connections,
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// Sends on connection `index` what `fill` appends.
    pub(crate) fn send(&mut self, index: usize, fill: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let connection = &mut self.connections[index];
        fill(&mut connection.out);
        connection.flush()
    }

    /// Waits for events and calls `on_message` with each message that came, and with where to append frames for that
    /// same connection.
    ///
    /// # Errors
    /// When nothing comes for [`PATIENCE`], the server closes a connection or breaks the protocol, or `on_message`
    /// refuses a message.
    pub(crate) fn turn(&mut self, on_message: impl FnMut(Arrival<'_>, &mut Vec<u8>) -> Result<()>) -> Result<()> {
        let came = self.look(PATIENCE, on_message)?;
        ensure!(came, "the server sent nothing for {} s", PATIENCE.as_secs());
        Ok(())
    }

    /// The same, but it waits no longer than `wait`; false when nothing came.
    ///
    /// # Errors
    /// As [`turn`](Self::turn), but for silence.
    pub(crate) fn look(
        &mut self,
        wait: Duration,
        mut on_message: impl FnMut(Arrival<'_>, &mut Vec<u8>) -> Result<()>,
    ) -> Result<bool> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            // A signal: the wait was cut short, and nobody is to blame.
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            result => result?,
        }
        for event in &self.events {
            let index = event.token().0;
            let connection = &mut self.connections[index];
            if event.is_readable() {
                let at = Instant::now();
                let mut on_message =
                    |payload: &[u8], out: &mut Vec<u8>| on_message(Arrival { connection: index, payload, at }, out);
                connection.read(&mut self.buffer, &mut on_message).with_context(|| format!("on connection {index}"))?;
            }
            connection.flush()?;
        }
        Ok(!self.events.is_empty())
    }
}

impl Connection {
    fn register(stream: net::TcpStream, early: Vec<u8>, poll: &Poll, token: Token) -> Result<Self> {
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, partial: early, out: Vec::new() })
    }

    fn read(
        &mut self,
        buffer: &mut [u8],
        on_message: &mut impl FnMut(&[u8], &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        loop {
            let read = match self.stream.read(buffer) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.take(&buffer[..read], on_message)?;
            // A read that did not fill the buffer has emptied the socket: the next byte makes a new event (epoll(7)).
            if read < buffer.len() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, bytes: &[u8], on_message: &mut impl FnMut(&[u8], &mut Vec<u8>) -> Result<()>) -> Result<()> {
        let mut partial = std::mem::take(&mut self.partial);
        if partial.is_empty() {
            let rest = take_frames(bytes, &mut self.out, on_message)?;
            partial.extend_from_slice(rest);
        } else {
            partial.extend_from_slice(bytes);
            let taken = partial.len() - take_frames(&partial, &mut self.out, on_message)?.len();
            partial.drain(..taken);
        }
        self.partial = partial;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(written) if written == self.out.len() => self.out.clear(),
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Handles every whole frame in `bytes` and returns the rest.
fn take_frames<'a>(
    mut bytes: &'a [u8],
    out: &mut Vec<u8>,
    on_message: &mut impl FnMut(&[u8], &mut Vec<u8>) -> Result<()>,
) -> Result<&'a [u8]> {
    while let Some(frame) = frame::split_first(&mut bytes)? {
        match frame.opcode {
            Opcode::Text => on_message(frame.payload, out)?,
            Opcode::Ping => frame::push_masked(out, Opcode::Pong, frame.payload),
            Opcode::Pong => {}
            Opcode::Close => bail!("the server sent Close: {:?}", frame.payload),
        }
    }
    Ok(bytes)
}
