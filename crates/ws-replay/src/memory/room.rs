//! What rooms remember, for all connections of one server.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Kept;

/// What rooms remember: the values that rules and scripts keep for a room (`set_room`), for all connections that are given the
/// same memory. Clones share it.
///
/// It is bounded: 1,024 rooms, with 256 KiB each, and 1 MiB for all their names. When there are more, those that nobody has
/// looked at for longest are forgotten.
#[derive(Clone, Default)]
pub struct RoomMemory(Arc<Mutex<Rooms>>);

#[derive(Default)]
struct Rooms {
    by_name: HashMap<String, (u64, Room)>,
    /// The length of all names.
    name_bytes: usize,
    /// Counts the looks.
    looks: u64,
}

/// One room's memory; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Mutex<Kept>>);

impl RoomMemory {
    /// Clients may choose the names.
    const MOST_ROOMS: usize = 1024;
    /// A single name may be longer, and is then the only one.
    const MOST_NAME_BYTES: usize = 1024 * 1024;
    /// How much one may hold, as [`Kept`] weighs it.
    const MOST_BYTES: usize = 256 * 1024;

    /// The memory of a room. Who keeps it may be left with one that is forgotten; so ask again for each message.
    pub(crate) fn room(&self, name: &str) -> Room {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.looks += 1;
        let now = rooms.looks;
        if let Some((looked_at, room)) = rooms.by_name.get_mut(name) {
            *looked_at = now;
            return room.clone();
        }
        while rooms.by_name.len() >= Self::MOST_ROOMS || rooms.name_bytes + name.len() > Self::MOST_NAME_BYTES {
            let forgotten = rooms.by_name.iter().min_by_key(|(_, (looked_at, _))| *looked_at);
            let Some(forgotten) = forgotten.map(|(name, _)| name.clone()) else { break };
            rooms.by_name.remove(&forgotten);
            rooms.name_bytes -= forgotten.len();
        }
        rooms.name_bytes += name.len();
        let room = Room(Arc::new(Mutex::new(Kept::up_to(Self::MOST_BYTES))));
        rooms.by_name.insert(name.to_owned(), (now, room.clone()));
        room
    }
}

impl Room {
    /// Its values, for as long as the guard lives; so what is read and then set is one change. Not to be held across an
    /// await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows none of what is remembered.
impl fmt::Debug for RoomMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomMemory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rooms_are_shared_and_apart() {
        let memory = RoomMemory::default();
        let shared = memory.clone();
        shared.room("a").lock().set("n", json!(1)).unwrap();
        assert_eq!(memory.room("a").lock().as_value(), &json!({"n": 1}));
        assert_eq!(memory.room("b").lock().as_value(), &json!({}));
    }

    #[test]
    fn the_room_that_nobody_looked_at_is_forgotten() {
        let memory = RoomMemory::default();
        for n in 0..RoomMemory::MOST_ROOMS {
            memory.room(&n.to_string()).lock().set("n", json!(n)).unwrap();
        }
        memory.room("0");
        memory.room("one more");
        assert_eq!(memory.room("0").lock().as_value(), &json!({"n": 0}));
        assert_eq!(memory.room("2").lock().as_value(), &json!({"n": 2}));
        assert_eq!(memory.room("1").lock().as_value(), &json!({}));
    }

    /// A client that makes up names does not fill the memory.
    #[test]
    fn long_names_push_others_out() {
        let memory = RoomMemory::default();
        let name = |n: usize| format!("{n}{}", "x".repeat(RoomMemory::MOST_NAME_BYTES / 4));
        for n in 0..9 {
            memory.room(&name(n)).lock().set("n", json!(n)).unwrap();
        }
        assert_eq!(memory.0.lock().unwrap().by_name.len(), 3);
        assert_eq!(memory.room(&name(8)).lock().as_value(), &json!({"n": 8}));
        let longest = "y".repeat(2 * RoomMemory::MOST_NAME_BYTES);
        memory.room(&longest).lock().set("n", json!(1)).unwrap();
        assert_eq!(memory.room(&longest).lock().as_value(), &json!({"n": 1}));
        memory.room("short");
        let rooms = memory.0.lock().unwrap();
        assert_eq!((rooms.by_name.len(), rooms.name_bytes), (1, 5));
    }
}
