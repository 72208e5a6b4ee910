//! What a connection plays because somebody asked for it while it is open.
//!
//! It stands at two places: what is to be played, in [`Live`](crate::live::Live), where whoever asks puts it; and what is
//! played, in the session's chain of handlers. The session looks when it is told to, and makes the second what the first is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ws_core::WsHandler;
use ws_replay::{Interlude, InterludeProgress};

/// A script on one connection, in front of what answers there.
pub(crate) struct Play {
    interlude: Interlude,
    /// At the two ends of the connection's handlers.
    pub(crate) before: Arc<dyn WsHandler>,
    pub(crate) behind: Arc<dyn WsHandler>,
    /// How many entries the script has.
    pub(crate) entries: usize,
    _weight: Weight,
}

impl Play {
    pub(crate) fn new(interlude: Interlude, entries: usize, weight: Weight) -> Self {
        let (before, behind) = (interlude.before(), interlude.behind());
        Self { interlude, before, behind, entries, _weight: weight }
    }

    pub(crate) fn progress(&self) -> InterludeProgress {
        self.interlude.progress()
    }
}

/// How long all scripts that connections play are together, in bytes. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Weights(Arc<AtomicUsize>);

impl Weights {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts a text until the answer is dropped.
    pub(crate) fn add(&self, bytes: usize) -> Weight {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Weight { all: self.clone(), bytes }
    }
}

/// How long a script is that is counted among [`Weights`].
pub(crate) struct Weight {
    all: Weights,
    bytes: usize,
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
