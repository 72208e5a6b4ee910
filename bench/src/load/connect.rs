//! Connections that come and go: TCP connect, upgrade, Close both ways, TCP end.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use super::{
    frame::{self, Opcode},
    handshake::{self, Opened},
    window::Traffic,
};
use crate::process::Probe;

const NORMAL_CLOSURE: [u8; 2] = 1000_u16.to_be_bytes();

pub(crate) struct Connect {
    pub(crate) count: usize,
}

impl Connect {
    /// # Errors
    /// When an upgrade is refused, or Close is not answered with Close and the end of the connection.
    pub(crate) fn run(&self, address: SocketAddr, probe: &Probe) -> Result<Traffic> {
        come_and_go(address, self.count / 10)?;
        let (since, cpu) = (Instant::now(), probe.cpu_time()?);
        come_and_go(address, self.count)?;
        Ok(Traffic::new(self.count as u64, since.elapsed(), probe.cpu_time()? - cpu))
    }
}

fn come_and_go(address: SocketAddr, count: usize) -> Result<()> {
    let mut close = Vec::new();
    frame::push_masked(&mut close, Opcode::Close, &NORMAL_CLOSURE);
    let mut left = count;
    while left > 0 {
        let mut batch = handshake::open(address, left.min(handshake::BATCH), |_| super::ECHO)?
            .into_iter()
            .map(Opened::silent)
            .collect::<Result<Vec<_>>>()?;
        for stream in &mut batch {
            stream.write_all(&close)?;
        }
        for stream in &mut batch {
            expect_close(stream).context("closing handshake")?;
        }
        left -= batch.len();
    }
    Ok(())
}

fn expect_close(stream: &mut TcpStream) -> Result<()> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let frame = frame::split_first(&mut answer.as_slice())?.context("no Close frame")?;
    ensure!(frame.opcode == Opcode::Close, "{:?} instead of Close", frame.opcode);
    ensure!(frame.payload == NORMAL_CLOSURE, "Close with another code: {:?}", frame.payload);
    Ok(())
}
