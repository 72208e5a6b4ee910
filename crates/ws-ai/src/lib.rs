//! Events that nobody wrote: streams that follow a narrative, live or written once into a replay file.
//!
//! - [`AiEventGenerator`] writes events by a [`WebSocketAiConfig`] and streams them to sockets; [`AiHandler`] does so on every
//!   connection of its paths.
//! - [`Provider`] is who writes them: a language model behind the API of OpenAI, or the embedded one, which needs nothing and
//!   is not a language model.
//!
//! What a provider writes is data from outside: it is parsed as it comes, checked, and sent only if it is valid. Nothing here
//! opens a listening socket or starts a task; whoever drops a stream of events has stopped its calls.

mod config;
mod error;
mod event;
mod observe;
mod provider;

pub use config::{AiLimits, MAX_RATE, OnFailure, ReplayAugmentationConfig, WebSocketAiConfig};
pub use error::{AiError, BudgetSpent};
pub use event::{AiEvent, Draft};
pub use observe::{AiObserver, CallOutcome, RejectKind, Usage};
pub use provider::{Narrator, Piece, Pieces, Provider, ProviderError, ProviderErrorKind, Request, StoryFacts};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
