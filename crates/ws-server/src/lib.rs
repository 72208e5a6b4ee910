//! The socket: upgrade, session engine, limits and modes of the MockForge WebSocket mock server.
//!
//! Three ways in, from the smallest: [`router`] and its sisters return plain axum routers; [`WsServer::builder`] puts a
//! server together from handlers, rooms, middleware, observers and a [`WsConfig`], and serves it; the program
//! `mockforge serve` is that builder behind flags.
//!
//! Only this crate knows sockets and HTTP. It never decides what a message means: that is for handlers.

#[cfg(feature = "admin")]
mod admin;
mod assemble;
mod config;
mod error;
mod files;
mod handshake_rules;
mod interactive;
mod journal;
mod live;
mod observers;
mod path_conditions;
mod play;
mod rate_limited;
mod realm;
mod reload;
mod router;
mod scope;
mod scripts;
mod server;
mod session;
mod shared;
mod tls;
mod transport;
mod unmatched;
mod upgrade;
mod upstream_loop;
mod version;
mod watching;

pub use config::{
    AdminConfig, JournalConfig, OnScriptError, PathConfig, PathMode, ReloadPolicy, ScriptsConfig, Subprotocols,
    WsConfig, parse_duration, parse_rate, parse_size,
};
pub use error::ServerError;
pub use handshake_rules::{AcceptWith, Expected, HandshakeRule, HandshakeRules, RefuseWith};
pub use journal::{
    Counted, EventFilter, EventKind, EventName, FilterError, FilterErrors, Found, HandledAs, Journal, JournalEvent,
    JournalQuery, JournalWatch, MessageType, NearMissed, ReloadOutcome, Waited,
};
pub use rate_limited::RateLimited;
pub use realm::{Applied, TestError, TestRealm};
pub use reload::ReloadReport;
pub use router::{
    router, router_with_handlers, router_with_latency, router_with_proxy, start_with_latency, try_router,
};
pub use scope::Scope;
pub use server::{ServerHandle, WsServer, WsServerBuilder};
pub use tls::{TlsConfig, TlsError};
pub use unmatched::UnmatchedMessage;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
