//! A server as its clients see it: over real sockets on a loopback port of its own for each test.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

#[cfg(feature = "admin")]
mod admin;
mod ai;
mod ai_faults;
mod ai_modes;
mod answering;
mod backpressure;
mod churn;
mod correlation;
mod eventually;
mod exported_spans;
mod faults;
mod handler_metrics;
mod handlers;
mod handshake;
mod handshake_faults;
mod hooks;
#[cfg(feature = "js")]
mod hostile_scripts;
mod journal;
mod latency;
mod lifecycle;
mod limits;
mod log_lines;
mod logs;
mod memory;
mod metrics;
mod model_server;
mod own_process;
mod panics;
mod paths;
mod playing;
mod programmed;
mod protocol;
mod rate_limits;
mod raw_client;
mod realms;
mod reload;
mod reloading;
mod replay;
mod replay_files;
mod replay_templates;
mod rooms;
mod routing;
mod rules;
mod rules_and_scripts;
mod scrape;
#[cfg(feature = "js")]
mod scripted;
mod scripts_that_branch;
mod server_journal;
mod serving;
mod shutdown;
mod spawned;
mod subprotocols;
mod talking;
#[cfg(feature = "tls")]
mod tls;
mod traces;
mod unmatched;
mod upgrade;
mod verdicts;
mod watching;
