//! The rooms of one connection.

use std::collections::HashMap;
use std::sync::Arc;

use ws_core::WsSender;

use crate::slots::Content;

/// The rooms that one connection has joined.
#[derive(Default)]
pub(crate) struct Memberships {
    sender: Option<WsSender>,
    /// Each room with its place in the order of joining.
    rooms: HashMap<Arc<str>, u64>,
    joins: u64,
}

impl Memberships {
    pub(crate) fn sender(&self) -> Option<WsSender> {
        self.sender.clone()
    }

    /// Remembers how the connection is reached; says whether that was unknown before.
    pub(crate) fn set_sender(&mut self, sender: WsSender) -> bool {
        self.sender.replace(sender).is_none()
    }

    pub(crate) fn contains(&self, room: &str) -> bool {
        self.rooms.contains_key(room)
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(crate) fn insert(&mut self, room: Arc<str>) {
        if !self.contains(&room) {
            self.rooms.insert(room, self.joins);
            self.joins += 1;
        }
    }

    /// Removes a room; says whether it was there.
    pub(crate) fn remove(&mut self, room: &str) -> bool {
        self.rooms.remove(room).is_some()
    }

    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Arc<str>> + use<> {
        std::mem::take(&mut self.rooms).into_keys()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rooms.keys()
    }

    /// The names of the rooms in the order in which they were joined.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut rooms: Vec<_> = self.rooms.iter().collect();
        rooms.sort_unstable_by_key(|(_, joined)| **joined);
        rooms.into_iter().map(|(name, _)| String::from(&**name)).collect()
    }
}

impl Content for Memberships {
    fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }
}
