//! The handlers of one connection as they are now: guards first, then the registered ones, then scripts and modes, or the
//! default of none of them; and around all but the guards, what somebody has the connection play.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use ws_core::engine::HandlerWatch;
use ws_core::{HandlerSet, Rooms, WsHandler};
use ws_metrics::{HandlerMeter, HandlerMetrics};

use crate::path_conditions::{PathConditions, is_same_network};
use crate::play::Play;
use crate::version::Version;
use crate::{ReloadPolicy, Scope};

/// The handlers of one path, kept up with the registry and with reloads.
///
/// An open connection gets the scripts and modes of the newest version; but where what begins with a connection is another
/// one there (a replay script, an upstream, a story), it keeps the modes that it has. What is decided at the handshake it
/// keeps in any case: guards and rooms.
pub(crate) struct Chain {
    path: Box<str>,
    rooms: Arc<dyn Rooms>,
    /// Those that decided about the handshake.
    conditions: Option<Arc<PathConditions>>,
    state: Mutex<State>,
}

/// A handler, and who counts its calls.
pub(crate) struct Metered {
    pub(crate) handler: Arc<dyn WsHandler>,
    pub(crate) meter: HandlerMeter,
}

impl Metered {
    /// A handler whose calls are not counted.
    fn by_nobody(handler: Arc<dyn WsHandler>) -> Self {
        Self { handler, meter: HandlerMeter::default() }
    }
}

// In this order: each message looks at what stands in front, which should be few lines of the processor's cache.
#[derive(Clone)]
#[repr(C)]
struct State {
    /// Whether handlers are exchanged: not before the connection is greeted, so that who decided about the handshake gets
    /// the connection, and not where it is closed instead.
    is_settled: bool,
    /// Whether nobody takes the path. A connection that had handlers does not fall back to the default while the registry
    /// is cleared and filled again.
    is_default: bool,
    registered: HandlerWatch,
    /// None: somebody chose a scope for the connection, which is not the configuration's affair.
    versions: Option<watch::Receiver<Arc<Version>>>,
    /// As they run, one behind the other; guards first. Their meters are found once for all their calls.
    handlers: Arc<[Metered]>,
    /// Whose modes these are.
    scope: Arc<Scope>,
    /// The newest scripts, also where the modes are older.
    scripts: Arc<[Arc<dyn WsHandler>]>,
    /// What the connection plays because somebody asked for it.
    play: Option<Arc<Play>>,
    /// How many of them are guards.
    guards: usize,
    metrics: Option<HandlerMetrics>,
}

impl Chain {
    /// The handlers of a connection on `path` in `scope`; `version` is the one that this scope is of, if it is of one, and
    /// tells of newer ones. Their calls are counted in `metrics`, if there are any.
    pub(crate) fn new(
        scope: Arc<Scope>,
        version: Option<(Arc<Version>, watch::Receiver<Arc<Version>>)>,
        path: &str,
        metrics: Option<&HandlerMetrics>,
    ) -> Self {
        let (rooms, conditions) = (Arc::clone(&scope.rooms), scope.conditions.clone());
        let (scripts, versions) = version.map(|(version, newer)| (Arc::clone(&version.scripts), newer)).unzip();
        let mut state = State {
            registered: scope.handlers.watch(),
            versions,
            scripts: scripts.unwrap_or_default(),
            handlers: scope.guards.iter().cloned().map(Metered::by_nobody).collect(),
            guards: scope.guards.len(),
            scope,
            is_default: false,
            is_settled: false,
            play: None,
            metrics: metrics.cloned(),
        };
        state.look(path, true);
        Self { path: path.into(), rooms, conditions, state: Mutex::new(state) }
    }

    /// From now on handlers are exchanged, if `policy` does not close the connection instead.
    pub(crate) fn settle(&self, policy: ReloadPolicy) {
        self.state().is_settled = policy == ReloadPolicy::Keep;
    }

    /// The handlers that get the next message.
    pub(crate) fn current(&self) -> Arc<[Metered]> {
        Arc::clone(&self.kept_up().handlers)
    }

    /// Makes of `known` what [`current`](Self::current) gives, which it is already most of the time.
    pub(crate) fn bring_up_to_date(&self, known: &mut Arc<[Metered]>) {
        let newer = {
            let state = self.kept_up();
            (!Arc::ptr_eq(known, &state.handlers)).then(|| Arc::clone(&state.handlers))
        };
        // Behind the lock: with the old ones goes, perhaps, somebody else's handler.
        if let Some(newer) = newer {
            *known = newer;
        }
    }

    /// From now on, the connection plays this, or nothing. Gives back what it played until now; none, if that is the same.
    pub(crate) fn exchange_play(&self, play: Option<Arc<Play>>) -> Option<Option<Arc<Play>>> {
        let state = &mut *self.state();
        if state.play.as_ref().map(Arc::as_ptr) == play.as_ref().map(Arc::as_ptr) {
            return None;
        }
        let around = usize::from(state.play.is_some());
        let others = state.guards + around..state.handlers.len() - around;
        let others = unmetered(&state.handlers[others]).collect();
        let before = std::mem::replace(&mut state.play, play);
        state.arrange(others);
        Some(before)
    }

    fn kept_up(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        if state.is_settled {
            state.keep_up(&self.path);
        }
        state
    }

    /// Waits until handlers or conditions would be others than they were at the handshake.
    pub(crate) fn exchanged(&self) -> impl Future<Output = ()> + Send + use<> {
        let (path, mut state) = (self.path.clone(), self.state().clone());
        let (known, conditions) = (Arc::clone(&state.handlers), self.conditions.clone());
        async move {
            while is_same(&known, &state.handlers) && is_same_network(&conditions, &state.scope.conditions) {
                state.changed().await;
                // As a new connection would.
                (state.scope, state.scripts) = state.newest(&path);
                state.look(&path, true);
            }
        }
    }

    /// Whether the configuration, and what is uploaded over it, say what the handlers are.
    pub(crate) fn is_managed(&self) -> bool {
        self.state().versions.is_some()
    }

    /// What the network does to the connection, as it was at the handshake.
    pub(crate) fn first_conditions(&self) -> Option<&Arc<PathConditions>> {
        self.conditions.as_ref()
    }

    /// What the network does to new connections on the path now.
    pub(crate) fn newest_conditions(&self) -> Option<Arc<PathConditions>> {
        match &self.state().versions {
            Some(versions) => versions.borrow().scope(&self.path).conditions.clone(),
            None => self.conditions.clone(),
        }
    }

    pub(crate) fn rooms(&self) -> &Arc<dyn Rooms> {
        &self.rooms
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep_up(&mut self, path: &str) {
        // An error says that the server is gone: then nothing changes any more.
        let is_new = self.versions.as_ref().is_some_and(|versions| versions.has_changed().unwrap_or(false));
        if is_new || self.registered.has_changed() {
            self.follow(path);
        }
    }

    /// Takes up what is there now.
    fn follow(&mut self, path: &str) {
        let (newest, scripts) = self.newest(path);
        let is_new = !Arc::ptr_eq(&newest, &self.scope) && newest.begins(path) == self.scope.begins(path);
        self.scripts = scripts;
        if is_new {
            self.scope = newest;
        }
        self.look(path, is_new);
    }

    /// What a new connection on the path would get.
    fn newest(&mut self, path: &str) -> (Arc<Scope>, Arc<[Arc<dyn WsHandler>]>) {
        match &mut self.versions {
            Some(versions) => {
                let version = versions.borrow_and_update();
                (Arc::clone(version.scope(path)), Arc::clone(&version.scripts))
            }
            None => (Arc::clone(&self.scope), Arc::clone(&self.scripts)),
        }
    }

    /// Puts the handlers together. `anew`: as for a new connection.
    fn look(&mut self, path: &str, anew: bool) {
        let mut handlers = self.registered.handlers_for(path);
        let behind = self.scripts.iter().chain(&self.scope.modes);
        handlers.extend(behind.filter(|handler| handler.handles_path(path)).cloned());
        if anew {
            self.is_default = handlers.is_empty();
        }
        if handlers.is_empty() && self.is_default {
            handlers.push(Arc::clone(&self.scope.fallback));
        }
        self.arrange(handlers);
    }

    /// Puts the guards before `others`, and what is played around them. All of these are nobody's handlers, as is the fallback:
    /// they are not counted, which would cost something.
    fn arrange(&mut self, others: HandlerSet) {
        let guards = unmetered(&self.handlers[..self.guards]);
        let (before, behind) = self.play.as_ref().map(|play| (&play.before, &play.behind)).unzip();
        let counted = |handler: Arc<dyn WsHandler>| match &self.metrics {
            Some(metrics) if !Arc::ptr_eq(&handler, &self.scope.fallback) => {
                let meter = metrics.of(&handler.label());
                Metered { handler, meter }
            }
            _ => Metered::by_nobody(handler),
        };
        let first = guards.chain(before.cloned()).map(Metered::by_nobody);
        let last = behind.cloned().map(Metered::by_nobody);
        self.handlers = first.chain(others.into_iter().map(counted)).chain(last).collect();
    }

    async fn changed(&mut self) {
        let registered = self.registered.changed();
        match &mut self.versions {
            None => registered.await,
            Some(versions) => tokio::select! {
                () = registered => {}
                // An error says that the server is gone.
                Ok(()) = versions.changed() => {}
            },
        }
    }
}

fn unmetered(handlers: &[Metered]) -> impl Iterator<Item = Arc<dyn WsHandler>> {
    handlers.iter().map(|metered| Arc::clone(&metered.handler))
}

fn is_same(known: &[Metered], now: &[Metered]) -> bool {
    let address = |metered: &Metered| Arc::as_ptr(&metered.handler).cast::<()>();
    known.len() == now.len() && known.iter().zip(now).all(|(known, now)| address(known) == address(now))
}
