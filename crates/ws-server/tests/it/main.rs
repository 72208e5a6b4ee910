//! A server as its clients see it: over real sockets on a loopback port of its own for each test.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod backpressure;
mod churn;
mod eventually;
mod faults;
mod handlers;
mod handshake;
mod handshake_faults;
mod hooks;
mod journal;
mod latency;
mod lifecycle;
mod limits;
mod log_lines;
mod logs;
mod memory;
mod metrics;
mod own_process;
mod panics;
mod paths;
mod playing;
mod programmed;
mod protocol;
mod rate_limits;
mod raw_client;
mod reload;
mod replay;
mod replay_files;
mod replay_templates;
mod rooms;
mod routing;
mod scrape;
mod serving;
mod shutdown;
mod spawned;
mod subprotocols;
#[cfg(feature = "tls")]
mod tls;
mod unmatched;
mod upgrade;
