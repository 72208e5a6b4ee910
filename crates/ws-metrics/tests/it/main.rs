//! What a registry counts, read as a scrape reads it; and spans, as OpenTelemetry and logs get them.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod dashboard;
mod global;
mod handlers;
mod observer;
mod render;
mod scrape;
mod spans;
