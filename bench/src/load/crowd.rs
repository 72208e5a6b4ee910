//! A crowd: many connections at once, a fixed number of messages, and then they leave.
//!
//! Each message is answered once, in order, and when the last answer is there nothing more may come.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{PATIENCE, dialog::Talk, fleet::Fleet, payload::Payload};
use crate::process::Probe;

const BYTES: usize = 32;

/// How long it has to be silent behind the last answer: an answer that comes twice comes soon.
const SILENCE: Duration = Duration::from_millis(300);

/// How often the server is asked whether it has noticed that all are gone.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) connections: usize,
    /// Of each connection; one is in flight.
    pub(crate) messages: usize,
}

/// What came of a crowd.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone {
    /// Answers, each checked: as many as there were messages.
    pub(crate) answers: usize,
    /// From the first message to the last answer.
    pub(crate) took: Duration,
    /// Resident memory of the server while all were there, and had said everything.
    pub(crate) full_bytes: u64,
    /// And when it had closed the last of their sockets.
    pub(crate) empty_bytes: u64,
}

impl Crowd {
    /// Comes, talks and leaves.
    ///
    /// # Errors
    /// When an answer is lost, doubled, wrong or out of order, or a socket stays open.
    pub(crate) fn visit(self, address: SocketAddr, probe: &Probe) -> Result<Gone> {
        let files = probe.open_files()?;
        let mut fleet = Fleet::open(address, super::ECHO, self.connections)?;
        let payload = Payload::new(BYTES);
        let mut talks: Vec<Talk> = (0..self.connections).map(Talk::new).collect();
        let mut left = vec![self.messages; self.connections];
        let total = self.messages * self.connections;
        let mut answers = 0;

        let began = Instant::now();
        for (connection, talk) in talks.iter_mut().enumerate() {
            left[connection] -= 1;
            fleet.send(connection, |out| talk.ask(&payload, began, out))?;
        }
        while answers < total {
            fleet.turn(|arrival, out| {
                let talk = &mut talks[arrival.connection];
                talk.hear(&payload, arrival.payload)?;
                answers += 1;
                if let Some(fewer) = left[arrival.connection].checked_sub(1) {
                    left[arrival.connection] = fewer;
                    talk.ask(&payload, arrival.at, out);
                }
                Ok(())
            })?;
        }
        let took = began.elapsed();
        let silent_until = Instant::now() + SILENCE;
        while let Some(wait) = silent_until.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero()) {
            // Whatever is heard now answers no question.
            fleet.look(wait, |arrival, _| talks[arrival.connection].hear(&payload, arrival.payload).map(drop))?;
        }
        let full_bytes = probe.resident_bytes()?;

        drop(fleet);
        let began = Instant::now();
        while probe.open_files()? > files {
            ensure!(began.elapsed() < PATIENCE, "the server keeps sockets open that nobody is at");
            thread::sleep(LOOK_AGAIN);
        }
        Ok(Gone { answers, took, full_bytes, empty_bytes: probe.resident_bytes()? })
    }
}
