//! The seam to other nodes, behind which a cluster can be put without a change above it.
//!
//! One node is the normal case, and it has no backend at all.

use std::fmt;
use std::sync::Weak;

use async_trait::async_trait;
use ws_core::{HandlerResult, Message};

use crate::local::Local;

/// Connects the rooms of this node with those of others.
///
/// A [`RoomManager`](crate::RoomManager) serves its own members by itself and asks the backend for the rest. When the
/// backend fails, the error is counted and logged once, and local members are served as before.
///
/// [`joined`](Self::joined) and [`left`](Self::left) come in the order in which memberships changed, for which they are
/// called under the room's lock: they note what happened and return. They must not block or call the room manager. A
/// lock that they take must not be held during [`LocalMembers::deliver`], which takes the room's lock, too.
#[async_trait]
pub trait RoomBackend: Send + Sync {
    /// A connection of this node became a member of `room`.
    fn joined(&self, room: &str, connection_id: &str);

    /// A connection of this node is a member of `room` no longer.
    fn left(&self, room: &str, connection_id: &str);

    /// Hands a message to the other nodes, whose backends give it to their [`LocalMembers`]. Returns to how many remote
    /// members it went, or 0 if that is not known. The broadcast waits for it, so it must bound its time itself.
    ///
    /// # Errors
    /// Any error, if the other nodes are not reached.
    async fn publish(&self, room: &str, message: &Message) -> HandlerResult<usize>;

    /// The ids of the members of `room` on other nodes.
    ///
    /// # Errors
    /// Any error, if they are not known.
    async fn members(&self, room: &str) -> HandlerResult<Vec<String>>;
}

/// The members on this node, in the hands of a [`RoomBackend`].
///
/// It does not keep the room manager alive.
#[derive(Clone)]
pub struct LocalMembers(Weak<Local>);

impl LocalMembers {
    pub(crate) fn new(local: Weak<Local>) -> Self {
        Self(local)
    }

    /// Sends a message that another node published to the members of `room` on this node, and never back to the
    /// backend. Returns to how many it went; 0 if the room manager is gone.
    pub fn deliver(&self, room: &str, message: &Message) -> usize {
        self.0.upgrade().map_or(0, |local| local.deliver(room, message))
    }
}

impl fmt::Debug for LocalMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalMembers").finish_non_exhaustive()
    }
}
