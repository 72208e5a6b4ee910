//! What the connections of one test have for themselves; those of no test have it in common.
//!
//! A test's realm is made when a handshake first names the test, or something is uploaded for it. Each has rules, replay,
//! conditions and rooms of its own, with all that these count and remember; upstreams, models, limits of the whole server,
//! and handlers that somebody has programmed are the same in all.

mod control;
mod error;
mod realms;
mod room_source;
mod test_id;
mod test_realm;
mod watchers;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use ws_core::{CloseFrame, close_code};

pub use self::error::TestError;
pub(crate) use self::realms::Realms;
pub(crate) use self::room_source::RoomSource;
pub(crate) use self::test_id::TestId;
pub use self::test_realm::{Applied, TestRealm};
pub(crate) use self::watchers::Watchers;
use crate::live::LiveConnections;
use crate::observers::Observers;
use crate::version::Version;

/// What the connections of one test have for themselves.
pub(crate) struct Realm {
    /// None: that of the connections of no test.
    id: Option<TestId>,
    /// What the configuration and uploads make, newest last.
    pub(crate) versions: watch::Sender<Arc<Version>>,
    /// Its connections, among all others of the server: they are told of a new version.
    live: Arc<LiveConnections>,
    /// Who watches these connections.
    pub(crate) observers: Observers,
    /// Rises when connections are to go that are open, or about to be.
    epoch: AtomicU64,
    has_ended: AtomicBool,
    /// When somebody last came, left or asked.
    seen: Mutex<Instant>,
    left: Notify,
}

impl Realm {
    /// A realm, and who watches it: whoever watches all connections, and what belongs to the realm alone.
    fn new(id: Option<TestId>, version: Version, watching_all: &Observers, live: &Arc<LiveConnections>) -> Self {
        let observers = if id.is_some() { watching_all.of_another_realm() } else { watching_all.clone() };
        Self {
            id,
            versions: watch::Sender::new(Arc::new(version)),
            live: Arc::clone(live),
            observers,
            epoch: AtomicU64::new(0),
            has_ended: AtomicBool::new(false),
            seen: Mutex::new(Instant::now()),
            left: Notify::new(),
        }
    }

    /// The test; none for the connections of no test.
    pub(crate) fn id(&self) -> Option<&TestId> {
        self.id.as_ref()
    }

    /// What the configuration and uploads make now.
    pub(crate) fn version(&self) -> Arc<Version> {
        Arc::clone(&self.versions.borrow())
    }

    /// From now on new connections, and open ones with their next message, get what is in `version`; those that are idle, once
    /// they are interrupted.
    fn exchange(&self, version: Version) {
        self.versions.send_replace(Arc::new(version));
    }

    /// The same, and idle connections are told, too.
    fn publish(&self, version: Version) {
        self.exchange(version);
        let id = self.id.as_ref().map(TestId::as_str);
        self.live.interrupt(|connection| connection.test_id() == id);
    }

    /// Somebody has come, or asked.
    fn touch(&self) {
        *self.seen() = Instant::now();
    }

    /// A connection is no longer in the books.
    pub(crate) fn leave(&self) {
        self.touch();
        self.left.notify_waiters();
    }

    /// For how long nobody has come, left or asked.
    fn idle(&self) -> Duration {
        self.seen().elapsed()
    }

    fn seen(&self) -> MutexGuard<'_, Instant> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which connections may stay: those that came in this epoch.
    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Begins another epoch. Connections that are about to open find out by themselves, open ones are to be told.
    fn begin_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    fn end(&self) {
        self.has_ended.store(true, Ordering::SeqCst);
        self.begin_epoch();
    }

    /// What connections are told that have to go, because another epoch has begun.
    fn farewell(&self) -> CloseFrame {
        let (code, reason) = if self.has_ended.load(Ordering::SeqCst) {
            (close_code::GOING_AWAY, "the test ended")
        } else if self.id.is_none() {
            (close_code::SERVICE_RESTART, "the server was reset")
        } else {
            (close_code::SERVICE_RESTART, "the test was reset")
        };
        CloseFrame { code, reason: reason.into() }
    }
}

/// The way of a connection into a realm.
pub(crate) struct Entry {
    realm: Arc<Realm>,
    epoch: u64,
}

impl Entry {
    fn new(realm: Arc<Realm>) -> Self {
        realm.touch();
        let epoch = realm.epoch();
        Self { realm, epoch }
    }

    pub(crate) fn realm(&self) -> &Arc<Realm> {
        &self.realm
    }

    /// To be asked when the connection is in the books: what it is to be closed with, if the realm was reset or has ended
    /// meanwhile.
    pub(crate) fn too_late(&self) -> Option<CloseFrame> {
        (self.realm.epoch() != self.epoch).then(|| self.realm.farewell())
    }
}
