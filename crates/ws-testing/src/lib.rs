//! Test servers and clients for WebSocket applications.
//!
//! A [`TestServer`] serves an axum router or a whole [`WsServer`](ws_server::WsServer) on a free loopback port until it is
//! dropped. A [`TestClient`] is a real WebSocket client whose every wait ends by itself, so that a broken server fails a
//! test instead of hanging it. What a server has seen is [expected](TestServer::expect) of it, and what did not come is told
//! with what came instead and nearest, as [`Unmet`].

mod client;
mod expectation;
mod expected;
mod pattern;
mod promises;
mod real_time;
mod server;
mod unmet;

pub use client::{ClientError, TestClient, TestClientBuilder};
pub use expectation::{Expectation, Expecting};
pub use pattern::IntoPattern;
pub use server::TestServer;
pub use unmet::{Unmet, Unverified};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
