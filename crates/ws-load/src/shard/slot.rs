//! The place of a virtual user in its thread: what others of the thread may know of it and give to it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Waker;

use crate::clock::Nanos;

/// Who is due when.
pub(super) const NEVER: Nanos = Nanos::MAX;

#[derive(Debug)]
pub(super) struct Slot {
    /// The due moments of messages that it shall send.
    assigned: RefCell<VecDeque<Nanos>>,
    waker: RefCell<Option<Waker>>,
    attention_at: Cell<Nanos>,
    /// How many more messages it may be given.
    room: Cell<usize>,
    state: Cell<State>,
    is_retired: Cell<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// It is not connected: not yet, or not now.
    Away,
    Open,
    Finished,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            assigned: RefCell::default(),
            waker: RefCell::default(),
            attention_at: Cell::new(NEVER),
            room: Cell::new(0),
            state: Cell::new(State::Away),
            is_retired: Cell::new(false),
        }
    }
}

impl Slot {
    /// Whether it took a message that is due then.
    pub(super) fn assign(&self, due: Nanos) -> bool {
        let Some(room) = self.room.get().checked_sub(1).filter(|_| self.is_open()) else { return false };
        self.room.set(room);
        let mut assigned = self.assigned.borrow_mut();
        assigned.push_back(due);
        if assigned.len() == 1 {
            self.wake();
        }
        true
    }

    pub(super) fn take_assigned(&self) -> Option<Nanos> {
        self.assigned.borrow_mut().pop_front()
    }

    /// How many it was given and has not sent; they are gone.
    pub(super) fn drop_assigned(&self) -> u64 {
        let mut assigned = self.assigned.borrow_mut();
        let count = assigned.len() as u64;
        assigned.clear();
        count
    }

    /// Says how many more messages it can take.
    pub(super) fn has_room_for(&self, messages: usize) {
        self.room.set(messages.saturating_sub(self.assigned.borrow().len()));
    }

    /// Who is to be woken when something happens.
    pub(super) fn attend(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        match &*kept {
            Some(kept) if kept.will_wake(waker) => {}
            _ => *kept = Some(waker.clone()),
        }
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// When it is to be woken because of the time; a tick later is early enough.
    pub(super) fn wants_attention_at(&self) -> Nanos {
        self.attention_at.get()
    }

    pub(super) fn want_attention_at(&self, moment: Nanos) {
        self.attention_at.set(moment);
    }

    pub(super) fn open(&self) {
        self.state.set(State::Open);
    }

    pub(super) fn close(&self) {
        self.state.set(State::Away);
        self.attention_at.set(NEVER);
        self.room.set(0);
    }

    pub(super) fn finish(&self) {
        self.close();
        self.state.set(State::Finished);
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.get() == State::Open
    }

    pub(super) fn is_finished(&self) -> bool {
        self.state.get() == State::Finished
    }

    /// It shall close and not come back.
    pub(super) fn retire(&self) {
        self.is_retired.set(true);
        self.wake();
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired.get()
    }
}
