//! A load generator for WebSocket servers that tells the truth: round trips are of single messages, measured from the moment
//! at which each was due, and the report says when it was the generator that was too slow.
//!
//! It shares no code with any server, so it cannot share its bugs. [`run`] carries out a [`Plan`] and gives back a [`Report`].

mod alarm;
mod answers;
mod asked;
mod clock;
mod error;
mod hearing;
mod load;
mod marker;
mod payload;
mod plan;
mod progress;
mod record;
mod report;
mod schedule;
mod shard;
mod shared;
mod tally;
mod target;
mod threshold;
mod wire;

pub use answers::{Answers, Check, JsonPath};
pub use error::LoadError;
pub use load::{Stop, run};
pub use payload::{Moment, Payload, Said, Session, TemplateError};
pub use plan::{Crowd, Lifetime, Pace, Plan, PlanError, Stage};
pub use progress::Progress;
pub use report::{Generator, Report};
pub use tally::Failure;
pub use target::Target;
pub use threshold::{Threshold, Verdict};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
