//! What one connection remembers, for templates and conditions: the values that were set, what came last, how the
//! handshake was made, and where its machines and correlations are.
//!
//! A script and the rules of a connection share one memory. All of it is bounded. No method waits or calls back while it
//! holds a lock, and no lock is taken under the memory's own; that of a room may be held while the memory is asked.

mod kept;
mod request;
mod room;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ws_core::{Connection, Message};
use ws_patterns::Name;

use crate::released::Released;
pub(crate) use kept::{Kept, TooMuch};
pub(crate) use request::Request;
pub(crate) use room::Room;
pub use room::RoomMemory;

/// One connection's memory; clones share it.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Shared>);

struct Shared {
    request: Request,
    rooms: RoomMemory,
    present: Mutex<Present>,
}

/// What changes.
struct Present {
    state: Kept,
    /// The connection's, on its path.
    number: Option<u64>,
    messages: u64,
    /// The messages that came last, in their order, if somebody asks for them.
    latest: Option<VecDeque<Message>>,
    machines: HashMap<String, String>,
    correlations: HashMap<String, Counts>,
}

/// How often a correlation had which outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    fulfilled: u64,
    violated: u64,
}

impl Memory {
    /// How much the state of a connection may hold, as [`Kept`] weighs it.
    const MOST_STATE_BYTES: usize = 256 * 1024;

    /// How many messages are kept: a script that lags behind a burst finds the one before in it.
    const MOST_LATEST: usize = 8;
    /// How many bytes they may have, if there are more than two.
    const MOST_LATEST_BYTES: usize = 64 * 1024;

    /// For a connection whose client asked so.
    pub(crate) fn new(request: Request, rooms: RoomMemory) -> Self {
        let present = Present {
            state: Kept::up_to(Self::MOST_STATE_BYTES),
            number: None,
            messages: 0,
            latest: None,
            machines: HashMap::new(),
            correlations: HashMap::new(),
        };
        Self(Arc::new(Shared { request, rooms, present: Mutex::new(present) }))
    }

    /// The memory of a connection: what another handler has made, or a new one with these rooms.
    pub(crate) fn of(connection: &Connection, rooms: &RoomMemory) -> Self {
        if let Some(memory) = Self::known_of(connection) {
            return memory;
        }
        let memory = Self::new(Request::of(connection.handshake(), connection.id()), rooms.clone());
        connection.extensions().insert(memory.clone());
        memory
    }

    /// The memory of a connection, if a handler has made one.
    pub(crate) fn known_of(connection: &Connection) -> Option<Self> {
        connection.extensions().get()
    }

    /// What the client asked for.
    pub(crate) fn request(&self) -> &Request {
        &self.0.request
    }

    /// What a room remembers, for all connections that share these rooms.
    pub(crate) fn room(&self, name: &str) -> Room {
        self.0.rooms.room(name)
    }

    /// Sets a value of the state.
    ///
    /// # Errors
    /// If the state would become too large or too deep; it stays as it was.
    pub(crate) fn set(&self, name: &str, value: Value) -> Result<(), TooMuch> {
        self.present().state.set(name, value)
    }

    /// Gives a name of the state its first value; what was set already stays.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub(crate) fn set_at_first(&self, name: &str, value: Value) -> Result<(), TooMuch> {
        let state = &mut self.present().state;
        if state.as_value().get(name).is_some() { Ok(()) } else { state.set(name, value) }
    }

    /// What a name that starts with `state` stands for.
    pub(crate) fn state(&self, name: &Name) -> Option<Value> {
        name.rest_in(self.present().state.as_value()).cloned()
    }

    /// Says which connection of its path this is, from 1. Of several who say, the first is heard.
    pub(crate) fn set_number(&self, number: u64) {
        self.present().number.get_or_insert(number);
    }

    /// Which connection of its path this is, from 1, if somebody counts.
    pub(crate) fn number(&self) -> Option<u64> {
        self.present().number
    }

    /// Keeps messages from now on, for [`message_before`](Self::message_before). Most connections need none.
    pub(crate) fn keep_messages(&self) {
        self.present().latest.get_or_insert_default();
    }

    /// Takes note of a client message, text or binary, when it comes: the `nth` that the caller is told of on this
    /// connection, from 1. Of several who tell, one is heard.
    pub(crate) fn message_came(&self, nth: u64, message: &Message) {
        let mut present = self.present();
        if nth > present.messages {
            present.messages = nth;
            if let Some(latest) = &mut present.latest {
                latest.push_back(message.clone());
                let is_much = |latest: &VecDeque<Message>| {
                    latest.len() > Self::MOST_LATEST
                        || latest.iter().map(length).sum::<usize>() > Self::MOST_LATEST_BYTES
                };
                // The one that is answered and the one before are kept in any case.
                while latest.len() > 2 && is_much(latest) {
                    latest.pop_front();
                }
            }
        }
    }

    /// How many messages the client has sent.
    pub(crate) fn messages(&self) -> u64 {
        self.present().messages
    }

    /// The message that came before the one that is being answered, also if nothing matched it; a binary one in base64.
    /// Where none is answered, or one that came long ago, it is the latest.
    pub(crate) fn message_before(&self, answered: Option<&Released>) -> Option<String> {
        let present = self.present();
        let latest = present.latest.as_ref()?;
        let answered = answered.and_then(|answered| {
            let answered = answered.text();
            latest.iter().rposition(|message| written(message) == answered)
        });
        latest.get(answered.unwrap_or(latest.len()).checked_sub(1)?).map(|message| written(message).into_owned())
    }

    /// Which connection of its path this is, from 0. If nobody has said that yet, `next` says it.
    pub(crate) fn nth(&self, next: impl FnOnce() -> u64) -> u64 {
        // Locked twice: who counts has a lock of its own.
        if self.number().is_none() {
            self.set_number(next().saturating_add(1));
        }
        self.number().map_or(0, |number| number - 1)
    }

    /// Takes note of the state that a machine is in now. There are as many machines as files have.
    pub(crate) fn set_machine(&self, machine: &str, state: &str) {
        self.present().machines.insert(machine.to_owned(), state.to_owned());
    }

    /// The state that a machine is in.
    pub(crate) fn machine(&self, machine: &str) -> Option<String> {
        self.present().machines.get(machine).cloned()
    }

    /// Counts an outcome of a correlation. There are as many correlations as files have.
    pub(crate) fn count_outcome(&self, correlation: &str, fulfilled: bool) {
        let mut present = self.present();
        let counts = present.correlations.entry(correlation.to_owned()).or_default();
        *(if fulfilled { &mut counts.fulfilled } else { &mut counts.violated }) += 1;
    }

    /// What a correlation has come to: `{"fulfilled": 2, "violated": 0}`.
    pub(crate) fn outcomes(&self, correlation: &str) -> Value {
        let Counts { fulfilled, violated } = self.present().correlations.get(correlation).copied().unwrap_or_default();
        json!({"fulfilled": fulfilled, "violated": violated})
    }

    /// Each call that changes something leaves it whole.
    fn present(&self) -> MutexGuard<'_, Present> {
        self.0.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without a connection: nobody has asked for anything, and the rooms are its own.
impl Default for Memory {
    fn default() -> Self {
        Self::new(Request::default(), RoomMemory::default())
    }
}

/// Shows none of what clients said.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("messages", &self.messages()).finish_non_exhaustive()
    }
}

/// A message as text.
fn written(message: &Message) -> Cow<'_, str> {
    match message {
        Message::Text(text) => Cow::Borrowed(text),
        Message::Binary(data) => Cow::Owned(STANDARD.encode(data)),
        _ => Cow::Borrowed(""),
    }
}

fn length(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(data) => data.len(),
        _ => 0,
    }
}
