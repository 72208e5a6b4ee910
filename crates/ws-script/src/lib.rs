//! WebSocket handlers in JavaScript.
//!
//! A folder of scripts becomes a set of [`WsHandler`](ws_core::WsHandler)s: see [`ScriptFolder`]. Each script has a thread
//! and an engine of its own, so a loop or a memory bomb in one holds neither the server nor another script.
//!
//! Scripts reach nothing but their own connections, rooms and folder: no file, no network, no process. This crate opens
//! no socket, and watches no file: whoever wants a reload calls [`ScriptFolder::reload`].

mod console;
mod difference;
mod error;
mod exports;
mod folder;
mod handler;
mod instance;
mod limits;
mod module;
mod native;
mod options;
mod prelude;
mod scheduling;
mod script;
mod seat;
mod sharing;
mod snapshot;
mod thread;
mod timers;
mod turn;
mod versions;

pub use error::{ScriptError, ScriptErrorKind, ScriptErrors};
pub use folder::{ReloadReport, ScriptFolder};
pub use handler::ScriptHandler;
pub use limits::{OnFault, ScriptLimits};
pub use options::ScriptOptions;

/// Declarations of everything that a script sees, for editors: the content of a `.d.ts` file.
pub const TYPES: &str = include_str!("types.d.ts");

/// Scripts to start from: name and source.
pub const SAMPLES: &[(&str, &str)] =
    &[("echo.js", include_str!("samples/echo.js")), ("chat.js", include_str!("samples/chat.js"))];

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
