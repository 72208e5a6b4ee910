//! What handlers have seen, in the order in which they saw it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::eventually::eventually;

/// A list of events that handlers write and tests read. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub(crate) fn note(&self, event: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.into());
    }

    /// A guard that notes `event` when it is dropped.
    pub(crate) fn note_on_drop(&self, event: &'static str) -> NoteOnDrop {
        NoteOnDrop(self.clone(), event)
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        self.events().iter().filter(|noted| *noted == event).count()
    }

    /// Waits until `event` was noted.
    #[track_caller]
    pub(crate) fn has(&self, event: &str) -> impl Future<Output = ()> {
        eventually(format!("{event:?} is noted"), || self.count(event) > 0)
    }
}

pub(crate) struct NoteOnDrop(Journal, &'static str);

impl Drop for NoteOnDrop {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}
