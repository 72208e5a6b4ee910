//! A connection's way to rooms, for work that outlives a handler's call.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use crate::{Connection, HandlerResult, Message, Rooms, WsSender};

/// How many broadcasts are made before other connections get their turn.
const BROADCASTS_A_TURN: u32 = 128;

/// A handle by which a connection joins, leaves and sends to rooms; it outlives the call of the handler that asked for it.
#[repr(C)] // the sender, which each message needs, behind the rest
pub struct RoomSender {
    connection: Arc<Connection>,
    rooms: Arc<dyn Rooms>,
    /// Since others had their turn.
    broadcasts: AtomicU32,
    /// The session's turn of the last broadcast, where all are made in its turns: between two of these, others have theirs.
    turn: Option<AtomicU32>,
    sender: WsSender,
}

impl RoomSender {
    /// For a session's handlers: what is given out to them is a clone.
    pub(crate) fn new(connection: Arc<Connection>, sender: WsSender, rooms: Arc<dyn Rooms>) -> Self {
        Self { connection, sender, rooms, broadcasts: AtomicU32::new(0), turn: Some(AtomicU32::new(0)) }
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
        let turn = self.sender.relaxed().await;
        if self.turn.as_ref().is_some_and(|last| last.swap(turn, Ordering::Relaxed) != turn) {
            self.broadcasts.store(0, Ordering::Relaxed);
        }
        if self.broadcasts.fetch_add(1, Ordering::Relaxed) >= BROADCASTS_A_TURN {
            self.broadcasts.store(1, Ordering::Relaxed);
            yield_now().await;
        }
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

/// A clone may broadcast from any task: in whose loop the turns of the session give nobody else a turn.
impl Clone for RoomSender {
    fn clone(&self) -> Self {
        let (connection, rooms) = (Arc::clone(&self.connection), Arc::clone(&self.rooms));
        Self { connection, sender: self.sender.clone(), rooms, broadcasts: AtomicU32::new(0), turn: None }
    }
}

impl std::fmt::Debug for RoomSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoomSender").field("connection", &self.connection.id()).finish_non_exhaustive()
    }
}

/// Lets the other tasks of this thread run.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::engine::outbound_queue;
    use crate::{Extensions, Handshake, NoRooms, QueueLimits};

    /// How often others get their turn until `work` is done.
    fn turns_of_others(work: impl Future<Output = ()>) -> usize {
        let (mut work, mut turns) = (pin!(work), 0);
        while work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            turns += 1;
        }
        turns
    }

    async fn broadcast(rooms: &RoomSender, count: u32) {
        for _ in 0..count {
            // There are no rooms, which shows afterwards.
            let _ = rooms.broadcast("room", Message::text("hello")).await;
        }
    }

    #[test]
    fn others_get_their_turn_behind_many_broadcasts_but_not_amid_a_burst() {
        let (sender, mut queue) = outbound_queue(QueueLimits::default());
        let handshake = Handshake::new("/ws", Default::default(), None);
        let connection = Arc::new(Connection::new(handshake, None, Extensions::default()));
        let of_session = RoomSender::new(connection, sender, Arc::new(NoRooms));
        let given_out = of_session.clone();
        let mut next_turn = || queue.awake(&Context::from_waker(Waker::noop()));

        for burst in [BROADCASTS_A_TURN, BROADCASTS_A_TURN / 2, BROADCASTS_A_TURN] {
            next_turn();
            assert_eq!(turns_of_others(broadcast(&of_session, burst)), 0, "others have theirs behind the burst");
        }
        assert_eq!(turns_of_others(broadcast(&of_session, 2 * BROADCASTS_A_TURN)), 2, "no next turn has come");

        // Another task's loop, in whose course the session has turns.
        let loops = async {
            for _ in 0..BROADCASTS_A_TURN {
                next_turn();
                broadcast(&given_out, 4).await;
            }
        };
        assert_eq!(turns_of_others(loops), 3);
    }
}
