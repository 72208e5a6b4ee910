//! A script that begins on a connection that is open already, in front of what answers there.
//!
//! It is two handlers, at both ends of the connection's chain: in front, the open wait and the rules of the script have the
//! first word; a message that reaches the end, and that nobody took on the way, is kept for later waits.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::Notify;
use tracing::debug;
use ws_core::{Connection, HandlerResult, Message, Origin, Verdict, WsContext, WsHandler, WsMessage};

use super::{ReplayHandler, Session, Sessions, lock};
use crate::RuleSet;
use crate::player::Offer;
use crate::rules::RuleSessions;

/// A script for one connection that is open already, made by [`ReplayHandler::into_interlude`].
///
/// Whoever runs the connection puts [`before`](Self::before) and [`behind`](Self::behind) at the two ends of its handlers and
/// calls `on_connect` of both: then the script begins, and its clock starts. A message that its open wait or one of its rules takes
/// goes no further. The others go to the handlers between, and those that none of them takes are kept for later waits. When the
/// script was played to its end, its rules go on. `on_disconnect` ends it where it stands, at the end of the connection or before:
/// nothing of it is sent any more, and it does not begin anew.
///
/// It gives no verdict, and does not close the connection at its end, whatever the handler was told.
///
/// ```
/// use std::sync::Arc;
/// use ws_replay::{InterludeProgress, ReplayHandler, ReplayOptions, ReplayScript};
///
/// let script = ReplayScript::parse(r#"{"text": "by the way"}"#, "aside.jsonl")?;
/// let interlude = ReplayHandler::new(Arc::new(script), ReplayOptions::default()).into_interlude();
/// assert_eq!(interlude.progress(), InterludeProgress::ToCome);
/// # Ok::<(), ws_replay::ReplayErrors>(())
/// ```
pub struct Interlude(Arc<Shared>);

/// How far an [`Interlude`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InterludeProgress {
    /// It has not begun.
    ToCome,
    /// It is at the entry of this line, from 1.
    At {
        /// The line.
        line: usize,
    },
    /// It was played to its end, but for what repeats in the background, or was ended before.
    Ended,
}

struct Shared {
    replay: ReplayHandler,
    course: Mutex<Course>,
    /// It is to end where it stands.
    ends: Notify,
}

enum Course {
    ToCome,
    Begun(Arc<Session>),
    Over,
}

impl Interlude {
    pub(super) fn new(replay: ReplayHandler) -> Self {
        let replay = ReplayHandler { closes: false, on_verdict: None, ..replay };
        Self(Arc::new(Shared { replay, course: Mutex::new(Course::ToCome), ends: Notify::new() }))
    }

    /// The handler in front of the others.
    #[must_use]
    pub fn before(&self) -> Arc<dyn WsHandler> {
        Arc::new(Before(Arc::clone(&self.0)))
    }

    /// The handler behind the others.
    #[must_use]
    pub fn behind(&self) -> Arc<dyn WsHandler> {
        Arc::new(Behind(Arc::clone(&self.0)))
    }

    /// How far it is now. This takes a lock that its connection holds for moments.
    #[must_use]
    pub fn progress(&self) -> InterludeProgress {
        let session = match &*lock(&self.0.course) {
            Course::ToCome => return InterludeProgress::ToCome,
            Course::Begun(session) => Arc::clone(session),
            Course::Over => return InterludeProgress::Ended,
        };
        let line = lock(&session.player).line();
        line.map_or(InterludeProgress::Ended, |line| InterludeProgress::At { line })
    }
}

impl fmt::Debug for Interlude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interlude")
            .field("script", &self.0.replay.script.name())
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn session(&self) -> Option<Arc<Session>> {
        match &*lock(&self.course) {
            Course::Begun(session) => Some(Arc::clone(session)),
            Course::ToCome | Course::Over => None,
        }
    }
}

/// In front of all other handlers.
struct Before(Arc<Shared>);

#[async_trait]
impl WsHandler for Before {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        let shared = &self.0;
        if !matches!(*lock(&shared.course), Course::ToCome) {
            return Ok(());
        }
        let (session, playing) = shared.replay.begin(ctx);
        *lock(&shared.course) = Course::Begun(session);
        let shared = Arc::clone(shared);
        ctx.spawn(async move {
            tokio::select! {
                played = playing => played,
                () = shared.ends.notified() => Ok(()),
            }
        });
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let Some(session) = self.0.session() else { return Ok(()) };
        let message = Message::from(msg);
        // Before the script takes note of the message: rules that begin with it count it, too.
        let rules = self.0.replay.follow(ctx);
        session.note(&message);
        let offer = session.offer(ctx, &message);
        let is_missed = offer == Offer::Refused || !session.may_take_later();
        let reactions: Vec<_> = rules.iter().map(|rules| rules.react(ctx, &message, is_missed)).collect();
        if offer == Offer::Taken {
            session.arrived.notify_one();
        }
        let is_taken = offer == Offer::Taken || reactions.iter().any(|reaction| reaction.taken_by.is_some());
        // Who comes behind may be the one that answers pings.
        if is_taken && message.is_data() {
            ctx.stop();
            count_for_others(ctx.connection(), &session);
        }
        for (rules, reaction) in rules.iter().zip(reactions) {
            rules.carry_out(ctx, reaction).await?;
        }
        Ok(())
    }

    async fn on_disconnect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        let course = std::mem::replace(&mut *lock(&self.0.course), Course::Over);
        let Course::Begun(session) = course else { return Ok(()) };
        lock(&session.player).stop();
        self.0.ends.notify_one();
        let take = |rules: &Arc<RuleSet>| RuleSessions::take(ctx.connection(), rules.name());
        for rules in self.0.replay.rules.iter().filter_map(take) {
            rules.finish(rules.now());
        }
        debug!(connection = ctx.connection_id, "{} has ended", self.0.replay.script.name());
        Ok(())
    }

    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        self.0.replay.on_outbound(connection, message, origin)
    }

    fn label(&self) -> Cow<'_, str> {
        "Interlude".into()
    }
}

/// Behind all other handlers.
struct Behind(Arc<Shared>);

#[async_trait]
impl WsHandler for Behind {
    async fn on_message(&self, ctx: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
        if !ctx.is_matched()
            && let Some(session) = self.0.session()
        {
            lock(&session.player).keep();
            session.arrived.notify_one();
        }
        Ok(())
    }

    fn label(&self) -> Cow<'_, str> {
        "Interlude".into()
    }
}

/// Scripts and rules behind do not see a message that goes no further. They count it all the same, or all that they say of
/// messages would be about others from then on.
fn count_for_others(connection: &Connection, session: &Session) {
    let messages = session.memory.messages();
    if let Some(others) = connection.extensions().get::<Sessions>() {
        for other in lock(&others.0).values() {
            other.messages.fetch_max(messages, Ordering::Relaxed);
        }
    }
    RuleSessions::count_to(connection, messages);
}
