//! The load generator: raw TCP with just enough of RFC 6455 for a client, on one thread and one epoll loop.
//!
//! It has to be cheaper than any server it measures, or the figures would be its own. It checks every byte that comes
//! back: a wrong payload, order or count ends the bench. It never shares code with the servers.

mod broadcast;
mod connect;
mod crowd;
mod dialog;
mod echo;
mod fleet;
mod frame;
mod handshake;
mod idle;
mod many_rooms;
mod open_loop;
mod payload;
mod ping;
mod replay;
mod rules;
mod window;

pub(crate) use self::{
    broadcast::Broadcast,
    connect::Connect,
    crowd::{Crowd, Gone},
    echo::Echo,
    idle::Idle,
    many_rooms::ManyRooms,
    open_loop::OpenLoop,
    ping::Ping,
    replay::Replay,
    rules::{RuleKind, Rules},
    window::{Timing, Traffic},
};

#[cfg(test)]
pub(crate) use self::window::RoundTrip;

use std::time::Duration;

/// Where every server returns each message unchanged.
const ECHO: &str = "/ws/echo";
/// Where each ping in JSON is answered with its pong.
const JSON: &str = "/ws/json";
/// Where a file is played to every connection.
const REPLAY: &str = "/ws/replay";
/// Where a connection is a member of some of many rooms; see [`ManyRooms`].
const ROOMS: &str = "/ws/rooms";
/// Where every connection is a member of one room, and each message goes to all of them, the sender included.
const ROOM: &str = "/ws/room";

/// How long a server may leave the load without any byte before the run counts as hung.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
