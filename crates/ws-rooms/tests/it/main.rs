//! Rooms as servers use them: through `RoomManager`, with outbound queues instead of sockets.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod backend;
mod client;
mod contexts;
mod fan_out;
mod limits;
mod manager;
mod model;
mod races;
