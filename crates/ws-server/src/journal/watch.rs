//! Waiting for events: those that are there count, and those that come.

use std::sync::Arc;

use super::Journal;
use super::answers::Waited;
use super::event::JournalEvent;
use super::query::{JournalQuery, Meant};
use super::reading::Cursor;
use super::slot::Slot;
use super::store::Store;

/// Counts the events that a query means: those that were there when it began, and those that come. Each is looked at once.
///
/// It counts only while somebody waits for it, and misses what the journal evicts in between; that is
/// [told](Waited::evicted).
pub struct JournalWatch {
    store: Arc<Store>,
    query: JournalQuery,
    cursor: Cursor,
    counted: Tally,
}

#[derive(Default)]
struct Tally {
    count: u64,
    undecided: u64,
    /// How many of those that were open were evicted before it was known.
    lost: u64,
    events: Vec<JournalEvent>,
    /// What the messages among them take, in bytes.
    bytes: usize,
    /// The places of those that may be meant when their handlers are done with them.
    open: Vec<u64>,
}

impl JournalWatch {
    /// How many events of those that it counts it keeps: the first of them.
    pub const MOST_EVENTS: usize = 100;
    /// How many bytes of messages these may have before no more of them are kept: the journal may have let go of them long since.
    const MOST_BYTES: usize = 4 * 1024 * 1024;

    pub(super) fn new(journal: &Journal, query: JournalQuery) -> Self {
        let store = Arc::clone(&journal.0);
        let cursor = Cursor::behind(&store, query.since, query.rings());
        Self { store, query, cursor, counted: Tally::default() }
    }

    /// How many it has counted so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counted.count
    }

    /// Waits until there are at least `count`. Where it is dropped before, nothing is lost.
    pub async fn reached(&mut self, count: u64) {
        let store = Arc::clone(&self.store);
        let waiting = store.wait();
        loop {
            let news = waiting.news();
            self.look(count, u64::MAX).await;
            if self.counted.count >= count {
                return;
            }
            news.await;
        }
    }

    /// Counts what is there now and has not been counted.
    pub async fn catch_up(&mut self) {
        self.look(u64::MAX, self.store.last_seq()).await;
    }

    async fn look(&mut self, enough: u64, end: u64) {
        let Self { store, query, cursor, counted } = self;
        counted.look_again(store, query);
        if counted.count >= enough {
            return;
        }
        // What is read is counted at once, so that a wait that is dropped in between goes on where it was.
        let mut chunk = Vec::new();
        loop {
            let more = cursor.read(store, &mut chunk);
            for (place, slot) in &chunk {
                counted.look(store, query, *place, slot);
            }
            if !more || counted.count >= enough || cursor.seen >= end {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// What came of it, when `count` were wanted.
    pub async fn waited(self, count: u64) -> Waited {
        let matched = self.counted.count >= count;
        let journal = Journal(self.store);
        Waited {
            matched,
            count: self.counted.count,
            events: self.counted.events,
            nearest: if matched { Vec::new() } else { journal.nearest(&self.query).await },
            last_seq: self.cursor.seen,
            evicted: self.cursor.missed + self.counted.lost,
            undecided: self.counted.undecided,
        }
    }
}

impl Tally {
    fn look(&mut self, store: &Store, query: &JournalQuery, place: Option<u64>, slot: &Slot) {
        match query.means(slot, &store.shared.clock) {
            Meant::Yes => self.add(store, slot),
            Meant::NotYet => self.open.extend(place),
            Meant::Undecided => self.undecided += 1,
            Meant::No | Meant::ButForPattern => {}
        }
    }

    /// Looks whether handlers are done with what was open.
    fn look_again(&mut self, store: &Store, query: &JournalQuery) {
        if self.open.is_empty() {
            return;
        }
        let mut settled = Vec::new();
        let rings = store.rings();
        self.open.retain(|place| match rings.received.get(*place) {
            Some(slot) if query.means_handled(slot) == Meant::NotYet => true,
            Some(slot) => {
                settled.push(slot.clone());
                false
            }
            None => {
                self.lost += 1;
                false
            }
        });
        drop(rings);
        for slot in settled {
            if query.means_handled(&slot) == Meant::Yes {
                self.add(store, &slot);
            }
        }
    }

    fn add(&mut self, store: &Store, slot: &Slot) {
        self.count += 1;
        if self.events.len() < JournalWatch::MOST_EVENTS && self.bytes < JournalWatch::MOST_BYTES {
            self.bytes += slot.cost;
            self.events.push(store.told(slot));
        }
    }
}
