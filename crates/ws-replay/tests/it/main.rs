//! What a replay script does, tested without a socket and without waiting: decisions in simulated time, and the handler
//! on tokio's paused clock.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod closing;
mod determinism;
mod documentation;
mod entry;
mod files;
mod handler;
mod hostile;
mod marks;
mod problems;
mod recording;
mod schedule;
mod simulation;
mod templates;
mod waits;
