//! What a room manager allows, and what it does with members that read too slowly.

use ws_core::{HandlerError, HandlerResult, WhenFull};

/// How a room manager behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoomOptions {
    /// How much it holds at most.
    pub limits: RoomLimits,
    /// What becomes of a member whose outbound queue is full when something is broadcast. By default it is cut, so that
    /// it knows that it missed something.
    pub slow_member: WhenFull,
}

/// How much a room manager holds at most. Room names often come from clients, so all three bound what clients can make
/// a server keep; what goes over a limit is an error for the handler that joins, and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomLimits {
    /// The longest room name in bytes.
    pub name_bytes: usize,
    /// The most rooms that one connection is in at the same time.
    pub rooms_per_connection: usize,
    /// The most rooms at the same time.
    pub rooms: usize,
}

impl Default for RoomLimits {
    /// Names of 256 bytes, 256 rooms for a connection, 100,000 rooms.
    fn default() -> Self {
        Self { name_bytes: 256, rooms_per_connection: 256, rooms: 100_000 }
    }
}

impl RoomLimits {
    pub(crate) fn check_name(&self, room: &str) -> HandlerResult<()> {
        if room.len() > self.name_bytes {
            // The name itself stays out of the message: it may be huge.
            return Err(HandlerError::RoomError(format!(
                "the room name has {} bytes: at most {} are allowed",
                room.len(),
                self.name_bytes
            )));
        }
        Ok(())
    }

    pub(crate) fn check_one_more_membership(&self, count: usize) -> HandlerResult<()> {
        if count >= self.rooms_per_connection {
            return Err(HandlerError::RoomError(format!(
                "the connection is in {count} rooms: at most {} are allowed",
                self.rooms_per_connection
            )));
        }
        Ok(())
    }

    pub(crate) fn too_many_rooms(&self) -> HandlerError {
        HandlerError::RoomError(format!("there are {} rooms already: no more are allowed", self.rooms))
    }
}
