//! Work that blocks, by turns: so many threads and no more, also where those who asked for it go and ask again.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// So many may have a thread at once; the others wait for their turn without one.
pub(super) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// Does `work` when its turn comes. The turn lasts until it is done, whether somebody still waits for that or not.
    ///
    /// # Errors
    /// It has panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        let done = spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_turn_lasts_until_the_work_is_done() {
        let turns = Turns::new(1);
        let (finish, finished) = mpsc::channel::<()>();
        let first = turns.run(move || finished.recv());
        assert!(first.now_or_never().is_none(), "it is at work, and nobody waits for it");
        let mut second = Box::pin(turns.run(|| 7));
        for _ in 0..100 {
            assert!((&mut second).now_or_never().is_none(), "there is no other thread");
            tokio::task::yield_now().await;
        }
        assert_eq!(turns.0.available_permits(), 0);
        finish.send(()).unwrap();
        assert_eq!(second.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn work_that_panics_gives_its_turn_back() {
        let turns = Turns::new(1);
        assert!(turns.run(|| panic!("on purpose")).await.unwrap_err().is_panic());
        assert_eq!(turns.run(|| 7).await.unwrap(), 7);
    }
}
