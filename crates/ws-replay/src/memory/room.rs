//! What rooms remember, for all connections of one server.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Kept;

/// What rooms remember: the values that rules and scripts keep for a room (`set_room`), for all connections that are given the
/// same memory. Clones share it.
///
/// It is bounded: 1,024 rooms, with 256 KiB each. When there are more, the one that nobody has looked at for longest is
/// forgotten.
#[derive(Clone, Default)]
pub struct RoomMemory(Arc<Mutex<Rooms>>);

#[derive(Default)]
struct Rooms {
    by_name: HashMap<String, (u64, Room)>,
    /// Counts the looks.
    looks: u64,
}

/// One room's memory; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Mutex<Kept>>);

impl RoomMemory {
    /// Clients may choose the names.
    const MOST_ROOMS: usize = 1024;
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
        if rooms.by_name.len() >= Self::MOST_ROOMS {
            let forgotten = rooms.by_name.iter().min_by_key(|(_, (looked_at, _))| *looked_at);
            if let Some(name) = forgotten.map(|(name, _)| name.clone()) {
                rooms.by_name.remove(&name);
            }
        }
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
}
