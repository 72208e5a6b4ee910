//! What a room keeper must do. `ws-rooms` is the one that servers use.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{HandlerError, HandlerResult, Message, WsSender};

/// Who is with whom: groups of connections that can be sent to at once.
#[async_trait]
pub trait Rooms: Send + Sync {
    /// Makes the connection a member of `room`; what is broadcast there goes to `sender`. Joining twice changes nothing.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`] if the room cannot be joined.
    async fn join(&self, connection_id: &str, sender: &WsSender, room: &str) -> HandlerResult<()>;

    /// Ends the membership, if there is one.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`] if the room cannot be left.
    async fn leave(&self, connection_id: &str, room: &str) -> HandlerResult<()>;

    /// Ends all memberships of a connection. The session does this when the connection ends.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`] if a room cannot be left.
    async fn leave_all(&self, connection_id: &str) -> HandlerResult<()>;

    /// Sends to every member of `room`, the sender included if it is one, without waiting for slow ones. Returns to how
    /// many it went; an empty or unknown room is no error.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`] if the room cannot be reached.
    async fn broadcast(&self, room: &str, message: Message) -> HandlerResult<usize>;

    /// The ids of the room's members, in no order.
    async fn members(&self, room: &str) -> Vec<String>;

    /// The rooms that the connection is in, in the order in which it joined them.
    async fn rooms_of(&self, connection_id: &str) -> Vec<String>;

    /// Rooms that have members, at most `limit` of them in no order, each with how many those are; none, if this keeper cannot
    /// list them.
    async fn list(&self, limit: usize) -> Option<Vec<(String, usize)>> {
        let _ = limit;
        None
    }
}

#[async_trait]
impl<R: Rooms + ?Sized> Rooms for Arc<R> {
    async fn join(&self, connection_id: &str, sender: &WsSender, room: &str) -> HandlerResult<()> {
        (**self).join(connection_id, sender, room).await
    }

    async fn leave(&self, connection_id: &str, room: &str) -> HandlerResult<()> {
        (**self).leave(connection_id, room).await
    }

    async fn leave_all(&self, connection_id: &str) -> HandlerResult<()> {
        (**self).leave_all(connection_id).await
    }

    async fn broadcast(&self, room: &str, message: Message) -> HandlerResult<usize> {
        (**self).broadcast(room, message).await
    }

    async fn members(&self, room: &str) -> Vec<String> {
        (**self).members(room).await
    }

    async fn rooms_of(&self, connection_id: &str) -> Vec<String> {
        (**self).rooms_of(connection_id).await
    }

    async fn list(&self, limit: usize) -> Option<Vec<(String, usize)>> {
        (**self).list(limit).await
    }
}

/// No rooms: joining and broadcasting are errors that say so; there is nothing to leave.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRooms;

impl NoRooms {
    fn error<T>(self) -> HandlerResult<T> {
        Err(HandlerError::RoomError("this server has no rooms".into()))
    }
}

#[async_trait]
impl Rooms for NoRooms {
    async fn join(&self, _: &str, _: &WsSender, _: &str) -> HandlerResult<()> {
        self.error()
    }

    async fn leave(&self, _: &str, _: &str) -> HandlerResult<()> {
        Ok(())
    }

    async fn leave_all(&self, _: &str) -> HandlerResult<()> {
        Ok(())
    }

    async fn broadcast(&self, _: &str, _: Message) -> HandlerResult<usize> {
        self.error()
    }

    async fn members(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    async fn rooms_of(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}
