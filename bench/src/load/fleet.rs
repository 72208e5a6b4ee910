//! Many open connections on one epoll loop.
//!
//! One turn waits for events, reads what is there, hands every message to the caller and sends what the caller left
//! to send, one write per connection. It neither times nor counts: that is the scenario's.

use std::{
    io::{ErrorKind, Read, Write},
    net::{self, SocketAddr},
};

use anyhow::{Context, Result, bail, ensure};
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use super::{
    PATIENCE,
    frame::{self, Opcode},
    handshake,
};

/// Read at once: more than any socket holds in these scenarios, so one read empties it.
const READ_BUFFER: usize = 256 * 1024;

pub(crate) struct Fleet {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    buffer: Box<[u8]>,
}

struct Connection {
    stream: TcpStream,
    /// The beginning of a frame whose end has not come yet.
    partial: Vec<u8>,
    out: Vec<u8>,
}

impl Fleet {
    /// Opens `count` connections to `path`.
    pub(crate) fn open(address: SocketAddr, path: &str, count: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(count);
        for stream in handshake::open(address, path, count)? {
            connections.push(Connection::register(stream, &poll, Token(connections.len()))?);
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

    /// Waits for events and calls `on_message` with each message that came: the connection's index, the payload, and
    /// where to append frames for that same connection.
    ///
    /// # Errors
    /// When nothing comes for [`PATIENCE`], the server closes a connection or breaks the protocol, or `on_message`
    /// refuses a message.
    pub(crate) fn turn(&mut self, mut on_message: impl FnMut(usize, &[u8], &mut Vec<u8>) -> Result<()>) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(PATIENCE)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        ensure!(!self.events.is_empty(), "the server sent nothing for {} s", PATIENCE.as_secs());
        for event in &self.events {
            let index = event.token().0;
            let connection = &mut self.connections[index];
            let mut on_message = |payload: &[u8], out: &mut Vec<u8>| on_message(index, payload, out);
            if event.is_readable() {
                connection
                    .read(&mut self.buffer, &mut on_message)
                    .with_context(|| format!("on connection {index}"))?;
            }
            connection.flush()?;
        }
        Ok(())
    }
}

impl Connection {
    fn register(stream: net::TcpStream, poll: &Poll, token: Token) -> Result<Self> {
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, partial: Vec::new(), out: Vec::new() })
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

    fn take(
        &mut self,
        bytes: &[u8],
        on_message: &mut impl FnMut(&[u8], &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let mut partial = std::mem::take(&mut self.partial);
        let mut rest = if partial.is_empty() {
            bytes
        } else {
            partial.extend_from_slice(bytes);
            partial.as_slice()
        };
        while let Some(frame) = frame::split_first(&mut rest)? {
            match frame.opcode {
                Opcode::Text => on_message(frame.payload, &mut self.out)?,
                Opcode::Ping => frame::push_masked(&mut self.out, Opcode::Pong, frame.payload),
                Opcode::Pong => {}
                Opcode::Close => bail!("the server sent Close: {:?}", frame.payload),
            }
        }
        self.partial.extend_from_slice(rest);
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
