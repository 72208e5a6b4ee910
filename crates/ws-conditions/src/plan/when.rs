//! A compiled trigger, but for its probability, which whoever asks draws.

use std::time::Duration;

use ws_core::Message;

use super::Matcher;
use crate::ConnectionNumbers;
use crate::schedule::Windows;

pub(super) struct When {
    pub(super) probability: Option<f64>,
    pub(super) every: Option<u64>,
    pub(super) nth: Option<u64>,
    pub(super) connections: Option<ConnectionNumbers>,
    pub(super) matching: Option<Matcher>,
    pub(super) after: Option<Duration>,
    pub(super) windows: Option<Windows>,
}

/// A message, and what counts beside its content.
pub(super) struct Asked<'a> {
    pub(super) connection: u64,
    /// The message's number, from 1.
    pub(super) nth: u64,
    pub(super) age: Duration,
    /// On the server's clock.
    pub(super) time: Duration,
    pub(super) message: &'a Message,
}

impl When {
    pub(super) fn is_about(&self, connection: u64) -> bool {
        self.connections.is_none_or(|numbers| numbers.contains(connection))
    }

    pub(super) fn holds_for_handshake(&self, number: u64, time: Duration) -> bool {
        self.is_about(number) && self.counts(number) && self.is_time(time)
    }

    pub(super) fn holds_for_message(&self, asked: &Asked<'_>) -> bool {
        self.is_about(asked.connection)
            && self.counts(asked.nth)
            && self.after.is_none_or(|after| asked.age >= after)
            && self.is_time(asked.time)
            && self.matching.as_ref().is_none_or(|matches| matches(asked.message))
    }

    fn counts(&self, nth: u64) -> bool {
        self.nth.is_none_or(|wanted| nth == wanted) && self.every.is_none_or(|every| nth.is_multiple_of(every))
    }

    fn is_time(&self, time: Duration) -> bool {
        self.windows.is_none_or(|windows| windows.is_open(time))
    }
}
