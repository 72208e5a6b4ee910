//! Bad networks and limits as pure, seeded decisions.
//!
//! [`Conditions`] say what a network does to connections: latency, bandwidth, faults. Compiled, they are a [`Plan`],
//! which a session asks about each handshake ([`Plan::handshake`]), each message ([`ConnectionPlan::on_message`]), the
//! time ([`ConnectionPlan::next_due`]) and the bytes it may move ([`Pace`]). A [`RateLimiter`] counts messages.
//!
//! Nothing here sleeps, sends, opens a socket or starts a task: the answers are values, and carrying them out is the
//! session's business. What is random depends on the seed, the connection's number, the direction and the message's
//! number alone, so a failure repeats.

mod bandwidth;
mod conditions;
mod connection_numbers;
mod decision;
mod error;
mod fault;
mod fault_config;
mod injector;
mod latency;
mod pace;
mod plan;
mod presets;
mod random;
mod rate_limit;
mod rate_limiter;
mod rule;
mod schedule;
mod trigger;

pub use bandwidth::{Bandwidth, Drip};
pub use conditions::Conditions;
pub use connection_numbers::ConnectionNumbers;
pub use decision::{Act, ConnectionFault, Decision, HandshakeAnswer, HandshakeVerdict};
pub use error::{ConditionsError, Problem};
pub use fault::Fault;
pub use fault_config::FaultConfig;
pub use injector::LatencyInjector;
pub use latency::{LatencyDistribution, LatencyProfile};
pub use pace::Pace;
pub use plan::{ConnectionPlan, MAX_DELAY, MAX_HOLD, Matcher, Plan};
pub use presets::{PRESETS, Preset};
pub use rate_limit::{OverLimit, RateLimit};
pub use rate_limiter::RateLimiter;
pub use rule::{FaultDirection, FaultRule};
pub use schedule::Schedule;
pub use trigger::Trigger;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
