//! The rooms of one connection.

use std::sync::Arc;

use indexmap::IndexSet;
use ws_core::WsSender;

use crate::slots::Content;

/// The rooms that one connection has joined.
#[derive(Default)]
pub(crate) struct Memberships {
    sender: Option<WsSender>,
    /// In the order of joining.
    rooms: IndexSet<Arc<str>>,
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
        self.rooms.contains(room)
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(crate) fn insert(&mut self, room: Arc<str>) {
        self.rooms.insert(room);
    }

    /// Removes a room; says whether it was there.
    pub(crate) fn remove(&mut self, room: &str) -> bool {
        self.rooms.shift_remove(room)
    }

    pub(crate) fn take_all(&mut self) -> IndexSet<Arc<str>> {
        std::mem::take(&mut self.rooms)
    }

    /// The rooms in the order of joining.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rooms.iter()
    }
}

impl Content for Memberships {
    fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }
}
