//! The decisions on one connection.

use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;
use ws_core::{Direction, Message};

use super::message_fault::{MessageFault, MessageRule};
use super::moments::Moments;
use super::when::Asked;
use super::{MAX_DELAY, MAX_HOLD, Plan};
use crate::random::{Draws, Purpose};
use crate::{Act, ConnectionFault, Decision, Pace};

/// The decisions on one connection. It keeps a few counters, and nothing that grows.
#[derive(Debug)]
pub struct ConnectionPlan {
    plan: Plan,
    /// From 1; 0, if it has none.
    number: u64,
    /// What stands for it where something is drawn.
    luck: u64,
    epoch: Instant,
    opened: Instant,
    outbound: Lane,
    inbound: Lane,
    moments: Moments,
}

/// What is kept of one direction.
#[derive(Debug, Default)]
struct Lane {
    concerns: bool,
    /// Text and binary messages so far.
    messages: u64,
    /// Control frames so far.
    controls: u64,
    /// Until when an earlier message waits for the next one.
    holds: Option<Instant>,
}

impl ConnectionPlan {
    pub(super) fn new(plan: Plan, number: u64, luck: u64, epoch: Instant, opened: Instant) -> Self {
        let concerns = |rules: &[MessageRule]| rules.iter().any(|rule| rule.when.is_about(number));
        let outbound = plan.compiled.latency.is_some() || concerns(&plan.compiled.outbound);
        let inbound = concerns(&plan.compiled.inbound);
        let lane = |concerns| Lane { concerns, ..Lane::default() };
        let moments = Moments::new(&plan, number, epoch, opened);
        Self { plan, number, luck, epoch, opened, outbound: lane(outbound), inbound: lane(inbound), moments }
    }

    /// Whether messages of `direction` can be decided on otherwise than [`Decision::PASS`].
    #[must_use]
    pub fn concerns(&self, direction: Direction) -> bool {
        match direction {
            Direction::Outbound => self.outbound.concerns,
            Direction::Inbound => self.inbound.concerns,
        }
    }

    /// What becomes of `message`, which is on its way at `now`. `tags` choose latencies, see
    /// [`LatencyProfile::tag_overrides`](crate::LatencyProfile::tag_overrides).
    ///
    /// Each message must be shown once, in order. Control frames are late like all others, but nothing else happens to
    /// them, and they are not counted.
    pub fn on_message(&mut self, direction: Direction, message: &Message, tags: &[&str], now: Instant) -> Decision {
        if !self.concerns(direction) {
            return Decision::PASS;
        }
        self.decide(direction, message, tags, now)
    }

    /// When [`due`](Self::due) must be asked; `None` when nothing will happen by time.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.moments.next_due()
    }

    /// What happens to the connection at `now`, if anything. After it, ask [`next_due`](Self::next_due) again.
    pub fn due(&mut self, now: Instant) -> Option<ConnectionFault> {
        self.moments.due(&self.plan, self.luck, self.epoch, now)
    }

    /// How many bytes may pass in `direction`, as an account that starts now; `None` when it is not limited. Ask once for
    /// each direction.
    #[must_use]
    pub fn pace(&self, direction: Direction) -> Option<Pace> {
        let compiled = &self.plan.compiled;
        match direction {
            Direction::Outbound => Pace::new(compiled.bandwidth_out, compiled.drip),
            Direction::Inbound => Pace::new(compiled.bandwidth_in, None),
        }
    }

    fn decide(&mut self, direction: Direction, message: &Message, tags: &[&str], now: Instant) -> Decision {
        let draws = self.plan.draws(self.luck);
        let compiled = &self.plan.compiled;
        let (lane, rules, latency) = match direction {
            Direction::Outbound => (&mut self.outbound, &compiled.outbound, compiled.latency.as_ref()),
            Direction::Inbound => (&mut self.inbound, &compiled.inbound, None),
        };
        let late = |purpose, nth| latency.map_or(Duration::ZERO, |it| it.sample(tags, &mut draws.of(purpose, nth)));
        if !message.is_data() {
            lane.controls += 1;
            return Decision { delay: late(Purpose::ControlLatency, lane.controls), ..Decision::PASS };
        }
        lane.messages += 1;
        let asked = Asked {
            connection: self.number,
            nth: lane.messages,
            age: now.saturating_duration_since(self.opened),
            time: now.saturating_duration_since(self.epoch),
            message,
        };
        let held = lane.holds.is_some_and(|until| now < until);
        let mut decision = Decision { delay: late(Purpose::Latency, asked.nth), ..Decision::PASS };
        judge(&mut decision, rules, &asked, direction, &draws, held);
        match decision.act {
            Act::HoldForNext => lane.holds = Some(now + decision.delay + MAX_HOLD),
            // What is lost does not come after the one that is held: that one goes on waiting.
            Act::Drop => {}
            _ => lane.holds = None,
        }
        decision
    }
}

/// Adds the faults that are due to `decision`.
fn judge(
    decision: &mut Decision,
    rules: &[MessageRule],
    asked: &Asked<'_>,
    direction: Direction,
    draws: &Draws,
    held: bool,
) {
    let (luck, payload) = match direction {
        Direction::Outbound => (Purpose::OutboundFaults, Purpose::OutboundPayload),
        Direction::Inbound => (Purpose::InboundFaults, Purpose::InboundPayload),
    };
    let mut rng = None;
    for rule in rules {
        // Each rule draws, due or not, so that time changes no other rule's luck.
        let lucky = rule.when.probability.is_none_or(|probability| {
            let rng = rng.get_or_insert_with(|| draws.of(luck, asked.nth));
            rng.random::<f64>() < probability
        });
        if !(lucky && rule.when.holds_for_message(asked)) {
            continue;
        }
        match &rule.fault {
            MessageFault::Delay(delay) => decision.delay = decision.delay.saturating_add(*delay).min(MAX_DELAY),
            // Two messages cannot wait for each other.
            MessageFault::Reorder if held => {}
            fault if decision.act == Act::Pass => {
                decision.act = fault.act_on(asked.message, || draws.of(payload, asked.nth));
                decision.fault = (decision.act != Act::Pass).then_some(rule.name);
            }
            _ => {}
        }
    }
}
