//! What all connections of one server share, and who owns their tasks.

use std::future::Future;
#[cfg(feature = "admin")]
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use ws_core::Middleware;
use ws_metrics::MetricsRegistry;

use crate::ServerError;
use crate::live::LiveConnections;
use crate::realm::Realms;
use crate::reload::{ReloadReport, Reloader};
use crate::scope::ChooseScope;
use crate::version::Version;
use crate::watching::Watching;

/// A place among the connections that are allowed at once; given back when it is dropped.
pub(crate) type Slot = OwnedSemaphorePermit;

/// What all connections of one server share.
pub(crate) struct Shared {
    pub(crate) realms: Realms,
    pub(crate) live: Arc<LiveConnections>,
    pub(crate) reloader: Reloader,
    /// Who has a say before the configuration.
    pub(crate) choose_scope: Option<ChooseScope>,
    pub(crate) middleware: Vec<Arc<dyn Middleware>>,
    pub(crate) metrics: MetricsRegistry,
    /// Whether files are watched while the server serves.
    watches: bool,
    watching: OnceLock<Watching>,
    /// Where the server listens, if it does that itself.
    pub(crate) address: OnceLock<SocketAddr>,
    /// Owns the task of every connection.
    pub(crate) tasks: TaskTracker,
    /// Who waits for something else than messages stops waiting.
    pub(crate) shutdown: CancellationToken,
    /// The same for sessions, which are interrupted: for the price of a load.
    shutting_down: AtomicBool,
    /// Whether another server takes the place of this one when it has shut down.
    restarting: AtomicBool,
    /// Sessions stop waiting for anybody.
    abandon: CancellationToken,
    slots: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(
        realms: Realms,
        reloader: Reloader,
        choose_scope: Option<ChooseScope>,
        middleware: Vec<Arc<dyn Middleware>>,
        watches: bool,
        metrics: MetricsRegistry,
    ) -> Self {
        let config = &realms.server().version().config;
        let slots = Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS)));
        Self {
            live: Arc::clone(realms.live()),
            realms,
            reloader,
            choose_scope,
            middleware,
            metrics,
            watches,
            watching: OnceLock::new(),
            address: OnceLock::new(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            shutting_down: AtomicBool::new(false),
            restarting: AtomicBool::new(false),
            abandon: CancellationToken::new(),
            slots,
        }
    }

    /// How its URLs begin, such as `ws://127.0.0.1:3001`, as a client on the same machine writes them.
    #[cfg(feature = "admin")]
    pub(crate) fn url(&self) -> String {
        let port = self.version().config.port;
        let mut address = self.address.get().copied().unwrap_or(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("{}://{address}", self.version().config.scheme())
    }

    /// What the configuration makes now, for connections of no test.
    pub(crate) fn version(&self) -> Arc<Version> {
        self.realms.server().version()
    }

    /// Reloads what changes from now on, if that is wanted.
    pub(crate) fn start_watching(self: &Arc<Self>) {
        if self.watches {
            self.watching.get_or_init(|| Watching::start(self));
        }
    }

    /// Reads all files again. This blocks.
    pub(crate) fn reload(&self) -> Result<ReloadReport, ServerError> {
        let outcome = self.reloader.reload(self);
        if let Some(watching) = self.watching.get() {
            watching.look_again();
        }
        outcome
    }

    /// A place for one more connection, if there is one.
    pub(crate) fn take_slot(&self) -> Option<Slot> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Acquire)
    }

    pub(crate) fn is_restarting(&self) -> bool {
        self.restarting.load(Ordering::Acquire)
    }

    /// From now on, who is told that the server shuts down is told that another one comes.
    pub(crate) fn announce_restart(&self) {
        self.restarting.store(true, Ordering::Release);
    }

    /// Runs `work`, but not beyond the moment at which the server stops waiting: then there is no answer.
    pub(crate) async fn unless_abandoned<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        if self.abandon.is_cancelled() {
            return None;
        }
        tokio::select! {
            biased;
            // First, as most of it does not wait, and need not be told.
            answer = work => Some(answer),
            () = self.abandon.cancelled() => None,
        }
    }

    /// Tells everybody that the server shuts down.
    pub(crate) fn start_shutdown(&self) {
        self.shutting_down.store(true, Ordering::Release);
        if let Some(watching) = self.watching.get() {
            watching.stop();
        }
        self.shutdown.cancel();
        // Who opens meanwhile sees the flag first.
        self.live.interrupt(|_| true);
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
