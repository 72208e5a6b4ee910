//! The examples as their users meet them: started by `cargo run --example`, talked to over a socket.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod custom_server;
mod program;
mod ws_demo;
mod ws_handlers;
