//! The work that keeps the time of one connection's rules: it sends what was delayed, and wakes machines and correlations.

use std::future::pending;
use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use ws_core::{HandlerResult, Origin, RoomSender, WsContext, WsSender};

use super::plan::Deed;
use super::session::{Next, RuleSession};
use super::sessions::RuleSessions;

/// How the rules of a connection do what they have decided.
pub(super) struct Doer {
    sender: WsSender,
    rooms: RoomSender,
    all_rules: RuleSessions,
}

impl Doer {
    pub(super) fn of(ctx: &WsContext) -> Self {
        let all_rules = RuleSessions::of(ctx.connection());
        Self { sender: ctx.sender().with_origin(Origin::Rule), rooms: ctx.room_sender(), all_rules }
    }

    /// Does one thing. Waits while the client reads too slowly. That the connection is closing or gone is no error.
    ///
    /// # Errors
    /// If a room cannot be joined, left or reached.
    pub(super) async fn perform(&self, deed: Deed) -> HandlerResult<()> {
        match deed {
            Deed::Send { message, is_seen } => {
                if is_seen {
                    self.all_rules.tell(&message);
                }
                let _ = self.sender.send(message).await;
            }
            Deed::Broadcast { room, message } => self.rooms.broadcast(&room, message).await?,
            Deed::Join(room) => self.rooms.join(&room).await?,
            Deed::Leave(room) => self.rooms.leave(&room).await?,
            Deed::Close(frame) => {
                let _ = self.sender.close(frame.code, &frame.reason).await;
            }
        }
        Ok(())
    }
}

/// Keeps the time of a connection for as long as it lives, or until its rules have ended. It is spawned on the connection's
/// session and ends with it.
pub(super) async fn keep(session: Arc<RuleSession>, doer: Doer) -> HandlerResult<()> {
    loop {
        match session.next(session.now()) {
            Next::Do(deed) => {
                if let Err(error) = doer.perform(deed).await {
                    tracing::warn!(rules = session.name(), %error, "a rule could not do all of its actions");
                }
                session.delivered.notify_one();
            }
            Next::At(time) => match session.opened_at().checked_add(time) {
                Some(deadline) => wait(&session, deadline).await,
                None => pending().await,
            },
            Next::Nothing => session.changed.notified().await,
            Next::Over => return Ok(()),
        }
    }
}

async fn wait(session: &RuleSession, deadline: Instant) {
    // Both ends of it are a reason to look again.
    let _ = timeout_at(deadline, session.changed.notified()).await;
}
