//! Who is with whom: rooms of WebSocket connections and their broadcasts.
//!
//! Handlers reach rooms through their context (`ctx.join_room(..)`); a server hands its [`RoomManager`] to the
//! sessions, which leave all rooms when a connection ends. Several servers can share their rooms through a
//! [`RoomBackend`].
//!
//! A broadcast never waits: what a member's queue does not take is settled at once, by
//! [`RoomOptions::slow_member`]. Nothing here opens a socket or starts a task, and no lock is held across an await.

mod backend;
mod broadcaster;
mod local;
mod manager;
mod members;
mod memberships;
mod options;
mod slots;
mod stats;

pub use backend::{LocalMembers, RoomBackend};
pub use broadcaster::RoomBroadcaster;
pub use manager::RoomManager;
pub use options::{RoomLimits, RoomOptions};
pub use stats::RoomStats;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
