//! The proxy and the passthrough between real clients, a real server and real upstreams.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod ending;
#[path = "../../../ws-server/tests/it/eventually.rs"]
mod eventually;
mod fallback;
mod handshake;
mod leaks;
#[path = "../../../ws-server/tests/it/own_process.rs"]
mod own_process;
mod passthrough;
mod pool;
mod raw_client;
mod retry;
mod scrape;
mod serving;
mod slow;
mod tls;
mod transform;
mod transparent;
mod upstream;
