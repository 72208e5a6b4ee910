//! Rooms for each realm: those of one are none of another's.

use std::sync::Arc;

use async_trait::async_trait;
use ws_core::{HandlerResult, Message, Rooms, WsSender};
use ws_rooms::{RoomManager, RoomOptions};

use super::TestId;

/// Where the rooms of realms come from.
pub(crate) enum RoomSource {
    /// Each realm has rooms of its own, with these options.
    Own(RoomOptions),
    /// Somebody else keeps all rooms; those of a test have its id before their names there.
    Given(Arc<dyn Rooms>),
}

impl RoomSource {
    /// Rooms for a test, or for the connections of none.
    pub(super) fn rooms(&self, test: Option<&TestId>) -> Arc<dyn Rooms> {
        match (self, test) {
            (Self::Own(options), _) => Arc::new(RoomManager::with_options(*options)),
            (Self::Given(rooms), None) => Arc::clone(rooms),
            (Self::Given(rooms), Some(id)) => {
                Arc::new(Prefixed { rooms: Arc::clone(rooms), prefix: format!("test {id}: ") })
            }
        }
    }
}

/// Those of somebody's rooms whose names begin with a prefix, which is not seen from here.
struct Prefixed {
    rooms: Arc<dyn Rooms>,
    prefix: String,
}

impl Prefixed {
    fn full(&self, room: &str) -> String {
        format!("{}{room}", self.prefix)
    }

    fn own(&self, room: &str) -> Option<String> {
        room.strip_prefix(&self.prefix).map(str::to_owned)
    }
}

#[async_trait]
impl Rooms for Prefixed {
    async fn join(&self, connection_id: &str, sender: &WsSender, room: &str) -> HandlerResult<()> {
        self.rooms.join(connection_id, sender, &self.full(room)).await
    }

    async fn leave(&self, connection_id: &str, room: &str) -> HandlerResult<()> {
        self.rooms.leave(connection_id, &self.full(room)).await
    }

    async fn leave_all(&self, connection_id: &str) -> HandlerResult<()> {
        self.rooms.leave_all(connection_id).await
    }

    async fn broadcast(&self, room: &str, message: Message) -> HandlerResult<usize> {
        self.rooms.broadcast(&self.full(room), message).await
    }

    async fn members(&self, room: &str) -> Vec<String> {
        self.rooms.members(&self.full(room)).await
    }

    async fn rooms_of(&self, connection_id: &str) -> Vec<String> {
        self.rooms.rooms_of(connection_id).await.iter().filter_map(|room| self.own(room)).collect()
    }

    async fn list(&self, limit: usize) -> Option<Vec<(String, usize)>> {
        let all = self.rooms.list(usize::MAX).await?;
        let own = all.into_iter().filter_map(|(room, members)| Some((self.own(&room)?, members)));
        Some(own.take(limit).collect())
    }
}
