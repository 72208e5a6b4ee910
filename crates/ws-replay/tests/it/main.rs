//! What a replay script does, tested without a socket and without waiting: decisions in simulated time, and the handler
//! on tokio's paused clock.

mod closing;
mod determinism;
mod entry;
mod files;
mod handler;
mod hostile;
mod problems;
mod schedule;
mod simulation;
mod templates;
mod waits;
