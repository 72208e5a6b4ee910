//! Finding connections, and sending to them.

use std::collections::HashSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use ws_core::{Message, Origin, Rooms, TrySendError};

use super::Admin;
use super::problem::Problem;
use super::which::Which;
use crate::live::Live;

/// What became of a message to many.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Reached {
    /// Connections that will get it.
    sent: usize,
    /// Connections that read too slowly: their queues are full.
    full: usize,
    /// Connections that are closing.
    closed: usize,
}

impl Admin {
    /// The connections of `which`.
    pub(super) fn connections(&self, which: &Which) -> Vec<Arc<Live>> {
        let mut connections = self.shared.live.all();
        connections.retain(|live| which.has(live.connection().test_id()));
        connections
    }

    /// The connection called `id`, if it is of `which`.
    pub(super) fn connection(&self, id: &str, which: &Which) -> Result<Arc<Live>, Problem> {
        let live = self.shared.live.get(id).filter(|live| which.has(live.connection().test_id()));
        live.ok_or_else(|| Problem::not_found("there is no such open connection, or it is of another test"))
    }
}

/// All who keep rooms of these connections, each with one that has its rooms there.
pub(super) fn keepers(connections: &[Arc<Live>]) -> impl Iterator<Item = (&Arc<dyn Rooms>, &Live)> {
    let mut known = HashSet::new();
    let keepers = connections.iter().map(|live| (live.rooms(), &**live));
    keepers.filter(move |(rooms, _)| known.insert(Arc::as_ptr(rooms).cast::<()>().addr()))
}

/// The ids of those who are in `room`.
pub(super) async fn members(connections: &[Arc<Live>], room: &str) -> HashSet<String> {
    let mut members = HashSet::new();
    for (rooms, _) in keepers(connections) {
        members.extend(rooms.members(room).await);
    }
    members
}

/// Sends one message to many, without waiting for anybody.
pub(super) fn send_to<'a>(connections: impl IntoIterator<Item = &'a Arc<Live>>, message: &Message) -> Reached {
    let mut reached = Reached::default();
    for live in connections {
        match live.sender().clone().with_origin(Origin::Admin).try_send(message.clone()) {
            Ok(()) => reached.sent += 1,
            Err(TrySendError::Full(_)) => reached.full += 1,
            Err(TrySendError::Closed) => reached.closed += 1,
        }
    }
    reached
}

/// Sends a message to one.
pub(super) fn send(live: &Live, message: Message) -> Result<(), Problem> {
    live.sender().clone().with_origin(Origin::Admin).try_send(message).map_err(|error| match error {
        TrySendError::Full(_) => Problem::not_now("the client reads too slowly: the connection's queue is full", 1),
        TrySendError::Closed => closing(live),
    })
}

/// Why the connection takes nothing more.
pub(super) fn closing(live: &Live) -> Problem {
    let detail = if live.is_half_open() {
        "the connection was made half-open: nothing is read or sent on it any more; DELETE ends it"
    } else {
        "the connection is closing"
    };
    Problem::new(http::StatusCode::CONFLICT, detail)
}
