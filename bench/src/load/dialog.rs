//! Question and answer: every connection keeps a number of questions in flight and checks each answer, in order.

use std::{collections::VecDeque, net::SocketAddr, time::Instant};

use anyhow::{Context, Result};

use super::{
    fleet::Fleet,
    window::{Timing, Traffic, Window},
};
use crate::process::Probe;

/// What is asked, and what has to come back.
pub(super) trait Dialog {
    /// Appends question `number`, framed and masked.
    fn ask(&self, out: &mut Vec<u8>, number: u64);

    /// # Errors
    /// When `answer` is not, byte for byte, the one to question `number`.
    fn check(&self, answer: &[u8], number: u64) -> Result<()>;
}

/// Where a dialog is held, and by how many.
pub(super) struct Place {
    pub(super) address: SocketAddr,
    pub(super) path: &'static str,
    pub(super) connections: usize,
    /// Questions that each connection has asked and that are not answered yet.
    pub(super) in_flight: usize,
}

/// One connection's side of the conversation.
pub(super) struct Talk {
    next: u64,
    expected: u64,
    asked_at: VecDeque<Instant>,
}

impl Talk {
    pub(super) fn new(connection: usize) -> Self {
        // So far apart that connections share no number, and not farther: in JSON they should be whole numbers of 32 bits,
        // as those of programs mostly are.
        let first = (connection as u64) << 24;
        Self { next: first, expected: first, asked_at: VecDeque::new() }
    }

    /// Appends the next question, which counts as asked at `at`.
    pub(super) fn ask(&mut self, dialog: &impl Dialog, at: Instant, out: &mut Vec<u8>) {
        dialog.ask(out, self.next);
        self.next += 1;
        self.asked_at.push_back(at);
    }

    /// Checks the answer and returns when its question was asked.
    pub(super) fn hear(&mut self, dialog: &impl Dialog, answer: &[u8]) -> Result<Instant> {
        dialog.check(answer, self.expected)?;
        self.expected += 1;
        self.asked_at.pop_front().context("an answer without a question")
    }
}

impl Place {
    /// Keeps the dialog up as long as it is measured.
    ///
    /// # Errors
    /// When an answer is wrong, out of order or missing.
    pub(super) fn hold(&self, dialog: &impl Dialog, probe: &Probe, timing: Timing) -> Result<Traffic> {
        let mut fleet = Fleet::open(self.address, self.path, self.connections)?;
        let mut talks: Vec<Talk> = (0..self.connections).map(Talk::new).collect();
        let mut window = Window::begin(probe, timing)?;

        for (connection, talk) in talks.iter_mut().enumerate() {
            fleet.send(connection, |out| {
                for _ in 0..self.in_flight {
                    talk.ask(dialog, Instant::now(), out);
                }
            })?;
        }
        let mut in_flight = self.connections * self.in_flight;
        while in_flight > 0 {
            let more = window.tick()?;
            fleet.turn(|arrival, out| {
                let talk = &mut talks[arrival.connection];
                let asked_at = talk.hear(dialog, arrival.payload)?;
                window.count();
                window.round_trip(arrival.at - asked_at);
                if more {
                    talk.ask(dialog, arrival.at, out);
                } else {
                    in_flight -= 1;
                }
                Ok(())
            })?;
        }
        window.close().context("the dialog ended before it was measured")
    }
}
