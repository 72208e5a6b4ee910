//! The latest events of one kind, the oldest first. Each has a place that it keeps: the first is 0, and none comes twice.

use std::collections::VecDeque;

use super::slot::Slot;

/// The latest events of one kind.
#[derive(Default)]
pub(super) struct Ring {
    slots: VecDeque<Slot>,
    /// The place of the first of them.
    first: u64,
    /// The place before which everything was cleared, not evicted.
    cleared: u64,
    /// The number of the latest that was evicted.
    evicted_seq: u64,
}

impl Ring {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Behind the place of the latest.
    pub(super) fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    pub(super) fn push(&mut self, slot: Slot) {
        self.slots.push_back(slot);
    }

    /// Takes the oldest out, because there is no room for it.
    pub(super) fn evict(&mut self) -> Option<Slot> {
        let slot = self.slots.pop_front()?;
        self.first += 1;
        self.evicted_seq = slot.seq;
        Some(slot)
    }

    /// Takes everything out, because it is not wanted.
    pub(super) fn clear(&mut self) -> VecDeque<Slot> {
        self.first = self.end();
        self.cleared = self.first;
        self.evicted_seq = 0;
        std::mem::take(&mut self.slots)
    }

    /// The number of the oldest.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.slots.front().map(|slot| slot.seq)
    }

    pub(super) fn get(&self, place: u64) -> Option<&Slot> {
        self.slots.get(self.index(place)?)
    }

    pub(super) fn get_mut(&mut self, place: u64) -> Option<&mut Slot> {
        let index = self.index(place)?;
        self.slots.get_mut(index)
    }

    fn index(&self, place: u64) -> Option<usize> {
        place.checked_sub(self.first).and_then(|index| usize::try_from(index).ok())
    }

    /// The place of the first event behind number `seq`, and how many of those behind it were evicted.
    pub(super) fn behind(&self, seq: u64) -> (u64, u64) {
        let evicted = self.evicted().min(self.evicted_seq.saturating_sub(seq));
        (self.first + self.slots.partition_point(|slot| slot.seq <= seq) as u64, evicted)
    }

    /// How many were evicted since it was cleared.
    pub(super) fn evicted(&self) -> u64 {
        self.first - self.cleared
    }

    /// Moves a place up to the oldest event, if what was there is gone; how many were evicted in between.
    pub(super) fn catch_up(&self, place: &mut u64) -> u64 {
        let evicted = self.first.saturating_sub((*place).max(self.cleared));
        *place = (*place).max(self.first);
        evicted
    }
}
