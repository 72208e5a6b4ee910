//! A connection as a script's thread knows it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use ws_core::{CloseFrame, Connection, Message, Metadata, Origin, RoomSender, WsContext, WsSender, close_code};

/// A control frame has 125 bytes, and two of them are the code.
const MAX_REASON_BYTES: usize = 123;

/// Names a connection on the threads of scripts. JavaScript holds it as a number.
pub(crate) type Key = u64;

/// What a script needs of a connection beyond the calls of its handler.
pub(crate) struct Seat {
    pub(crate) connection: Arc<Connection>,
    pub(crate) sender: WsSender,
    pub(crate) rooms: Arc<RoomSender>,
    pub(crate) metadata: Metadata,
}

impl Seat {
    pub(crate) fn of(ctx: &WsContext) -> Self {
        Self {
            connection: Arc::clone(ctx.connection()),
            sender: ctx.sender().with_origin(Origin::Script),
            rooms: Arc::new(ctx.room_sender()),
            metadata: ctx.metadata(),
        }
    }
}

/// What a script did with the message that it was given last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Deeds {
    pub(crate) stopped: bool,
    pub(crate) matched: bool,
    pub(crate) answered: bool,
}

/// A seat and what is kept beside it on the thread.
pub(crate) struct Seated {
    pub(crate) seat: Seat,
    pub(crate) deeds: Cell<Deeds>,
    /// What users hung on the context, on its way from an old runtime into the new one.
    pub(crate) carried: RefCell<Option<Carried>>,
    /// Operations that wait, and the bytes that they hold.
    pub(crate) waiting: Cell<usize>,
    pub(crate) waiting_bytes: Cell<usize>,
    /// Sends that wait, in order.
    pub(crate) sends: Cell<usize>,
    pub(crate) send_order: Arc<tokio::sync::Mutex<()>>,
}

/// What a version of the script had on the context of a connection.
pub(crate) struct Carried {
    pub(crate) version: u64,
    /// As JSON; none, if there was nothing.
    pub(crate) written: Option<String>,
}

impl Seated {
    pub(crate) fn new(seat: Seat) -> Self {
        Self {
            seat,
            deeds: Cell::default(),
            carried: RefCell::default(),
            waiting: Cell::new(0),
            waiting_bytes: Cell::new(0),
            sends: Cell::new(0),
            send_order: Arc::default(),
        }
    }

    /// Closes the connection because of its script, and says why.
    pub(crate) fn close(&self, file: &str, why: &str) {
        if let Ok(frame) = CloseFrame::new(close_code::INTERNAL_ERROR, close_reason(file, why)) {
            // A Close frame always fits; an error says that the connection is closing already.
            let _ = self.seat.sender.try_send(Message::Close(Some(frame)));
        }
    }
}

/// `chat.js: why`, as far as a Close frame holds it.
pub(crate) fn close_reason(file: &str, why: &str) -> String {
    let mut reason = format!("{file}: {why}");
    reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
    reason
}

/// The connections that a thread knows.
pub(crate) type Seats = Rc<RefCell<HashMap<Key, Rc<Seated>>>>;

/// A connection's stay with one script, as its handler keeps it. When it is dropped, the thread forgets the connection.
pub(crate) struct Visit {
    pub(crate) key: Key,
    /// Whether the thread has the seat.
    pub(crate) is_known: AtomicBool,
    ended: Arc<Ended>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.ended.push(self.key);
    }
}

/// The visits of one connection, by the ids of the scripts. It hangs on the connection and ends with it.
#[derive(Clone, Default)]
pub(crate) struct Visits(Arc<Mutex<VisitsByScript>>);

type VisitsByScript = Vec<(u64, Arc<Visit>)>;

impl Visits {
    pub(crate) fn find(connection: &Connection, script: u64) -> Option<Arc<Visit>> {
        connection.extensions().get::<Self>()?.get(script)
    }

    pub(crate) fn find_or_begin(connection: &Connection, script: u64, ended: &Arc<Ended>) -> Arc<Visit> {
        let visits = connection.extensions().get::<Self>().unwrap_or_else(|| {
            let visits = Self::default();
            connection.extensions().insert(visits.clone());
            visits
        });
        if let Some(visit) = visits.get(script) {
            return visit;
        }
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        let visit = Arc::new(Visit { key, is_known: AtomicBool::new(false), ended: Arc::clone(ended) });
        visits.0.lock().unwrap_or_else(PoisonError::into_inner).push((script, Arc::clone(&visit)));
        visit
    }

    /// Ends a visit before its connection does.
    pub(crate) fn end(connection: &Connection, script: u64) {
        let Some(visits) = connection.extensions().get::<Self>() else { return };
        let mut visits = visits.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = visits.iter().position(|(id, _)| *id == script).map(|at| visits.swap_remove(at));
        drop(visits);
        drop(ended);
    }

    fn get(&self, script: u64) -> Option<Arc<Visit>> {
        let visits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        visits.iter().find(|(id, _)| *id == script).map(|(_, visit)| Arc::clone(visit))
    }
}

/// Connections that have ended, on their way to a thread. There are never more than there were connections.
#[derive(Default)]
pub(crate) struct Ended {
    keys: Mutex<Vec<Key>>,
    news: Notify,
}

impl Ended {
    fn push(&self, key: Key) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).push(key);
        self.wake();
    }

    /// Lets the thread look what has ended.
    pub(crate) fn wake(&self) {
        self.news.notify_one();
    }

    pub(crate) fn take(&self) -> Vec<Key> {
        std::mem::take(&mut *self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until there may be some.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }
}
