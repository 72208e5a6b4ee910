//! Deciding what a WebSocket message is: patterns, sets of thousands of them, and what is built on them.
//!
//! Who writes handlers should use the facade `mockforge-ws`, which re-exports this. Who writes a crate that decides by
//! messages (a mode, a proxy rule) depends on this one.
//!
//! - [`MessagePattern`] says whether a text matches, and what it takes from it as [`Captures`].
//! - [`MessageText`] is a text that many patterns look at: its JSON is parsed at most once.
//! - [`JsonPath`] is a compiled query of RFC 9535.
//! - [`Expression`] is a condition or a computation on what is known of a connection, its [`Facts`].
//! - [`StateMachine`] says what a session may do next, by messages, conditions and time.
//! - [`Correlation`] says which messages of a session belong together, and which are missing.
//! - [`PatternSet`] decides among many patterns at once, and says which ones a message nearly matched, by [`Difference`].
//! - [`MessageRouter`] answers by patterns, and is a handler.
//!
//! Nothing here does IO or reads a clock (where time matters, the caller says what time it is), and nothing is compiled per message (but the query given to
//! [`MessagePattern::extract`]). No pattern and no message makes it panic or exhaust the stack.

mod captures;
mod correlation;
mod excerpt;
mod expression;
mod jsonpath;
mod message_text;
mod nearest;
mod pattern;
mod pattern_set;
mod router;
mod span_in_words;
mod state_machine;

pub use captures::Captures;
pub use correlation::{
    Correlation, CorrelationBuilder, CorrelationError, CorrelationState, Event, Outcome, OutcomeKind,
};
pub use expression::{Expression, ExpressionError, Facts, Name};
pub use jsonpath::JsonPath;
pub use message_text::MessageText;
pub use nearest::nearest;
pub use pattern::{Difference, MessagePattern};
pub use pattern_set::PatternSet;
pub use router::MessageRouter;
pub use state_machine::{
    MachineState, StateMachine, StateMachineBuilder, StateMachineError, StateMachineProblem, StateMachineWarning,
    Timer, Transition,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
