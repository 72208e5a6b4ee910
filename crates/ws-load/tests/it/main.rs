//! The generator against servers that it shares no code with, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod arrivals;
mod broadcast;
mod crowds;
mod endings;
mod generator;
mod handshake;
mod hostile;
mod pace;
mod report;
mod server;
mod sessions;
mod stall;
mod tls;
mod wire;
mod z02;
