//! Conditions as servers use them: written, compiled, asked.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod any;
mod asking;
mod config_errors;
mod config_shapes;
mod handshakes;
mod injector;
mod latency;
mod messages;
mod moments;
mod never_panics;
mod paces;
mod presets;
mod rate_limits;
#[cfg(feature = "schema")]
mod schemas;
mod seeds;
mod triggers;
