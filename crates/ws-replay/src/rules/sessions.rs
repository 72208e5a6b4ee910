//! The rules of one connection, by the files that they are from: there all handlers find them, also those that a reload
//! brings.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ws_core::{Connection, Message, WsContext};

use super::RuleSet;
use super::session::RuleSession;
use crate::memory::{Memory, RoomMemory};
use crate::template::Values;
use crate::{PathCounts, ReplayOptions};

/// All rules of one connection, in the order in which they began. Kept in the connection's extensions; clones share it.
#[derive(Clone, Default)]
pub(crate) struct RuleSessions(Arc<Mutex<Vec<Arc<RuleSession>>>>);

/// How a handler follows rules.
#[derive(Clone, Copy)]
pub(crate) struct Follower<'h> {
    pub(crate) options: &'h ReplayOptions,
    pub(crate) rooms: &'h RoomMemory,
    pub(crate) connections: &'h PathCounts,
    /// The script that it plays beside them, if it plays one.
    pub(crate) script: Option<&'h str>,
    /// What the rules do not take, nobody does.
    pub(crate) is_alone: bool,
}

impl RuleSessions {
    pub(super) fn of(connection: &Connection) -> Self {
        Self::known_of(connection).unwrap_or_else(|| {
            let sessions = Self::default();
            connection.extensions().insert(sessions.clone());
            sessions
        })
    }

    fn known_of(connection: &Connection) -> Option<Self> {
        connection.extensions().get()
    }

    /// The rules of that name, if the connection has some.
    pub(crate) fn get(connection: &Connection, name: &str) -> Option<Arc<RuleSession>> {
        let sessions = Self::known_of(connection)?;
        sessions.lock().iter().find(|session| session.name() == name).cloned()
    }

    /// Takes the rules of that name out, so that they are told of once.
    pub(crate) fn take(connection: &Connection, name: &str) -> Option<Arc<RuleSession>> {
        let sessions = Self::known_of(connection)?;
        let mut sessions = sessions.lock();
        let at = sessions.iter().position(|session| session.name() == name)?;
        Some(sessions.remove(at))
    }

    /// All rules of the connection have missed messages: now `messages` have come.
    pub(crate) fn count_to(connection: &Connection, messages: u64) {
        let all = Self::known_of(connection).map(|sessions| sessions.lock().clone()).unwrap_or_default();
        for session in all {
            session.count_to(messages);
        }
    }

    /// Shows all of them an answer that is sent to the client.
    pub(super) fn tell(&self, message: &Message) {
        let all = self.lock().clone();
        for session in all {
            session.on_outbound(session.now(), message);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<RuleSession>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Follower<'_> {
    /// The session of `rules` on a connection. If it has none, one begins. If it has one with another version of them, that
    /// goes on with this version.
    pub(crate) fn follow(self, rules: &Arc<RuleSet>, ctx: &WsContext) -> Arc<RuleSession> {
        let connection = ctx.connection();
        let values = |memory: &Memory| {
            let nth = memory.nth(|| self.connections.next(connection.path()));
            Values::new(self.options, connection.path(), nth)
        };
        let session = match RuleSessions::get(connection, rules.name()) {
            Some(known) if known.follows(rules) => known,
            Some(known) => {
                let memory = Memory::of(connection, self.rooms);
                known.renew(rules, values(&memory), ctx);
                known
            }
            None => {
                let memory = Memory::of(connection, self.rooms);
                let values = values(&memory);
                let session = RuleSession::begin(rules, memory, values, ctx);
                RuleSessions::of(connection).lock().push(Arc::clone(&session));
                session
            }
        };
        session.belongs_to(self.script, self.is_alone);
        session
    }
}
