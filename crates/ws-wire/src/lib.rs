//! WebSocket frames on a byte stream, for servers and for clients, after the opening handshake.
//!
//! It knows frames and nothing else: no session, no handler, no clock. All of it is polled by the task that owns the
//! [`Wire`].

mod decoder;
mod error;
mod frame;
mod input;
mod output;
mod wire;

pub use error::WireError;
pub use wire::{Wire, WireOptions};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
