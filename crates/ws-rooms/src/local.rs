//! The rooms of this node: who is in them, and what reaches them. It never waits.
//!
//! Two tables say the same thing twice, by connection and by room. Who changes a membership holds the connection's
//! lock, and under it the room's; a broadcast holds the room's alone. So the order is always connection, room,
//! outbound queue, and no two memberships of one connection are changed at the same time: a join that races with the
//! connection's `leave_all` comes wholly before it or wholly after it. After it, the sender of a connection that ended is
//! closed, and the join is refused.
//!
//! One difference between the tables is wanted. A member that a broadcast could not reach any more is taken from its
//! room at once, but the connection's own list keeps the room until the connection leaves it: `on_disconnect` can
//! still say good-bye to all its rooms.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;
use ws_core::{HandlerError, HandlerResult, Message, WsSender};

use crate::members::Members;
use crate::memberships::Memberships;
use crate::slots::Slots;
use crate::stats::Counters;
use crate::{RoomBackend, RoomOptions, RoomStats};

pub(crate) struct Local {
    options: RoomOptions,
    connections: Slots<Memberships>,
    rooms: Slots<Members>,
    /// One permit for each room that may still be made.
    vacancies: Arc<Semaphore>,
    pub(crate) counters: Counters,
    pub(crate) backend: Option<Box<dyn RoomBackend>>,
    /// So that an outage of the backend is logged when it begins and ends, not at each broadcast.
    pub(crate) backend_failing: AtomicBool,
}

impl Local {
    pub(crate) fn new(options: RoomOptions, backend: Option<Box<dyn RoomBackend>>) -> Self {
        Self {
            options,
            connections: Slots::new(),
            rooms: Slots::new(),
            vacancies: Arc::new(Semaphore::new(options.limits.rooms.min(Semaphore::MAX_PERMITS))),
            counters: Counters::default(),
            backend,
            backend_failing: AtomicBool::new(false),
        }
    }

    pub(crate) fn join(&self, connection_id: &str, sender: Option<WsSender>, room: &str) -> HandlerResult<()> {
        let limits = &self.options.limits;
        limits.check_name(room)?;
        self.connections.enter(
            connection_id,
            || Ok(Memberships::default()),
            |connection_id, memberships| {
                if sender.as_ref().is_some_and(WsSender::is_closed) {
                    return Err(HandlerError::RoomError("the connection is closed".into()));
                }
                if !memberships.contains(room) {
                    limits.check_one_more_membership(memberships.len())?;
                }
                let reached_by = sender.clone().or_else(|| memberships.sender());
                let room = self.add_member(connection_id, reached_by, room)?;
                memberships.insert(room);
                if let Some(sender) = sender {
                    self.learn_sender(connection_id, memberships, sender);
                }
                Ok(())
            },
        )
    }

    /// Returns the room's name, to be shared with it.
    fn add_member(&self, connection_id: &Arc<str>, sender: Option<WsSender>, room: &str) -> HandlerResult<Arc<str>> {
        self.rooms.enter(
            room,
            || self.new_room(),
            |room, members| {
                if members.insert(connection_id, sender) {
                    self.tell(|backend| backend.joined(room, connection_id));
                }
                Ok(Arc::clone(room))
            },
        )
    }

    /// From now on the connection can be reached, also in rooms that it joined by its id alone.
    fn learn_sender(&self, connection_id: &str, memberships: &mut Memberships, sender: WsSender) {
        if memberships.set_sender(sender.clone()) {
            for room in memberships.rooms() {
                self.rooms.visit(room, |_, members| members.set_sender(connection_id, &sender));
            }
        }
    }

    fn new_room(&self) -> HandlerResult<Members> {
        let permit = Arc::clone(&self.vacancies).try_acquire_owned();
        permit.map(Members::new).map_err(|_| self.options.limits.too_many_rooms())
    }

    pub(crate) fn leave(&self, connection_id: &str, room: &str) {
        self.connections.visit(connection_id, |connection_id, memberships| {
            if memberships.remove(room) {
                self.remove_member(connection_id, room);
            }
        });
    }

    pub(crate) fn leave_all(&self, connection_id: &str) {
        self.connections.visit(connection_id, |connection_id, memberships| {
            for room in memberships.take_all() {
                self.remove_member(connection_id, &room);
            }
        });
    }

    fn remove_member(&self, connection_id: &str, room: &str) {
        self.rooms.visit(room, |room, members| {
            if members.remove(connection_id) {
                self.tell(|backend| backend.left(room, connection_id));
            }
        });
    }

    /// Sends to the members on this node; returns to how many it went.
    pub(crate) fn deliver(&self, room: &str, message: &Message) -> usize {
        let delivery = self.rooms.visit(room, |room, members| {
            members.send(message, self.options.slow_member, |connection_id| {
                self.tell(|backend| backend.left(room, connection_id));
            })
        });
        let delivery = delivery.unwrap_or_default();
        if delivery.cut > 0 {
            self.counters.cut.fetch_add(delivery.cut, Ordering::Relaxed);
        }
        if delivery.skipped > 0 {
            self.counters.skipped.fetch_add(delivery.skipped, Ordering::Relaxed);
        }
        delivery.sent
    }

    pub(crate) fn members(&self, room: &str) -> Vec<String> {
        self.rooms.visit(room, |_, members| names(members.ids())).unwrap_or_default()
    }

    /// At most `limit` rooms, with how many members they have.
    pub(crate) fn list(&self, limit: usize) -> Vec<(String, usize)> {
        // Rooms are visited when the table is no longer held: one that is gone by then is left out.
        let count =
            |room: Arc<str>| Some((room.to_string(), self.rooms.visit(&room, |_, members| members.ids().count())?));
        self.rooms.names(limit).into_iter().filter_map(count).collect()
    }

    pub(crate) fn rooms_of(&self, connection_id: &str) -> Vec<String> {
        self.connections.visit(connection_id, |_, memberships| names(memberships.rooms())).unwrap_or_default()
    }

    pub(crate) fn stats(&self) -> RoomStats {
        self.counters.read(self.rooms.len(), self.connections.len())
    }

    fn tell(&self, what: impl FnOnce(&dyn RoomBackend)) {
        if let Some(backend) = &self.backend {
            what(&**backend);
        }
    }
}

fn names<'a>(shared: impl Iterator<Item = &'a Arc<str>>) -> Vec<String> {
    shared.map(|name| String::from(&**name)).collect()
}
