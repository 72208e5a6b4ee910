//! The room keeper that servers and tests use.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use ws_core::{HandlerResult, Message, Origin, Rooms, WsSender};

use crate::local::Local;
use crate::{LocalMembers, RoomBackend, RoomBroadcaster, RoomOptions, RoomStats};

/// Groups connections into rooms and sends to all members of a room at once. Clones share the same rooms.
///
/// A room exists while it has a member. All members on one node get the broadcasts of their room in the same order,
/// and those of one sender in the order in which it sent them. A member whose queue is full when something is
/// broadcast is cut or skipped ([`RoomOptions::slow_member`]); one whose connection is closed is a member no longer.
///
/// Handlers join by [`WsContext::join_room`](ws_core::WsContext::join_room), which tells how the connection is reached
/// (the [`Rooms`] trait). [`join`](Self::join) here knows the id alone.
///
/// ```
/// use tokio::sync::mpsc;
/// use ws_core::{Message, WsContext};
/// use ws_rooms::RoomManager;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> ws_core::HandlerResult<()> {
/// let rooms = RoomManager::new();
/// let (tx, mut rx) = mpsc::unbounded_channel::<Message>();
/// let ctx = WsContext::new("c1", "/ws", rooms.clone(), tx);
///
/// ctx.join_room("lobby").await?;
/// assert_eq!(rooms.get_broadcaster("lobby").await.broadcast("hi").await, 1);
/// assert_eq!(rx.recv().await, Some(Message::text("hi")));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RoomManager {
    local: Arc<Local>,
}

impl RoomManager {
    /// No rooms yet, with the default options.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(RoomOptions::default())
    }

    /// No rooms yet, with other limits or another policy for slow members.
    #[must_use]
    pub fn with_options(options: RoomOptions) -> Self {
        Self { local: Arc::new(Local::new(options, None)) }
    }

    /// Rooms that are shared with other nodes. `make` gets what the backend needs to deliver what other nodes publish.
    pub fn with_backend<B: RoomBackend + 'static>(options: RoomOptions, make: impl FnOnce(LocalMembers) -> B) -> Self {
        let local = Arc::new_cyclic(|local| {
            let backend = make(LocalMembers::new(local.clone()));
            Local::new(options, Some(Box::new(backend)))
        });
        Self { local }
    }

    /// Makes a connection a member of `room` by its id alone. It is listed and counted, but nothing reaches it unless
    /// it is, or comes to be, in a room that it joined through its context.
    ///
    /// # Errors
    /// [`HandlerError::RoomError`](ws_core::HandlerError::RoomError) beyond a limit of
    /// [`RoomLimits`](crate::RoomLimits).
    pub async fn join(&self, connection_id: &str, room: &str) -> HandlerResult<()> {
        self.local.join(connection_id, None, room)
    }

    /// Ends the membership, if there is one.
    ///
    /// # Errors
    /// None at present.
    pub async fn leave(&self, connection_id: &str, room: &str) -> HandlerResult<()> {
        self.local.leave(connection_id, room);
        Ok(())
    }

    /// Ends all memberships of a connection. Sessions do this by themselves when the connection ends.
    ///
    /// # Errors
    /// None at present.
    pub async fn leave_all(&self, connection_id: &str) -> HandlerResult<()> {
        self.local.leave_all(connection_id);
        Ok(())
    }

    /// The ids of the room's members, on all nodes and in no order.
    pub async fn get_room_members(&self, room: &str) -> Vec<String> {
        let mut members = self.local.members(room);
        if let Some(backend) = &self.local.backend {
            members.append(&mut self.or_local_only(backend.members(room).await));
        }
        members
    }

    /// The rooms of a connection of this node, in the order in which it joined them.
    pub async fn get_connection_rooms(&self, connection_id: &str) -> Vec<String> {
        self.local.rooms_of(connection_id)
    }

    /// A handle that sends to `room`, which need not exist.
    pub async fn get_broadcaster(&self, room: &str) -> RoomBroadcaster {
        RoomBroadcaster::new(self.clone(), room)
    }

    /// What this node holds now and has counted so far.
    #[must_use]
    pub fn stats(&self) -> RoomStats {
        self.local.stats()
    }

    /// Sends data, or a control frame that was checked.
    pub(crate) async fn send(&self, room: &str, message: &Message) -> usize {
        let mut reached = self.local.deliver(room, message);
        if let Some(backend) = &self.local.backend {
            reached += self.or_local_only(backend.publish(room, message).await);
        }
        reached
    }

    /// What a backend answered, or nothing if it failed.
    fn or_local_only<T: Default>(&self, answer: HandlerResult<T>) -> T {
        let failed = answer.is_err();
        let failed_before = self.local.backend_failing.swap(failed, Ordering::Relaxed);
        match answer {
            Ok(answer) => {
                if failed_before {
                    tracing::info!("the room backend works again: all nodes are reached");
                }
                answer
            }
            Err(error) => {
                self.local.counters.backend_failures.fetch_add(1, Ordering::Relaxed);
                if !failed_before {
                    tracing::warn!(%error, "the room backend fails: only members on this node are reached");
                }
                T::default()
            }
        }
    }
}

impl Default for RoomManager {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RoomManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomManager").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Rooms for RoomManager {
    async fn join(&self, connection_id: &str, sender: &WsSender, room: &str) -> HandlerResult<()> {
        self.local.join(connection_id, Some(sender.clone().with_origin(Origin::Room)), room)
    }

    async fn leave(&self, connection_id: &str, room: &str) -> HandlerResult<()> {
        self.local.leave(connection_id, room);
        Ok(())
    }

    async fn leave_all(&self, connection_id: &str) -> HandlerResult<()> {
        self.local.leave_all(connection_id);
        Ok(())
    }

    async fn broadcast(&self, room: &str, message: Message) -> HandlerResult<usize> {
        message.check_control()?;
        Ok(self.send(room, &message).await)
    }

    async fn members(&self, room: &str) -> Vec<String> {
        self.get_room_members(room).await
    }

    async fn rooms_of(&self, connection_id: &str) -> Vec<String> {
        self.local.rooms_of(connection_id)
    }

    /// Those that have members on this node, and these.
    async fn list(&self, limit: usize) -> Option<Vec<(String, usize)>> {
        Some(self.local.list(limit))
    }
}
