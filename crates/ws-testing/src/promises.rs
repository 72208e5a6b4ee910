//! What a server is expected to see until it is verified.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use ws_server::{Journal, JournalWatch};

use crate::expected::Expected;
use crate::real_time::at_once;
use crate::unmet::{Unmet, Unverified};

/// What was expected and is not verified yet.
#[derive(Default)]
pub(crate) struct Promises(Mutex<Vec<Promise>>);

struct Promise {
    expected: Expected,
    /// Counts from the beginning, so that nothing is missed that the journal does not keep for long.
    counting: JoinHandle<JournalWatch>,
    stop: oneshot::Sender<()>,
}

impl Promises {
    pub(crate) fn add(&self, journal: &Journal, expected: Expected) {
        let mut watch = journal.watch(expected.query());
        let (stop, stopped) = oneshot::channel();
        let counting = tokio::spawn(async move {
            tokio::select! {
                () = watch.reached(u64::MAX) => {}
                _ = stopped => {}
            }
            watch
        });
        self.list().push(Promise { expected, counting, stop });
    }

    /// Waits until it is known what came, and forgets what was expected.
    pub(crate) async fn verify(&self, journal: &Journal) -> Result<(), Unverified> {
        let promises = std::mem::take(&mut *self.list());
        let mut unmet = Vec::new();
        for Promise { expected, counting, stop } in promises {
            let _ = stop.send(());
            // If its task did not come to its end, what the journal still has is counted again.
            let watch = counting.await.unwrap_or_else(|_| journal.watch(expected.query()));
            unmet.extend(expected.settle(journal, watch).await.err());
        }
        Unverified::unless_none(unmet)
    }

    /// What has not come until now. Nobody can wait here.
    pub(crate) fn unmet_now(&self, journal: &Journal) -> Result<(), Unverified> {
        let mut unmet: Vec<Unmet> = Vec::new();
        for Promise { expected, counting, .. } in std::mem::take(&mut *self.list()) {
            counting.abort();
            let mut watch = journal.watch(expected.query());
            at_once(watch.catch_up());
            unmet.extend(at_once(expected.judge(journal, watch)).err());
        }
        Unverified::unless_none(unmet)
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Promise>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
