//! The connections that are open, for who looks at them, or does something to them, from outside their sessions.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dashmap::DashSet;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Notify;
use ws_conditions::ConnectionFault;
use ws_core::{Connection, Direction, Rooms, WsSender};

use crate::play::Play;

/// All open connections of a server, by their ids.
#[derive(Default)]
pub(crate) struct LiveConnections {
    open: DashSet<ById>,
    ended: Mutex<Passed>,
}

/// A connection as its id finds it, which it has itself.
struct ById(Arc<Live>);

impl ById {
    fn id(&self) -> &str {
        self.0.connection.id()
    }
}

impl Borrow<str> for ById {
    fn borrow(&self) -> &str {
        self.id()
    }
}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for ById {}

/// What has passed on some connections.
#[derive(Debug, Clone, Copy, Default)]
struct Passed {
    received: Totals,
    sent: Totals,
}

/// What has passed in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    /// Frames of all kinds, a message as one.
    pub(crate) frames: u64,
    /// Bytes of their payloads.
    pub(crate) bytes: u64,
}

impl Passed {
    fn add(&mut self, live: &Live) {
        for (totals, direction) in [(&mut self.received, Direction::Inbound), (&mut self.sent, Direction::Outbound)] {
            let traffic = live.connection.traffic(direction);
            totals.frames += traffic.frames;
            totals.bytes += traffic.bytes;
        }
    }
}

impl LiveConnections {
    pub(crate) fn insert(&self, live: Arc<Live>) {
        self.open.insert(ById(live));
    }

    pub(crate) fn remove(&self, id: &str) {
        let mut ended = self.ended();
        if let Some(ById(live)) = self.open.remove(id) {
            ended.add(&live);
        }
    }

    #[cfg(feature = "admin")]
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Live>> {
        self.open.get(id).map(|found| Arc::clone(&found.0))
    }

    /// All of them, in no order.
    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        self.open.iter().map(|found| Arc::clone(&found.0)).collect()
    }

    /// Has the sessions of these look at what is there beside their messages: a fault, a script, other handlers, the server's
    /// end.
    pub(crate) fn interrupt(&self, whose: impl Fn(&Connection) -> bool) {
        for live in self.all().iter().filter(|live| whose(&live.connection)) {
            live.sender.interrupt();
        }
    }

    /// How many are open; and what was received and what was sent since the server began, on those that have ended, too.
    #[cfg(feature = "admin")]
    pub(crate) fn totals(&self) -> (usize, [Totals; 2]) {
        // Nobody ends meanwhile: the sums never fall.
        let ended = self.ended();
        let mut totals = *ended;
        let open = self.all();
        open.iter().for_each(|live| totals.add(live));
        (open.len(), [totals.received, totals.sent])
    }

    fn ended(&self) -> MutexGuard<'_, Passed> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open connection, and the ways to it.
pub(crate) struct Live {
    connection: Arc<Connection>,
    sender: WsSender,
    #[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "the admin API reads it"))]
    rooms: Arc<dyn Rooms>,
    #[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "the admin API reads it"))]
    opened_at: Timestamp,
    is_managed: bool,
    /// What it is to suffer next. Boxed: next to none is to suffer anything.
    fault: Mutex<Option<Box<ConnectionFault>>>,
    /// What it is to play, until something else is or nothing.
    play: Mutex<Option<Arc<Play>>>,
    /// Told when there is something to suffer, for a session that looks at its queue no more.
    suffering: Notify,
    is_half_open: AtomicBool,
}

impl Live {
    pub(crate) fn new(connection: Arc<Connection>, sender: WsSender, rooms: Arc<dyn Rooms>, is_managed: bool) -> Self {
        Self {
            connection,
            sender,
            rooms,
            opened_at: Timestamp::now(),
            is_managed,
            fault: Mutex::default(),
            play: Mutex::default(),
            suffering: Notify::new(),
            is_half_open: AtomicBool::new(false),
        }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Where its messages are queued.
    pub(crate) fn sender(&self) -> &WsSender {
        &self.sender
    }

    /// The rooms that it can join.
    #[cfg(feature = "admin")]
    pub(crate) fn rooms(&self) -> &Arc<dyn Rooms> {
        &self.rooms
    }

    /// When it was opened, by the clock on the wall.
    #[cfg(feature = "admin")]
    pub(crate) fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// Whether the configuration says what it gets, and not an embedder who has chosen its scope.
    pub(crate) fn is_managed(&self) -> bool {
        self.is_managed
    }

    /// Has the connection suffer `fault` at once, however much waits for its client; the first of several counts.
    pub(crate) fn suffer(&self, fault: ConnectionFault) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| Box::new(fault));
        self.sender.interrupt();
        self.suffering.notify_one();
    }

    /// What the connection is to play.
    pub(crate) fn play(&self) -> Option<Arc<Play>> {
        self.play.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the connection play this from now on, or nothing. Gives back what it was to play until now.
    pub(crate) fn set_play(&self, play: Option<Arc<Play>>) -> Option<Arc<Play>> {
        let before = std::mem::replace(&mut *self.play.lock().unwrap_or_else(PoisonError::into_inner), play);
        self.sender.interrupt();
        before
    }

    /// What the session is to carry out.
    pub(crate) fn take_fault(&self) -> Option<ConnectionFault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take().map(|fault| *fault)
    }

    /// Waits until it is to suffer something that its session has not carried out, for a session that is at its end.
    pub(crate) async fn suffers_again(&self) {
        while self.take_fault().is_none() {
            self.suffering.notified().await;
        }
    }

    /// From here on it is there, and nothing is read, answered or sent.
    pub(crate) fn become_half_open(&self) {
        self.is_half_open.store(true, Ordering::Release);
    }

    /// Whether it was made half-open.
    #[cfg(feature = "admin")]
    pub(crate) fn is_half_open(&self) -> bool {
        self.is_half_open.load(Ordering::Acquire)
    }
}
