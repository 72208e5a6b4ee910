//! Following rules on real connections.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tracing::{debug, warn};
use ws_core::{Connection, HandlerResult, Message, Origin, Verdict, WsContext, WsHandler, WsMessage};

use super::RuleSet;
use super::listeners::Listeners;
use super::session::{Reaction, RuleSession};
use super::timers::{self, Doer};
use crate::memory::{Memory, RoomMemory};
use crate::path_counts::PathCounts;
use crate::script::excerpt;
use crate::{ReplayOptions, SessionVerdict};

/// Follows the rules of a set on every connection of its paths, beside whatever other handlers do there.
///
/// What it sends has the origin [`Origin::Rule`]. A message that somebody before it has taken
/// ([`WsContext::is_matched`]) moves machines and counts for correlations, but rules do not answer it; one that a rule
/// takes is marked as matched. A message that no rule takes is reported with the rules that came nearest.
///
/// When the handler is exchanged during a reload, connections that are open go on with the rules that they began with, as
/// long as the new set has a handler for rules of the same name; new connections get the new rules.
///
/// ```
/// use std::sync::Arc;
/// use ws_core::HandlerRegistry;
/// use ws_replay::{ReplayOptions, RuleHandler, RuleSet};
///
/// let rules = RuleSet::parse("rules: [{match: ^ping$, response: pong}]", "ping.yaml")?;
/// let registry = HandlerRegistry::new();
/// let handler = RuleHandler::new(Arc::new(rules), ReplayOptions::default());
/// registry.register(handler.on_paths(|path| path.starts_with("/ws/demo")));
/// assert!(registry.has_handler_for("/ws/demo/1"));
/// # Ok::<(), ws_replay::ReplayErrors>(())
/// ```
pub struct RuleHandler {
    rules: Arc<RuleSet>,
    options: ReplayOptions,
    paths: Box<dyn Fn(&str) -> bool + Send + Sync>,
    connections: PathCounts,
    rooms: RoomMemory,
    stops: bool,
    on_verdict: Option<VerdictSink>,
}

type VerdictSink = Box<dyn Fn(SessionVerdict) + Send + Sync>;

impl RuleHandler {
    /// Follows `rules` on all paths.
    #[must_use]
    pub fn new(rules: Arc<RuleSet>, options: ReplayOptions) -> Self {
        Self {
            rules,
            options,
            paths: Box::new(|_| true),
            connections: PathCounts::default(),
            rooms: RoomMemory::default(),
            stops: false,
            on_verdict: None,
        }
    }

    /// Follows them only on the paths that `accepts` accepts, e.g. `/ws/chat`.
    #[must_use]
    pub fn on_paths(self, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { paths: Box::new(accepts), ..self }
    }

    /// Ends the chain of handlers with a message that a rule takes: those registered behind this one, such as a proxy,
    /// get only the others. Pings and pongs go on in any case; and text that is not JSON does, unless the file says that
    /// it is refused.
    #[must_use]
    pub fn stopping(self) -> Self {
        Self { stops: true, ..self }
    }

    /// Shares what rooms remember with all who have a clone of `rooms`: other paths, and the handler that a reload brings.
    #[must_use]
    pub fn with_room_memory(self, rooms: RoomMemory) -> Self {
        Self { rooms, ..self }
    }

    /// Calls `on_verdict` once for each connection when it has ended, with what the checks of the rules have found. It is
    /// called from the connection's own task: it must not block.
    #[must_use]
    pub fn on_verdict(self, on_verdict: impl Fn(SessionVerdict) + Send + Sync + 'static) -> Self {
        Self { on_verdict: Some(Box::new(on_verdict)), ..self }
    }

    fn session(&self, ctx: &WsContext) -> Arc<RuleSession> {
        let sessions = ctx.extensions().get::<Sessions>().unwrap_or_else(|| {
            let sessions = Sessions::default();
            ctx.extensions().insert(sessions.clone());
            sessions
        });
        if let Some(session) = sessions.lock().get(self.rules.name()) {
            return Arc::clone(session);
        }
        let memory = Memory::of(ctx, &self.rooms);
        let nth = self.connections.next(&ctx.path);
        memory.set_number(nth.saturating_add(1));
        let session = RuleSession::begin(Arc::clone(&self.rules), &self.options, memory, ctx, nth, !self.stops);
        sessions.lock().insert(Arc::clone(&self.rules.name), Arc::clone(&session));
        session
    }
}

impl RuleSession {
    /// Begins on a connection, and keeps its time from now on. `is_alone`: what it does not take, nobody does.
    pub(crate) fn begin(
        rules: Arc<RuleSet>,
        options: &ReplayOptions,
        memory: Memory,
        ctx: &WsContext,
        nth: u64,
        is_alone: bool,
    ) -> Arc<Self> {
        let takes_time = rules.takes_time();
        let opened_at = ctx.connection().opened_at();
        let session = Arc::new(Self::new(rules, options, memory, &ctx.path, nth, opened_at, is_alone));
        Listeners::of(ctx).add(&session);
        if takes_time {
            ctx.spawn(timers::keep(Arc::clone(&session), Doer::of(ctx)));
        }
        session
    }

    /// Decides about the present message, and says in the context whether it was taken, or else, if that is to be told, by
    /// what it was nearly. The reaction is to be [carried out](Self::carry_out).
    pub(crate) fn react(&self, ctx: &WsContext, message: &Message, is_missed: bool) -> Reaction {
        let is_taken = ctx.is_matched();
        let mut reaction = self.on_message(self.now(), message, is_taken);
        if reaction.is_refused
            && let Some(text) = message.as_text()
        {
            let (connection, rules, why) = (&ctx.connection_id, self.rules().name(), self.rules().why_json());
            debug!(connection, "{rules}: refused {:?}: it is not JSON, and {why}", excerpt(text));
        }
        if reaction.is_taken {
            ctx.mark_matched();
        } else if !is_taken && is_missed && message.is_data() {
            ctx.add_near_misses(message, std::mem::take(&mut reaction.near_misses));
        }
        reaction
    }

    /// Takes note of a message that somebody sends.
    pub(crate) fn see_outbound(&self, message: &Message, origin: Origin) {
        // What rules send was shown to them when they sent it.
        if origin != Origin::Rule {
            self.on_outbound(self.now(), message);
        }
    }

    /// Does what is to be done at once. Waits while the client reads too slowly, or too much is planned for it.
    ///
    /// # Errors
    /// If a room cannot be joined, left or reached.
    pub(crate) async fn carry_out(&self, ctx: &WsContext, reaction: Reaction) -> HandlerResult<()> {
        let doer = Doer::of(ctx);
        let mut done = Ok(());
        for deed in reaction.deeds {
            done = doer.perform(deed).await;
            if done.is_err() {
                break;
            }
        }
        let (decided_at, later) = reaction.later;
        self.plan(decided_at, later);
        done?;
        while self.is_full() {
            self.delivered.notified().await;
        }
        Ok(())
    }
}

#[async_trait]
impl WsHandler for RuleHandler {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        let known = ctx.extensions().get::<Sessions>();
        if known.is_some_and(|sessions| sessions.lock().contains_key(self.rules.name())) {
            warn!(rules = self.rules.name(), path = ctx.path, "registered twice for this path, followed once");
        }
        self.session(ctx);
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let session = self.session(ctx);
        let message = Message::from(msg);
        let reaction = session.react(ctx, &message, true);
        // Who comes behind may be the one that answers pings.
        if reaction.is_taken && self.stops && message.is_data() {
            ctx.stop();
        }
        session.carry_out(ctx, reaction).await
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        // Taken out, so that it is told once.
        let sessions = ctx.extensions().get::<Sessions>();
        let session = sessions.and_then(|sessions| sessions.lock().remove(self.rules.name()));
        let Some(session) = session else { return Ok(()) };
        let now = session.now();
        session.finish(now);
        if let Some(on_verdict) = &self.on_verdict {
            let verdict = SessionVerdict::new(self.rules.name()).without_script().took(now);
            on_verdict(session.checks(now).into_iter().fold(verdict, SessionVerdict::check));
        }
        Ok(())
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        // After a reload, those of the session are not those of the handler.
        if let Some(sessions) = connection.extensions().get::<Sessions>()
            && let Some(session) = sessions.lock().get(self.rules.name()).cloned()
        {
            session.see_outbound(message, origin);
        }
        Verdict::Pass
    }

    fn handles_path(&self, path: &str) -> bool {
        (self.paths)(path)
    }
}

impl fmt::Debug for RuleHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleHandler")
            .field("rules", &self.rules.name())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The sessions of one connection, by the names of their rules, kept in the connection's extensions: there the handler
/// that a reload brings finds them too.
#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<Arc<str>, Arc<RuleSession>>>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<RuleSession>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
