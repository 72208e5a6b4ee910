//! What the crate promises, tested through its public API.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod closing;
mod differential;
mod heard;
mod large;
mod pieces;
mod pings;
mod rules;
mod shared;
