//! Playing a script on real connections: the player's decisions, carried out.
//!
//! The script runs as work spawned on its connection's session, so it never outlives it, and ends at once with it, also in
//! the middle of a wait or a delay.

mod interlude;
mod session_rules;
mod stall;

use std::collections::HashMap;
use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{error, info, warn};
use ws_core::{
    Connection, Extensions, HandlerResult, Message, Origin, RoomSender, Verdict, WsContext, WsHandler, WsMessage,
    WsSender, close_code,
};

use crate::memory::Memory;
use crate::player::Offer;
use crate::rules::{Follower, RuleSession, RuleSessions};
use crate::{Action, PathCounts, Player, ReplayOptions, ReplayScript, RoomMemory, RuleSet, SessionVerdict};
pub use interlude::{Interlude, InterludeProgress};
use session_rules::SessionRules;
use stall::StallReport;

/// Plays a script on every connection of its paths, beside whatever other handlers do there.
///
/// The script's clock starts when the connection was opened. What it sends has the origin [`Origin::Replay`], and waits
/// when the client reads too slowly; the schedule does not shift by that. After the last entry the connection stays
/// open, unless that entry closes it. Where a recorded connection ended without a Close frame, so does this one.
///
/// When a reload brings a handler with another version of the script (of the same name), connections that are open go on with
/// the script that they began, and new connections get the new one. The rules, those among the lines of the script and those
/// beside it, are exchanged with the next message of an open connection, as [`RuleHandler`](crate::RuleHandler) says;
/// rules that are gone decide nothing any more, and what they have planned already comes at its time.
///
/// A connection that was opened before there was a handler of this script gets no script, as that would start in the middle;
/// rules answer its next message. If the handler disappears, an open connection plays its script on with what it has heard until
/// then.
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
    /// Those among the entries of the script, and others.
    rules: Vec<Arc<RuleSet>>,
    connections: PathCounts,
    room_memory: RoomMemory,
    starts_late: bool,
    closes: bool,
    on_verdict: Option<OnVerdict>,
}

type OnVerdict = Arc<dyn Fn(SessionVerdict) + Send + Sync>;

impl ReplayHandler {
    /// Plays `script` on all paths.
    #[must_use]
    pub fn new(script: Arc<ReplayScript>, options: ReplayOptions) -> Self {
        Self {
            rules: script.rules().cloned().into_iter().collect(),
            script,
            options,
            paths: Box::new(|_| true),
            connections: PathCounts::default(),
            room_memory: RoomMemory::default(),
            starts_late: false,
            closes: false,
            on_verdict: None,
        }
    }

    /// Plays it only on the paths that `accepts` accepts, e.g. `/ws/chat`.
    #[must_use]
    pub fn on_paths(self, accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { paths: Box::new(accepts), ..self }
    }

    /// Follows `rules`, too, behind those that stand in the script. A message that the script's open wait takes is not
    /// answered by rules, and one that a rule takes is not kept for later waits.
    ///
    /// On one connection, rules are known by their name, and are to be followed by one handler. Of two sets with one name, the
    /// one that is given last is followed.
    #[must_use]
    pub fn with_rules(mut self, rules: Arc<RuleSet>) -> Self {
        self.rules.retain(|known| known.name() != rules.name());
        self.rules.push(rules);
        self
    }

    /// Shares what rooms remember with the other handlers of a server that got the same.
    #[must_use]
    pub fn with_room_memory(self, room_memory: RoomMemory) -> Self {
        Self { room_memory, ..self }
    }

    /// Numbers connections together with all handlers that have a clone of `counts`, as
    /// [`RuleHandler::with_path_counts`](crate::RuleHandler::with_path_counts) does. Of a file with several sessions, the number
    /// also chooses the one that is played.
    #[must_use]
    pub fn with_path_counts(self, counts: PathCounts) -> Self {
        Self { connections: counts, ..self }
    }

    /// Starts the clock of the script when this handler has its turn, and not when the connection was opened: for who takes
    /// long before he hands a connection on, so that the script has not missed its beginning then.
    #[must_use]
    pub fn starting_late(self) -> Self {
        Self { starts_late: true, ..self }
    }

    /// Closes each connection with code 1000 when its script was played to its end.
    #[must_use]
    pub fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    /// Has `tell` called with the verdict on each session: once, when its script was played to its end, or else when its
    /// connection has ended; if the handler is [`closing`](Self::closing), always then. It is called from the connection's own
    /// task: it must not block.
    ///
    /// A script without entries is at its end when the connection is.
    #[must_use]
    pub fn on_verdict(self, tell: impl Fn(SessionVerdict) + Send + Sync + 'static) -> Self {
        Self { on_verdict: Some(Arc::new(tell)), ..self }
    }

    /// Makes of it what one connection that is open already plays, from when its session takes that up.
    #[must_use]
    pub fn into_interlude(self) -> Interlude {
        Interlude::new(self.starting_late())
    }

    fn session(&self, extensions: &Extensions) -> Option<Arc<Session>> {
        let sessions = extensions.get::<Sessions>()?;
        lock(&sessions.0).get(self.script.name()).cloned()
    }

    /// The script on a connection from now on, and the work that plays it.
    fn begin(&self, ctx: &WsContext) -> (Arc<Session>, impl Future<Output = HandlerResult<()>> + Send + use<>) {
        let memory = Memory::of(ctx.connection(), &self.room_memory);
        if self.script.reads_last_message() {
            memory.keep_messages();
        }
        let (script, nth) = (Arc::clone(&self.script), memory.nth(|| self.connections.next(&ctx.path)));
        let rules = SessionRules::new(self.follow(ctx));
        let session = Arc::new(Session {
            messages: AtomicU64::new(memory.messages()),
            player: Mutex::new(Player::with_memory(script, &self.options, &ctx.path, nth, memory.clone())),
            memory,
            rules: Mutex::new(rules),
            arrived: Notify::new(),
            began_at: if self.starts_late { Instant::now() } else { ctx.connection().opened_at() },
            script: self.script.shared_name(),
            connection: ctx.connection_id.clone(),
            closes: self.closes,
            on_verdict: self.on_verdict.clone(),
            has_verdict: AtomicBool::new(false),
        });
        let report = StallReport::new(self.script.shared_name(), ctx.connection_id.clone());
        let (sender, rooms) = (ctx.sender().with_origin(Origin::Replay), ctx.room_sender());
        (Arc::clone(&session), play(session, sender, rooms, report))
    }

    /// The rules of a connection, as they are now.
    fn follow(&self, ctx: &WsContext) -> Vec<Arc<RuleSession>> {
        let Self { options, room_memory: rooms, connections, .. } = self;
        let follower = Follower { options, rooms, connections, script: Some(self.script.name()), is_alone: false };
        self.rules.iter().map(|rules| follower.follow(rules, ctx)).collect()
    }
}

#[async_trait]
impl WsHandler for ReplayHandler {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        if self.session(ctx.extensions()).is_some() {
            warn!(script = self.script.name(), path = ctx.path, "registered twice for this path, played once");
            return Ok(());
        }
        let (session, playing) = self.begin(ctx);
        let sessions = ctx.extensions().get::<Sessions>().unwrap_or_default();
        lock(&sessions.0).insert(self.script.shared_name(), session);
        ctx.extensions().insert(sessions);
        ctx.spawn(playing);
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let message = Message::from(msg);
        // Before the script takes note of the message: rules that begin with it count it, too.
        let rules = self.follow(ctx);
        let session = self.session(ctx.extensions());
        let mut is_missed = true;
        if let Some(session) = &session {
            lock(&session.rules).exchange(&rules, &session.script, ctx.connection());
            session.note(&message);
            let offer = session.offer(ctx, &message);
            is_missed = offer == Offer::Refused || !session.may_take_later();
        }
        let reactions: Vec<_> = rules.iter().map(|rules| rules.react(ctx, &message, is_missed)).collect();
        if let Some(session) = session {
            if reactions.iter().all(|reaction| reaction.taken_by.is_none()) {
                lock(&session.player).keep();
            }
            session.arrived.notify_one();
        }
        for (rules, reaction) in rules.iter().zip(reactions) {
            rules.carry_out(ctx, reaction).await?;
        }
        Ok(())
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        // Taken out, so that they are told of once.
        let take = |rules: &Arc<RuleSet>| RuleSessions::take(ctx.connection(), rules.name());
        let rules: Vec<_> = self.rules.iter().filter_map(take).collect();
        rules.iter().for_each(|rules| rules.finish(rules.now()));
        let sessions = ctx.extensions().get::<Sessions>();
        let session = sessions.and_then(|sessions| lock(&sessions.0).remove(self.script.name()));
        if let Some(session) = session {
            {
                let mut player = lock(&session.player);
                // The last messages may not have been looked at.
                player.on_close(session.now());
                stall::report_end(&player, self.script.name(), &ctx.connection_id);
            }
            session.tell_failures();
            lock(&session.rules).finish();
            session.give_verdict();
        } else if let (Some(tell), [first, ..]) = (&self.on_verdict, &rules[..]) {
            // It had no script, as it was opened before the handler came.
            let verdict = SessionVerdict::new(self.script.name()).without_script().took(first.now());
            let checks = rules.iter().flat_map(|rules| rules.checks(rules.now()));
            tell(checks.fold(verdict, SessionVerdict::check));
        }
        Ok(())
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        for rules in self.rules.iter().filter_map(|rules| RuleSessions::get(connection, rules.name())) {
            rules.see_outbound(message, origin);
        }
        Verdict::Pass
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
    memory: Memory,
    rules: Mutex<SessionRules>,
    /// How many messages the client has sent.
    messages: AtomicU64,
    arrived: Notify,
    /// When the clock of the script started.
    began_at: Instant,
    script: Arc<str>,
    connection: String,
    closes: bool,
    on_verdict: Option<OnVerdict>,
    /// Whether the verdict was given.
    has_verdict: AtomicBool,
}

impl Session {
    fn now(&self) -> Duration {
        self.began_at.elapsed()
    }

    /// Shows a message to the wait that is open, and says in the context what that made of it.
    fn offer(&self, ctx: &WsContext, message: &Message) -> Offer {
        let mut player = lock(&self.player);
        let offer = player.offer(self.now(), message);
        match offer {
            Offer::Taken => ctx.mark_matched_by(player.awaits_at().into()),
            Offer::Refused => ctx.add_near_misses(message, player.near_misses()),
            Offer::NotLookedAt => {}
        }
        offer
    }

    /// Whether a wait that comes later may take a message that the present one did not.
    fn may_take_later(&self) -> bool {
        lock(&self.player).waits_ahead()
    }

    /// Remembers what the client said.
    fn note(&self, message: &Message) {
        if matches!(message, Message::Text(_) | Message::Binary(_)) {
            let nth = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
            self.memory.message_came(nth, message);
        }
    }

    fn next_action(&self, report: &mut StallReport) -> Action {
        let action = {
            let mut player = lock(&self.player);
            let action = player.poll(self.now());
            if matches!(action, Action::AwaitMessage | Action::AwaitMessageUntil(_)) {
                report.waiting(&player);
            }
            action
        };
        self.tell_failures();
        action
    }

    /// Writes the checks that have failed since into the log.
    fn tell_failures(&self) {
        let connection = &self.connection;
        let (failures, endless) = {
            let mut player = lock(&self.player);
            (player.take_failures(), player.take_endless())
        };
        for failure in failures {
            info!(connection, "{failure}");
        }
        if let Some(place) = endless {
            error!(
                connection,
                "{place}: the script went round here without end, without a wait or a delay; it has ended"
            );
        }
    }

    /// The script may be at its end now.
    async fn look_for_end(&self, sender: &WsSender) {
        let is_finished = {
            let player = lock(&self.player);
            player.has_entries() && (player.is_finished() || player.is_endless())
        };
        if is_finished && self.closes {
            // An error says that it is closing already.
            let _ = sender.close(close_code::NORMAL, "the script was played to its end").await;
        } else if is_finished {
            self.give_verdict();
        }
    }

    /// Tells who wants to know how the session went: once.
    fn give_verdict(&self) {
        let Some(tell) = &self.on_verdict else { return };
        if !self.has_verdict.swap(true, Ordering::Relaxed) {
            let verdict = lock(&self.player).verdict();
            let checks = lock(&self.rules).checks();
            tell(checks.into_iter().fold(verdict, SessionVerdict::check));
        }
    }

    /// A script with rooms on a server without plays on; its author is told.
    fn tell_if_failed(&self, result: HandlerResult<()>) {
        if let Err(error) = result {
            let connection = &self.connection;
            warn!(connection, %error, "{}", self.script);
        }
    }

    /// The time of the runtime's clock; `None` if it is beyond that.
    fn instant(&self, time: Duration) -> Option<Instant> {
        self.began_at.checked_add(time)
    }
}

async fn play(
    session: Arc<Session>,
    sender: WsSender,
    rooms: RoomSender,
    mut report: StallReport,
) -> HandlerResult<()> {
    loop {
        let action = session.next_action(&mut report);
        let is_last = matches!(action, Action::Finished | Action::Disconnect);
        match action {
            Action::Send(message) => {
                // That the connection is closing or gone is no mistake of the script's.
                if sender.send(message).await.is_err() {
                    return Ok(());
                }
            }
            Action::Broadcast { room, message } => session.tell_if_failed(rooms.broadcast(&room, message).await),
            Action::Join(room) => session.tell_if_failed(rooms.join(&room).await),
            Action::Leave(room) => session.tell_if_failed(rooms.leave(&room).await),
            Action::SleepUntil(time) => {
                session.look_for_end(&sender).await;
                match session.instant(time) {
                    Some(deadline) => sleep_until(deadline).await,
                    None => pending().await,
                }
            }
            Action::AwaitMessage => session.arrived.notified().await,
            Action::AwaitMessageUntil(time) => match session.instant(time) {
                // Either way it is looked again.
                Some(deadline) => drop(timeout_at(deadline, session.arrived.notified()).await),
                None => session.arrived.notified().await,
            },
            Action::Disconnect => {
                // An error says that the connection has ended already.
                let _ = sender.disconnect();
            }
            Action::Finished => {}
        }
        if is_last {
            session.look_for_end(&sender).await;
            return Ok(());
        }
    }
}

/// None of these locks is held across an await, and a player that panicked ended its connection.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
