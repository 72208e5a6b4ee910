//! Playing a script on real connections: the player's decisions, carried out.
//!
//! The script runs as work spawned on its connection's session, so it never outlives it, and ends at once with it, also in
//! the middle of a wait or a delay.

mod stall;

use std::collections::HashMap;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tracing::warn;
use ws_core::{HandlerResult, Message, Origin, WsContext, WsHandler, WsMessage, WsSender};

use crate::{Action, Player, ReplayOptions, ReplayScript};
use stall::StallReport;

/// Plays a script on every connection of its paths, beside whatever other handlers do there.
///
/// The script's clock starts when the connection was opened. What it sends has the origin [`Origin::Replay`], and waits
/// when the client reads too slowly; the schedule does not shift by that. After the last entry the connection stays
/// open, unless that entry closes it. Where a recorded connection ended without a Close frame, so does this one.
///
/// When the handler is exchanged during a reload, connections that are open go on with the script they began, as long
/// as the new set has a handler for a script of the same name; new connections get the new script.
///
/// ```
/// use std::sync::Arc;
/// use ws_core::HandlerRegistry;
/// use ws_replay::{ReplayHandler, ReplayOptions, ReplayScript};
///
/// let script = ReplayScript::parse(r#"{"ts": 0, "text": "hello"}"#, "hello.jsonl")?;
/// let registry = HandlerRegistry::new();
/// let replay = ReplayHandler::new(Arc::new(script), ReplayOptions::default());
/// registry.register(replay.on_paths(|path| path.starts_with("/ws/demo")));
/// assert!(registry.has_handler_for("/ws/demo/1"));
/// assert!(!registry.has_handler_for("/ws"));
/// # Ok::<(), ws_replay::ReplayErrors>(())
/// ```
pub struct ReplayHandler {
    script: Arc<ReplayScript>,
    options: ReplayOptions,
    paths: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// How many connections each path has had; only counted with a seed, or if the script has several sessions.
    connections: Mutex<HashMap<String, u64>>,
}

/// Clients choose the paths, so there is a bound; the connections of all further paths are counted together.
const MOST_COUNTED_PATHS: usize = 10_000;

impl ReplayHandler {
    /// Plays `script` on all paths.
    #[must_use]
    pub fn new(script: Arc<ReplayScript>, options: ReplayOptions) -> Self {
        Self { script, options, paths: Box::new(|_| true), connections: Mutex::default() }
    }

    /// Plays it only on the paths that `accepts` accepts, e.g. `/ws/chat`.
    #[must_use]
    pub fn on_paths(self, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { paths: Box::new(accepts), ..self }
    }

    /// The number of a new connection on `path`, from 0.
    fn count(&self, path: &str) -> u64 {
        if self.options.seed.is_none() && !self.script.has_several_sessions() {
            return 0;
        }
        let mut connections = lock(&self.connections);
        let is_counted = connections.contains_key(path) || connections.len() < MOST_COUNTED_PATHS;
        let counter = connections.entry(if is_counted { path } else { "" }.to_owned()).or_default();
        let nth = *counter;
        *counter += 1;
        nth
    }

    fn session(&self, ctx: &WsContext) -> Option<Arc<Session>> {
        let sessions = ctx.extensions().get::<Sessions>()?;
        lock(&sessions.0).get(self.script.name()).cloned()
    }
}

#[async_trait]
impl WsHandler for ReplayHandler {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        if self.session(ctx).is_some() {
            warn!(script = self.script.name(), path = ctx.path, "registered twice for this path, played once");
            return Ok(());
        }
        let player = Player::new(Arc::clone(&self.script), &self.options, &ctx.path, self.count(&ctx.path));
        let session = Arc::new(Session {
            player: Mutex::new(player),
            arrived: Notify::new(),
            opened_at: ctx.connection().opened_at(),
        });
        let sessions = ctx.extensions().get::<Sessions>().unwrap_or_default();
        lock(&sessions.0).insert(self.script.shared_name(), Arc::clone(&session));
        ctx.extensions().insert(sessions);
        let report = StallReport::new(self.script.shared_name(), ctx.connection_id.clone());
        ctx.spawn(play(session, ctx.sender().with_origin(Origin::Replay), report));
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        if let Some(session) = self.session(ctx) {
            lock(&session.player).on_message(session.now(), Message::from(msg));
            session.arrived.notify_one();
        }
        Ok(())
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        let Some(sessions) = ctx.extensions().get::<Sessions>() else { return Ok(()) };
        // Taken out, so that it is told once.
        let session = lock(&sessions.0).remove(self.script.name());
        if let Some(session) = session {
            let mut player = lock(&session.player);
            // The last messages may not have been looked at.
            player.poll(session.now());
            stall::report_end(&player, self.script.name(), &ctx.connection_id);
        }
        Ok(())
    }

    fn handles_path(&self, path: &str) -> bool {
        (self.paths)(path)
    }
}

impl fmt::Debug for ReplayHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayHandler")
            .field("script", &self.script.name())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The sessions of one connection, by the names of their scripts, kept in the connection's extensions: there the handler
/// that a reload brings finds them too.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<Arc<str>, Arc<Session>>>>);

/// One script on one connection, shared by the work that plays it and by what brings it messages.
struct Session {
    player: Mutex<Player>,
    arrived: Notify,
    opened_at: Instant,
}

impl Session {
    fn now(&self) -> Duration {
        self.opened_at.elapsed()
    }

    fn next_action(&self, report: &mut StallReport) -> Action {
        let mut player = lock(&self.player);
        let action = player.poll(self.now());
        if action == Action::AwaitMessage {
            report.waiting(&player);
        }
        action
    }
}

async fn play(session: Arc<Session>, sender: WsSender, mut report: StallReport) -> HandlerResult<()> {
    loop {
        let action = session.next_action(&mut report);
        match action {
            Action::Send(message) => {
                // That the connection is closing or gone is no mistake of the script's.
                if sender.send(message).await.is_err() {
                    return Ok(());
                }
            }
            Action::SleepUntil(time) => match session.opened_at.checked_add(time) {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            },
            Action::AwaitMessage => session.arrived.notified().await,
            Action::Disconnect => {
                // An error says that the connection has ended already.
                let _ = sender.disconnect();
                return Ok(());
            }
            Action::Finished => return Ok(()),
        }
    }
}

/// None of these locks is held across an await, and a player that panicked ended its connection.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
