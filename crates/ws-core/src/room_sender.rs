//! A connection's way to rooms, for work that outlives a handler's call.

use std::sync::Arc;

use crate::{Connection, HandlerResult, Message, Rooms, WsSender};

/// A handle by which a connection joins, leaves and sends to rooms; it outlives the call of the handler that asked for it.
#[repr(C)] // the sender, which each message needs, behind the rest
#[derive(Clone)]
pub struct RoomSender {
    connection: Arc<Connection>,
    rooms: Arc<dyn Rooms>,
    sender: WsSender,
}

impl RoomSender {
    pub(crate) fn new(connection: Arc<Connection>, sender: WsSender, rooms: Arc<dyn Rooms>) -> Self {
        Self { connection, sender, rooms }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The way to the connection's own client.
    pub(crate) fn sender(&self) -> &WsSender {
        &self.sender
    }

    /// Makes the connection a member of `room`. It leaves by itself when it ends.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`](crate::HandlerError::RoomError) if the room cannot be joined.
    pub async fn join(&self, room: &str) -> HandlerResult<()> {
        self.rooms.join(self.connection.id(), &self.sender, room).await
    }

    /// Leaves `room`, if the connection is in it.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`](crate::HandlerError::RoomError) if the room cannot be left.
    pub async fn leave(&self, room: &str) -> HandlerResult<()> {
        self.rooms.leave(self.connection.id(), room).await
    }

    /// Sends to every member of `room`, this connection included if it is one. An empty or unknown room is no error.
    ///
    /// It does not wait for slow members. But when this connection's own queue is half full it waits for that, and a loop
    /// of broadcasts lets other connections have their turn, so that a burst of thousands cuts nobody who reads.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`](crate::HandlerError::RoomError) if the room cannot be reached.
    pub async fn broadcast(&self, room: &str, message: Message) -> HandlerResult<()> {
        self.sender.may_broadcast().await;
        self.rooms.broadcast(room, message).await.map(drop)
    }

    /// The rooms that the connection is in, in the order in which it joined them.
    pub async fn rooms(&self) -> Vec<String> {
        self.rooms.rooms_of(self.connection.id()).await
    }

    /// The rooms themselves.
    #[must_use]
    pub fn all_rooms(&self) -> &Arc<dyn Rooms> {
        &self.rooms
    }
}

impl std::fmt::Debug for RoomSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoomSender").field("connection", &self.connection.id()).finish_non_exhaustive()
    }
}
