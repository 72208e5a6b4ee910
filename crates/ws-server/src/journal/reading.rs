//! Reading a journal in pieces, beside the sessions that write it.

use super::slot::Slot;
use super::store::{Rings, Store};

/// How many events are read at a time.
const CHUNK: usize = 256;
/// How many bytes of them: patterns are asked of all that is read at a time, and meanwhile nobody else of this thread has a turn.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// How far somebody has read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    received: Option<u64>,
    sent: Option<u64>,
    /// How many events were evicted before they could be read.
    pub(super) missed: u64,
    /// All events up to this number were read, or are gone.
    pub(super) seen: u64,
}

impl Cursor {
    /// Behind the event `since`; of what was received, and of what was sent, if that is wanted.
    pub(super) fn behind(store: &Store, since: u64, (received, sent): (bool, bool)) -> Self {
        let rings = store.rings();
        let received = received.then(|| rings.received.behind(since));
        let sent = sent.then(|| rings.sent.behind(since));
        let missed = [received, sent].into_iter().flatten().map(|(_, evicted)| evicted).sum();
        Self { received: received.map(|(place, _)| place), sent: sent.map(|(place, _)| place), missed, seen: since }
    }

    /// The next events, in order, each with its place in what was received. Whether there may be more of them for now.
    pub(super) fn read(&mut self, store: &Store, chunk: &mut Vec<(Option<u64>, Slot)>) -> bool {
        chunk.clear();
        let mut bytes = 0;
        let rings: &Rings = &store.rings();
        for (ring, place) in [(&rings.received, &mut self.received), (&rings.sent, &mut self.sent)] {
            if let Some(place) = place {
                self.missed += ring.catch_up(place);
            }
        }
        while chunk.len() < CHUNK && bytes < CHUNK_BYTES {
            let received = self.received.and_then(|place| rings.received.get(place));
            let sent = self.sent.and_then(|place| rings.sent.get(place));
            match (received, sent) {
                (None, None) => {
                    self.seen = self.seen.max(rings.last_seq);
                    return false;
                }
                (Some(next), other) if other.is_none_or(|other| next.seq < other.seq) => {
                    bytes += next.cost;
                    chunk.push((self.received, next.clone()));
                    self.received = self.received.map(|place| place + 1);
                }
                (_, Some(next)) => {
                    bytes += next.cost;
                    chunk.push((None, next.clone()));
                    self.sent = self.sent.map(|place| place + 1);
                }
                (Some(_), None) => unreachable!("the first that is there comes first"),
            }
        }
        self.seen = chunk.last().map_or(self.seen, |(_, slot)| slot.seq);
        true
    }
}

/// Shows `look` every event behind `cursor` up to number `end`, until it says no; other tasks have their turn in between.
pub(super) async fn each(store: &Store, cursor: &mut Cursor, end: u64, mut look: impl FnMut(&Slot) -> bool) {
    let mut chunk = Vec::new();
    loop {
        cursor.read(store, &mut chunk);
        let goes_on = chunk.iter().all(|(_, slot)| slot.seq <= end && look(slot));
        if !goes_on || cursor.seen >= end {
            return;
        }
        tokio::task::yield_now().await;
    }
}
