//! The vocabulary of MockForge WS: messages, handlers, contexts, and the traits that the other crates implement.
//!
//! Who writes handlers should use the facade `mockforge-ws`, which re-exports all of this. Who writes a crate that
//! handlers or servers plug into (a room backend, an observer, a mode) depends on this crate alone.
//!
//! Nothing here opens a socket, starts a task or reads a file.

mod buffer;
pub mod close_code;
mod connection;
mod context;
pub mod engine;
mod error;
mod extensions;
mod fanout;
mod for_subprotocol;
mod handler;
mod handshake;
mod message;
mod metadata;
mod middleware;
mod near_miss;
mod observer;
mod path_pattern;
mod prefetch;
mod queue;
mod raw_frame;
mod registry;
mod room_sender;
mod rooms;
mod sender;
mod session_part;
mod spare;
mod ws_message;

pub use buffer::{BatchLimits, MessageBuffer};
pub use connection::{Connection, Traffic};
pub use context::WsContext;
pub use error::{HandlerError, HandlerResult};
pub use extensions::Extensions;
pub use fanout::{Fanout, SharedMessages};
pub use for_subprotocol::for_subprotocol;
pub use handler::{HandlerFuture, WsHandler, handler_fn};
pub use handshake::{Acceptance, AcceptanceParts, Handshake, HandshakeDecision, Refusal, SubprotocolChoice};
pub use message::{CloseFrame, Message};
pub use metadata::Metadata;
pub use middleware::{Middleware, Verdict, inbound_filter};
pub use near_miss::{NearMiss, Unmatched};
pub use observer::{Direction, EndStatus, Handled, ObservedFrame, ObservedRun, SessionEnd, SessionObserver};
pub use path_pattern::{PathPattern, PathPatternError};
pub use queue::QueueLimits;
pub use raw_frame::RawFrame;
pub use registry::{HandlerRegistry, HandlerSet};
pub use room_sender::RoomSender;
pub use rooms::{NoRooms, Rooms};
pub use sender::{Offered, Origin, TrySendError, WhenFull, WsSender};
pub use session_part::{SessionEnding, SessionPart};
pub use ws_message::WsMessage;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
