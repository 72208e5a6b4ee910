//! What a replay script does, tested without a socket and without waiting: decisions in simulated time, and the handler
//! on tokio's paused clock.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod book;
mod branching;
mod client_parts;
mod closing;
mod determinism;
mod documentation;
mod entry;
mod files;
mod flow;
mod graph;
mod handler;
mod har;
mod hostile;
mod interlude;
mod learning;
mod marks;
mod placed;
mod problems;
mod recording;
mod reload;
mod rules;
mod rules_beside_scripts;
mod rules_documentation;
mod rules_problems;
mod schedule;
mod simulation;
mod templates;
mod waits;
