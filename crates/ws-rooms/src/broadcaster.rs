//! A handle that sends to one room.

use std::fmt;
use std::sync::Arc;

use bytestring::ByteString;
use ws_core::{HandlerResult, Message};

use crate::RoomManager;

/// Sends to the members that a room has at that moment. Clones are cheap.
///
/// It is no membership: it neither makes the room nor keeps it.
#[derive(Clone)]
pub struct RoomBroadcaster {
    manager: RoomManager,
    room: Arc<str>,
}

impl RoomBroadcaster {
    pub(crate) fn new(manager: RoomManager, room: &str) -> Self {
        Self { manager, room: Arc::from(room) }
    }

    /// The name of the room.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.room
    }

    /// Sends text to every member, without waiting for slow ones. Returns to how many it went.
    pub async fn broadcast(&self, text: impl Into<ByteString>) -> usize {
        self.manager.send(&self.room, &Message::Text(text.into())).await
    }

    /// Sends a message of any kind to every member, without waiting for slow ones. Returns to how many it went.
    ///
    /// # Errors
    /// [`HandlerError::ConnectionError`](ws_core::HandlerError::ConnectionError) for a control frame that may not be
    /// sent (see [`Message::check_control`]).
    pub async fn send(&self, message: Message) -> HandlerResult<usize> {
        message.check_control()?;
        Ok(self.manager.send(&self.room, &message).await)
    }
}

impl fmt::Debug for RoomBroadcaster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomBroadcaster").field("room", &self.room).finish_non_exhaustive()
    }
}
