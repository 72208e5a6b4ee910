//! Deciding what a WebSocket message is: regex, JSONPath and exact patterns, and a router on them.
//!
//! Who writes handlers should use the facade `mockforge-ws`, which re-exports this. Who writes a crate that decides by
//! messages (a mode, a proxy rule) depends on this one.
//!
//! - [`MessagePattern`] says whether a text matches, and what it takes from it as [`Captures`].
//! - [`MessageText`] is a text that many patterns look at: its JSON is parsed at most once.
//! - [`JsonPath`] is a compiled query of RFC 9535.
//! - [`MessageRouter`] answers by patterns, and is a handler.
//!
//! Nothing here does IO or knows the time, and nothing is compiled per message (but the query given to
//! [`MessagePattern::extract`]). No pattern and no message makes it panic or exhaust the stack.

mod captures;
mod jsonpath;
mod message_text;
mod pattern;
mod router;

pub use captures::Captures;
pub use jsonpath::JsonPath;
pub use message_text::MessageText;
pub use pattern::MessagePattern;
pub use router::MessageRouter;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
