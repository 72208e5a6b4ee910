//! The generator against servers that it shares no code with, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod broadcast;
mod crowds;
mod endings;
mod hostile;
mod report;
mod server;
mod stall;
mod tls;
mod z02;
