//! What ws-ai promises, through its public API.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod augmentation;
mod augmented_replay;
mod evolution;
mod handler;
mod scripted;
mod socket;
mod story;
mod trouble;
mod written;
