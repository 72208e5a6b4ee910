//! Test servers and clients for WebSocket applications.
//!
//! A [`TestServer`] serves an axum router or a whole [`WsServer`](ws_server::WsServer) on a free loopback port until it is
//! dropped. A [`TestClient`] is a real WebSocket client whose every wait ends by itself, so that a broken server fails a
//! test instead of hanging it.

mod client;
mod server;

pub use client::{ClientError, TestClient, TestClientBuilder};
pub use server::TestServer;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
