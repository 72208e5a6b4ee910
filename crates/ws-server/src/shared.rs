//! What all connections of one server share, and who owns their tasks.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;
use ws_core::{Middleware, SessionObserver};

use crate::WsConfig;
use crate::scope::ScopeResolver;

/// A place among the connections that are allowed at once; given back when it is dropped.
pub(crate) type Slot = OwnedSemaphorePermit;

/// What all connections of one server share.
pub(crate) struct Shared {
    pub(crate) config: WsConfig,
    pub(crate) scopes: ScopeResolver,
    pub(crate) middleware: Vec<Arc<dyn Middleware>>,
    pub(crate) observers: Vec<Arc<dyn SessionObserver>>,
    /// Owns the task of every connection.
    pub(crate) tasks: TaskTracker,
    /// Sessions say goodbye.
    pub(crate) shutdown: CancellationToken,
    /// The same as `shutdown`, for the price of a load.
    shutting_down: AtomicBool,
    /// Sessions stop waiting for anybody.
    abandon: CancellationToken,
    slots: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(
        config: WsConfig,
        scopes: ScopeResolver,
        middleware: Vec<Arc<dyn Middleware>>,
        observers: Vec<Arc<dyn SessionObserver>>,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS)));
        Self {
            config,
            scopes,
            middleware,
            observers,
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            shutting_down: AtomicBool::new(false),
            abandon: CancellationToken::new(),
            slots,
        }
    }

    /// Tells every observer something; one that panics does not keep the others from hearing it.
    pub(crate) fn tell(&self, news: impl Fn(&dyn SessionObserver)) {
        for observer in &self.observers {
            if catch_unwind(AssertUnwindSafe(|| news(&**observer))).is_err() {
                error!("an observer panicked");
            }
        }
    }

    /// A place for one more connection, if there is one.
    pub(crate) fn take_slot(&self) -> Option<Slot> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Acquire)
    }

    /// Runs `work`, but not beyond the moment at which the server stops waiting: then there is no answer.
    pub(crate) async fn unless_abandoned<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.abandon.cancelled() => None,
            answer = work => Some(answer),
        }
    }

    /// Tells everybody that the server shuts down.
    pub(crate) fn start_shutdown(&self) {
        self.shutting_down.store(true, Ordering::Release);
        self.shutdown.cancel();
        self.tasks.close();
    }

    /// Closes all connections with code 1001 and waits for their tasks: politely for `grace`, then without waiting for
    /// clients and handlers.
    pub(crate) async fn shut_down(&self, grace: Duration) {
        self.start_shutdown();
        if timeout(grace, self.tasks.wait()).await.is_err() {
            self.abandon.cancel();
            self.tasks.wait().await;
        }
    }
}
