//! A server as its clients see it: over real sockets on a loopback port of its own for each test.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod eventually;
mod handlers;
mod handshake;
mod hooks;
mod journal;
mod lifecycle;
mod panics;
mod programmed;
mod protocol;
mod raw_client;
mod reload;
mod rooms;
mod routing;
mod scrape;
mod serving;
mod spawned;
