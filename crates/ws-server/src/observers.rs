//! All who watch the sessions of a server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing::error;
use ws_core::SessionObserver;

use crate::journal::Journal;

/// All who watch the sessions of a server, for everybody who has something to tell.
#[derive(Clone)]
pub(crate) struct Observers {
    all: Arc<[Arc<dyn SessionObserver>]>,
    journal: Option<Journal>,
}

impl Observers {
    pub(crate) fn new(observers: Vec<Arc<dyn SessionObserver>>) -> Self {
        Self { all: observers.into(), journal: None }
    }

    /// These, and before them the journal, if there is one: whoever acts upon an event finds it there.
    pub(crate) fn with_journal(self, journal: Option<Journal>) -> Self {
        let first = journal.clone().map(|journal| Arc::new(journal) as Arc<dyn SessionObserver>);
        Self { all: first.into_iter().chain(self.all.iter().cloned()).collect(), journal }
    }

    /// The same for another realm, with a journal of its own if these have one.
    pub(crate) fn of_another_realm(&self) -> Self {
        let Some(journal) = &self.journal else { return self.clone() };
        let others = Self { all: self.all.iter().skip(1).cloned().collect(), journal: None };
        others.with_journal(Some(journal.sibling()))
    }

    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// Tells every observer something; one that panics does not keep the others from hearing it.
    pub(crate) fn tell(&self, news: impl Fn(&dyn SessionObserver)) {
        for observer in self.iter() {
            if catch_unwind(AssertUnwindSafe(|| news(observer))).is_err() {
                error!("an observer panicked");
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn SessionObserver> {
        self.all.iter().map(|observer| &**observer)
    }
}
