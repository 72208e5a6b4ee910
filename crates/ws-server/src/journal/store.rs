//! Where one journal's events are: two rings under one lock, which nobody holds for long.
//!
//! Nothing is matched, allocated for a body or freed under the lock: sessions of all connections wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use ws_core::Direction;

use super::event::{HandledAs, JournalEvent};
use super::facts::Facts;
use super::journals::Shared;
use super::redacting::redact;
use super::ring::Ring;
use super::slot::{Slot, What};

/// One journal's events.
pub(super) struct Store {
    pub(super) shared: Arc<Shared>,
    rings: Mutex<Rings>,
    /// What is in them, for who looks without the lock.
    bytes: AtomicUsize,
    /// How many wait for news.
    waiting: AtomicUsize,
    news: Notify,
}

/// Broadcasts to large rooms do not push out what clients said.
#[derive(Default)]
pub(super) struct Rings {
    /// What came from clients, and what happened to them.
    pub(super) received: Ring,
    /// What was sent to them.
    pub(super) sent: Ring,
    pub(super) last_seq: u64,
    bytes: usize,
}

impl Store {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            rings: Mutex::default(),
            bytes: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            news: Notify::new(),
        }
    }

    /// None of these locks is held while code of others runs, so a poisoned one is still whole.
    pub(super) fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an event.
    pub(super) fn keep(&self, mut slot: Slot) {
        let most = self.shared.config.events;
        let cost = slot.cost;
        let mut rings = self.rings();
        let Rings { received, sent, .. } = &mut *rings;
        slot.seq = self.shared.next_seq();
        let seq = slot.seq;
        let ring = match &mut slot.what {
            What::Message(kept) if kept.direction == Direction::Outbound => sent,
            What::Message(kept) => {
                if let Some(facts) = &slot.facts {
                    kept.before = facts.latest.swap(received.end() + 1, Ordering::Relaxed);
                }
                received
            }
            What::Other(_) => received,
        };
        ring.push(slot);
        let evicted = if ring.len() > most { ring.evict() } else { None };
        let freed = evicted.as_ref().map_or(0, |slot| slot.cost);
        rings.last_seq = seq;
        rings.bytes = (rings.bytes + cost).saturating_sub(freed);
        self.bytes.store(rings.bytes, Ordering::Relaxed);
        drop(rings);
        drop(evicted);
        self.shared.changed(cost, freed);
        self.tell_waiters();
    }

    /// Takes note of what became of a connection's message.
    pub(super) fn settle(&self, facts: &Facts, number: u64, handled: HandledAs, matched_by: Option<&Arc<str>>) {
        let mut rings = self.rings();
        let mut behind = facts.latest.load(Ordering::Relaxed);
        // Mostly it is the latest; a client that does not wait for answers has more of them.
        while let Some(place) = behind.checked_sub(1)
            && let Some(Slot { what: What::Message(kept), at, .. }) = rings.received.get_mut(place)
            && kept.number >= number
        {
            if kept.number == number {
                kept.settle(handled, matched_by, *at);
                break;
            }
            behind = kept.before;
        }
        drop(rings);
        self.tell_waiters();
    }

    /// An event as it is told.
    pub(super) fn told(&self, slot: &Slot) -> JournalEvent {
        let mut event = slot.told(&self.shared.clock);
        if !self.shared.redactions.is_empty() {
            redact(&mut event, &self.shared.redactions);
        }
        event
    }

    /// What the rings keep.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Gives up the oldest events until it has freed `bytes`; how much that was.
    pub(super) fn give_up(&self, bytes: usize) -> usize {
        let mut given_up = Vec::new();
        let mut freed = 0;
        let mut rings = self.rings();
        while freed < bytes
            && let Some(slot) = rings.evict_oldest()
        {
            freed += slot.cost;
            given_up.push(slot);
        }
        rings.bytes = rings.bytes.saturating_sub(freed);
        self.bytes.store(rings.bytes, Ordering::Relaxed);
        drop(rings);
        drop(given_up);
        freed
    }

    /// Forgets everything; how many events that were.
    pub(super) fn clear(&self) -> usize {
        let mut rings = self.rings();
        let gone = (rings.received.clear(), rings.sent.clear());
        let freed = std::mem::take(&mut rings.bytes);
        self.bytes.store(0, Ordering::Relaxed);
        drop(rings);
        self.shared.gave_back(freed);
        gone.0.len() + gone.1.len()
    }

    pub(super) fn last_seq(&self) -> u64 {
        self.rings().last_seq
    }

    /// Says that somebody waits for news, until it is dropped.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(self)
    }

    /// Whoever waits has said so before looking into the rings, and is woken by every call after that. Events are put there
    /// before this is called. So, by the lock of the rings, either that look has found the event, or this sees who waits; the
    /// other order would lose events.
    fn tell_waiters(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.news.notify_waiters();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.gave_back(self.bytes());
    }
}

impl Rings {
    fn evict_oldest(&mut self) -> Option<Slot> {
        match (self.received.oldest(), self.sent.oldest()) {
            (Some(received), Some(sent)) if sent < received => self.sent.evict(),
            (None, _) => self.sent.evict(),
            _ => self.received.evict(),
        }
    }
}

/// Somebody waits for news.
pub(super) struct Waiting<'a>(&'a Store);

impl Waiting<'_> {
    /// Ready at the next event after this call, or the next that is handled.
    pub(super) fn news(&self) -> tokio::sync::futures::Notified<'_> {
        self.0.news.notified()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
