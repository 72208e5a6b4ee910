//! What a room manager holds and has counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a room manager holds now and has counted so far, on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RoomStats {
    /// Rooms that have a member here.
    pub rooms: usize,
    /// Connections that are in a room.
    pub connections: usize,
    /// Connections that were cut because they read too slowly ([`WhenFull::Cut`](ws_core::WhenFull::Cut)).
    pub cut: u64,
    /// Messages that slow members missed ([`WhenFull::Skip`](ws_core::WhenFull::Skip)).
    pub skipped: u64,
    /// Calls of the [`RoomBackend`](crate::RoomBackend) that failed; each reached local members only.
    pub backend_failures: u64,
}

/// The counted half of [`RoomStats`].
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) cut: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) backend_failures: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self, rooms: usize, connections: usize) -> RoomStats {
        RoomStats {
            rooms,
            connections,
            cut: self.cut.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            backend_failures: self.backend_failures.load(Ordering::Relaxed),
        }
    }
}
