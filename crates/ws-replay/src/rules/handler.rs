//! Following rules on real connections.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tracing::{debug, warn};
use ws_core::{Connection, HandlerResult, Message, Origin, Verdict, WsContext, WsHandler, WsMessage};

use super::RuleSet;
use super::session::{Reaction, RuleSession};
use super::sessions::{Follower, RuleSessions};
use super::timers::{self, Doer};
use crate::memory::{Memory, RoomMemory};
use crate::script::excerpt;
use crate::template::Values;
use crate::{PathCounts, ReplayOptions, SessionVerdict};

/// Follows the rules of a set on every connection of its paths, beside whatever other handlers do there.
///
/// What it sends has the origin [`Origin::Rule`]. A message that somebody before it has taken
/// ([`WsContext::is_matched`]) moves machines and counts for correlations, but rules do not answer it; one that a rule
/// takes is marked as matched. A message that no rule takes is reported with the rules that came nearest.
///
/// When a reload brings a handler with another version of the rules (another [`RuleSet`] of the same name), the next message
/// of a connection that is open goes to the new rules, and what is state lives on:
/// - values that were set, or were there from the beginning, stay; names that are new in `state` get their first value;
/// - messages are counted on, and rooms remember what they did, if both handlers were given the same [`RoomMemory`];
/// - a machine stays in its state if the new one has a state of that name, else it begins anew. The timers of the state go
///   on from when it was entered if they take the same times as before; if not, they start when the new rules take over;
/// - a correlation of the same name and kind keeps what it has open; what is open in one that is gone is let go;
/// - answers and closes that are planned already come at their time;
/// - checks are found again by their words; what was decided of those that are gone stays in the verdict, which is told once;
/// - answers that take turns start over.
///
/// Until that message the old rules keep the time. They never see it, and nothing of them is kept. The same [`RuleSet`] in a
/// new handler changes nothing.
///
/// A connection that was opened before there was a handler of these rules gets them with its next message, and is counted
/// from then on. If the handler disappears, nothing is answered any more; machines and correlations keep the time until the
/// connection ends.
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

    /// Numbers connections together with all handlers that have a clone of `counts`, such as the one that a reload brings: so
    /// a seed gives no two connections the same values. Without it, each handler begins at 1. A connection that has a number
    /// keeps it.
    #[must_use]
    pub fn with_path_counts(self, counts: PathCounts) -> Self {
        Self { connections: counts, ..self }
    }

    /// Calls `on_verdict` once for each connection when it has ended, with what the checks of the rules have found. It is
    /// called from the connection's own task: it must not block.
    #[must_use]
    pub fn on_verdict(self, on_verdict: impl Fn(SessionVerdict) + Send + Sync + 'static) -> Self {
        Self { on_verdict: Some(Box::new(on_verdict)), ..self }
    }

    fn follow(&self, ctx: &WsContext) -> Arc<RuleSession> {
        let Self { rules, options, rooms, connections, .. } = self;
        Follower { options, rooms, connections, script: None, is_alone: !self.stops }.follow(rules, ctx)
    }
}

impl RuleSession {
    /// Begins on a connection, and keeps its time from now on.
    pub(super) fn begin(rules: &Arc<RuleSet>, memory: Memory, values: Values, ctx: &WsContext) -> Arc<Self> {
        let session = Arc::new(Self::new(rules, memory, values, ctx.connection().opened_at()));
        session.keep_time(ctx);
        session
    }

    /// Goes on with another version of the rules.
    pub(super) fn renew(self: &Arc<Self>, rules: &Arc<RuleSet>, values: Values, ctx: &WsContext) {
        self.exchange(rules, values);
        self.keep_time(ctx);
    }

    fn keep_time(self: &Arc<Self>, ctx: &WsContext) {
        if self.takes_keeper() {
            ctx.spawn(timers::keep(Arc::clone(self), Doer::of(ctx)));
        }
    }

    /// Decides about the present message, and says in the context whether it was taken, or else, if that is to be told, by
    /// what it was nearly. The reaction is to be [carried out](Self::carry_out).
    pub(crate) fn react(&self, ctx: &WsContext, message: &Message, is_missed: bool) -> Reaction {
        let is_taken = ctx.is_matched();
        let mut reaction = self.on_message(self.now(), message, is_taken);
        if let Some(why) = reaction.refused_because
            && let Some(text) = message.as_text()
        {
            let (connection, rules) = (&ctx.connection_id, self.name());
            debug!(connection, "{rules}: refused {:?}: it is not JSON, and {why}", excerpt(text));
        }
        if let Some(name) = &reaction.taken_by {
            ctx.mark_matched_by(Arc::clone(name));
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
        if RuleSessions::get(ctx.connection(), self.rules.name()).is_some() {
            warn!(rules = self.rules.name(), path = ctx.path, "registered twice for this path, followed once");
        }
        self.follow(ctx);
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let session = self.follow(ctx);
        let message = Message::from(msg);
        let reaction = session.react(ctx, &message, true);
        // Who comes behind may be the one that answers pings.
        if reaction.taken_by.is_some() && self.stops && message.is_data() {
            ctx.stop();
        }
        session.carry_out(ctx, reaction).await
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        // Taken out, so that it is told once.
        let Some(session) = RuleSessions::take(ctx.connection(), self.rules.name()) else { return Ok(()) };
        let now = session.now();
        session.finish(now);
        if let Some(on_verdict) = &self.on_verdict {
            let verdict = SessionVerdict::new(self.rules.name()).without_script().took(now);
            on_verdict(session.checks(now).into_iter().fold(verdict, SessionVerdict::check));
        }
        Ok(())
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        // After a reload, those of the session are the old ones until the client says something.
        if let Some(session) = RuleSessions::get(connection, self.rules.name()) {
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
