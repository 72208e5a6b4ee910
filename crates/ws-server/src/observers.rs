//! All who watch the sessions of a server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing::error;
use ws_core::SessionObserver;

/// All who watch the sessions of a server, for everybody who has something to tell.
#[derive(Clone)]
pub(crate) struct Observers(Arc<[Arc<dyn SessionObserver>]>);

impl Observers {
    pub(crate) fn new(observers: Vec<Arc<dyn SessionObserver>>) -> Self {
        Self(observers.into())
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
        self.0.iter().map(|observer| &**observer)
    }
}
