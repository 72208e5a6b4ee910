//! Events that nobody wrote: streams that follow a narrative, live or written once into a replay file.
//!
//! - [`AiEventGenerator`] writes events by a [`WebSocketAiConfig`] and streams them to sockets; [`AiHandler`] does so on every
//!   connection of its paths.
//! - [`Provider`] is who writes them: a language model behind the API of OpenAI, or the embedded one, which needs nothing and
//!   is not a language model.
//!
//! What a provider writes is data from outside: it is parsed as it comes, checked, and sent only if it is valid. Nothing here
//! opens a listening socket or starts a task; whoever drops a stream of events has stopped its calls.

mod augment;
mod augmented_replay;
mod cache;
mod config;
mod engine;
mod entry;
mod error;
mod event;
mod generator;
mod handler;
mod meter;
mod narrative;
mod observe;
mod pace;
mod prompt;
mod provider;
mod reply;
mod schema;
mod socket;
mod story;
mod telling;
mod world;
mod written;

pub use augmented_replay::{AugmentedReplay, AugmentedScript};
pub use config::{AiLimits, MAX_RATE, OnFailure, ReplayAugmentationConfig, WebSocketAiConfig};
pub use error::{AiError, BudgetSpent};
pub use event::{AiEvent, Draft};
pub use generator::AiEventGenerator;
pub use handler::AiHandler;
pub use observe::{AiObserver, CallOutcome, RejectKind, Usage};
pub use provider::{
    EmbeddedProvider, Narrator, PROVIDER_NAMES, Piece, Pieces, Provider, ProviderError, ProviderErrorKind, Request,
    StoryFacts,
};
pub use story::{Listener, Story};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
