//! All journals of a server: one order of events, one budget of memory.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ws_replay::Redaction;

use super::Journal;
use super::clock::Clock;
use super::store::Store;
use crate::JournalConfig;

/// Makes the journals of one server.
#[derive(Clone)]
pub(crate) struct Journals(Arc<Shared>);

/// What the journals of a server have in common.
pub(super) struct Shared {
    pub(super) config: JournalConfig,
    /// What is not told of bodies.
    pub(super) redactions: Vec<Redaction>,
    pub(super) clock: Clock,
    seq: AtomicU64,
    /// What all of them keep. It is counted behind their locks, so that for a moment it may be less than nothing.
    bytes: AtomicI64,
    stores: Mutex<Vec<Weak<Store>>>,
}

impl Journals {
    pub(crate) fn new(config: JournalConfig, redactions: Vec<Redaction>) -> Self {
        Self(Arc::new(Shared {
            config,
            redactions,
            clock: Clock::start(),
            seq: AtomicU64::new(0),
            bytes: AtomicI64::new(0),
            stores: Mutex::default(),
        }))
    }

    /// Those that have this in common.
    pub(super) fn of(shared: &Arc<Shared>) -> Self {
        Self(Arc::clone(shared))
    }

    /// One more journal. It takes part in the budget until its last handle is dropped.
    pub(crate) fn journal(&self) -> Journal {
        let store = Arc::new(Store::new(Arc::clone(&self.0)));
        let mut stores = self.0.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.retain(|store| store.strong_count() > 0);
        stores.push(Arc::downgrade(&store));
        Journal(store)
    }
}

impl Shared {
    /// The number of the next event. Under the lock of its journal, so that there they are in order.
    pub(super) fn next_seq(&self) -> u64 {
        self.seq.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes note that a journal keeps `more` and no longer `less`; makes room if that is too much.
    pub(super) fn changed(&self, more: usize, less: usize) {
        let change = more as i64 - less as i64;
        if self.bytes.fetch_add(change, Ordering::Relaxed) + change > self.config.bytes as i64 {
            self.make_room();
        }
    }

    /// Takes note that a journal is gone, or what it kept.
    pub(super) fn gave_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes as i64, Ordering::Relaxed);
    }

    /// What all journals keep, in bytes.
    pub(super) fn bytes(&self) -> usize {
        usize::try_from(self.bytes.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Has the journal that keeps most give up its oldest events, a little more than need be, so that it is not asked each time.
    fn make_room(&self) {
        // Somebody else is at it. No journal is locked by who waits here.
        let Ok(stores) = self.stores.try_lock() else { return };
        let goal = self.config.bytes - self.config.bytes / 64;
        loop {
            let too_much = self.bytes().saturating_sub(goal);
            let fattest = stores.iter().filter_map(Weak::upgrade).max_by_key(|store| store.bytes());
            let Some(fattest) = fattest.filter(|_| too_much > 0) else { return };
            let given_up = fattest.give_up(too_much);
            self.gave_back(given_up);
            if given_up == 0 {
                return;
            }
        }
    }
}
