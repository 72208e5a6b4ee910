//! Conditions that were checked, and what they decide.

mod compile;
mod connection;
mod handshake_fault;
mod message_fault;
mod moments;
mod payload;
mod when;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;
use ws_core::Message;

use crate::random::{Draws, Purpose};
use crate::{Bandwidth, Drip, HandshakeAnswer, HandshakeVerdict, LatencyProfile};
pub(crate) use compile::Compiler;
pub use connection::ConnectionPlan;
use handshake_fault::{HandshakeFault, HandshakeRule};
use message_fault::MessageRule;
use moments::MomentRule;

/// The longest delay of a message or a handshake: a day.
pub const MAX_DELAY: Duration = Duration::from_millis(MAX_DELAY_MS);
/// How long a message that changes places with the next one waits for it.
pub const MAX_HOLD: Duration = Duration::from_secs(1);

pub(crate) const MAX_DELAY_MS: u64 = 24 * 3600 * 1000;
/// A hundred years: what is added to a time stays a time.
pub(crate) const MAX_SCHEDULE_MS: u64 = 100 * 365 * MAX_DELAY_MS;

/// Decides whether a message matches a pattern.
pub type Matcher = Arc<dyn Fn(&Message) -> bool + Send + Sync>;

/// Compiled [`Conditions`](crate::Conditions), which all connections of a path share. Clones are the same plan.
///
/// With the same seed, the same connection number and the same messages, it decides the same. Schedules count from an
/// `epoch`, the server's start, which whoever asks brings along.
#[derive(Clone)]
pub struct Plan {
    compiled: Arc<Compiled>,
}

struct Compiled {
    seed: u64,
    latency: Option<LatencyProfile>,
    bandwidth_out: Option<Bandwidth>,
    bandwidth_in: Option<Bandwidth>,
    drip: Option<Drip>,
    handshakes: Vec<HandshakeRule>,
    outbound: Vec<MessageRule>,
    inbound: Vec<MessageRule>,
    moments: Vec<MomentRule>,
}

impl Plan {
    /// What becomes of handshake `number`, counted from 1, that came at `now`.
    #[must_use]
    pub fn handshake(&self, number: u64, epoch: Instant, now: Instant) -> HandshakeVerdict {
        let mut verdict = HandshakeVerdict { delay: Duration::ZERO, answer: HandshakeAnswer::Accept };
        let rules = &self.compiled.handshakes;
        if rules.is_empty() {
            return verdict;
        }
        let mut rng = self.draws(number).of(Purpose::Handshake, 0);
        let time = now.saturating_duration_since(epoch);
        for rule in rules {
            // Each rule draws, due or not, so that time changes no other rule's luck.
            let lucky = rule.when.probability.is_none_or(|probability| rng.random::<f64>() < probability);
            if !(lucky && rule.when.holds_for_handshake(number, time)) {
                continue;
            }
            match &rule.fault {
                HandshakeFault::Delay(delay) => {
                    verdict.delay = verdict.delay.saturating_add(*delay).min(MAX_DELAY);
                }
                HandshakeFault::Answer(answer) if matches!(verdict.answer, HandshakeAnswer::Accept) => {
                    verdict.answer = answer.make();
                }
                HandshakeFault::Answer(_) => {}
            }
        }
        verdict
    }

    /// The decisions on connection `number`, counted from 1, whose handshake was accepted at `now`.
    #[must_use]
    pub fn connection(&self, number: u64, epoch: Instant, now: Instant) -> ConnectionPlan {
        ConnectionPlan::new(self.clone(), number, number, epoch, now)
    }

    /// The decisions on a connection that was open already when it came under these conditions, at `now`; it is the `nth`
    /// of such, from 1, which gives it a luck of its own. It has no number: what is about certain `connections` is not
    /// about it.
    #[must_use]
    pub fn open_connection(&self, nth: u64, epoch: Instant, now: Instant) -> ConnectionPlan {
        ConnectionPlan::new(self.clone(), 0, u64::MAX - nth, epoch, now)
    }

    /// The seed, given or drawn: who compiles the same conditions with it gets the same decisions.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.compiled.seed
    }

    fn draws(&self, number: u64) -> Draws {
        Draws::new(self.compiled.seed, number)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compiled = &self.compiled;
        let rules =
            compiled.handshakes.len() + compiled.outbound.len() + compiled.inbound.len() + compiled.moments.len();
        f.debug_struct("Plan").field("seed", &compiled.seed).field("rules", &rules).finish_non_exhaustive()
    }
}
