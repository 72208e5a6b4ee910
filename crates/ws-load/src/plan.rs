//! What is to be done: who connects, when they send, what they send, and when it ends.

mod crowd;
mod written;

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::answers::{Answers, Check};
use crate::payload::Payload;
use crate::target::Target;
use crate::wire::LARGEST;
pub use crowd::{Crowd, Stage};
pub(crate) use written::read_duration;

/// A load. Its fields can be set freely; [`run`](crate::run) checks them together.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to connect: virtual users take them in turn.
    pub targets: Vec<Target>,
    /// How many connect, and when.
    pub crowd: Crowd,
    /// When they send.
    pub pace: Pace,
    /// What they send.
    pub payload: Payload,
    /// How answers are told apart. Those to recorded lines have in their field what it had in the recorded answer.
    pub answers: Answers,
    /// What every answer must have.
    pub checks: Vec<Check>,
    /// How long it is sent; stages say it themselves. Without it, each virtual user sends [`messages`](Self::messages), or plays one
    /// session.
    pub duration: Option<Duration>,
    /// How many messages each virtual user sends; then it is done.
    pub messages: Option<u32>,
    /// When a connection is closed and another one opened in its place. Of [`Crowd::Arrivals`] each is closed then for good.
    pub lifetime: Option<Lifetime>,
    /// One virtual user sends, and all must hear each message once.
    pub broadcast: bool,
    /// How long a handshake and an answer may take. An answer that takes longer is lost.
    pub timeout: Duration,
    /// How many messages of one connection may wait for their answers. What is due beyond that waits for its turn, and the
    /// wait counts.
    pub most_in_flight: usize,
    /// The subprotocols that are offered, the preferred one first.
    pub subprotocols: Vec<String>,
    /// Headers of the handshakes.
    pub headers: Vec<(String, String)>,
    /// Whom to trust, for `wss://`.
    pub tls: Option<Arc<ClientConfig>>,
    /// How many threads send, each with a share of the connections.
    pub threads: usize,
}

/// When messages are sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// Each virtual user waits for the answer, thinks, and sends the next one. A server that stalls is asked less meanwhile: its
    /// stall is in few round trips.
    Closed {
        /// How many messages each has open at once; at least 1.
        in_flight: usize,
        /// How long it thinks after an answer.
        think: Duration,
    },
    /// So many messages in a second, by all connections together, whatever the server does. The round trip begins when a
    /// message was due: a stall is in all messages that were due meanwhile.
    Open {
        /// Messages in a second; more than 0.
        per_second: f64,
    },
    /// Each line of a [session](Payload::sessions) when the messages have come that came before it, and then after the pause that there
    /// was. A server that says less than that holds a line up for the [timeout](Plan::timeout). This is a closed model, too.
    Recorded {
        /// How many times as fast pauses are; more than 0. Infinity leaves them out.
        speed: f64,
    },
}

/// How long a connection is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it has sent so many messages.
    Messages(u32),
    /// So long.
    Time(Duration),
}

/// Fields of a plan that cannot go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(&'static str);

impl Plan {
    /// One connection that sends 32 bytes, waits for the echo and sends the next ones, for 10 s.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            targets: vec![target],
            crowd: Crowd::Fixed { connections: 1, ramp: Duration::ZERO },
            pace: Pace::Closed { in_flight: 1, think: Duration::ZERO },
            payload: Payload::default(),
            answers: Answers::ById,
            checks: Vec::new(),
            duration: Some(Duration::from_secs(10)),
            messages: None,
            lifetime: None,
            broadcast: false,
            timeout: Duration::from_secs(10),
            most_in_flight: 10_000,
            subprotocols: Vec::new(),
            headers: Vec::new(),
            tls: None,
            threads: 1,
        }
    }

    /// Whether connections play sessions.
    pub(crate) fn plays(&self) -> bool {
        matches!(self.pace, Pace::Recorded { .. })
    }

    /// How long it is sent, if that is known.
    pub(crate) fn lasts(&self) -> Option<Duration> {
        match &self.crowd {
            Crowd::Stages(stages) => Some(stages.iter().map(|stage| stage.over).sum()),
            _ => self.duration,
        }
    }

    /// Checks what holds for each field, and for them together.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), PlanError> {
        let wrong = |is_wrong: bool, why| if is_wrong { Err(PlanError(why)) } else { Ok(()) };
        let has_rate = matches!(self.pace, Pace::Open { .. });
        let is_recorded = self.plays();
        let thinks = matches!(self.pace, Pace::Closed { think, .. } if !think.is_zero());
        let at_once = matches!(self.pace, Pace::Closed { in_flight, .. } if in_flight != 1);
        let is_staged = matches!(self.crowd, Crowd::Stages(_));
        wrong(self.targets.is_empty(), "expected at least one address")?;
        wrong(self.threads == 0, "expected at least one thread")?;
        wrong(self.crowd.most() == 0, "expected at least one connection")?;
        wrong(!self.crowd.has_times(), "the stages take no time: expected more than 0")?;
        wrong(
            matches!(self.crowd, Crowd::Arrivals { per_second, .. } if !is_rate(per_second)),
            "expected more than 0 arrivals in a second",
        )?;
        wrong(
            matches!(self.pace, Pace::Open { per_second } if !is_rate(per_second)),
            "expected more than 0 messages in a second",
        )?;
        wrong(
            matches!(self.pace, Pace::Closed { in_flight: 0, .. }) || self.most_in_flight == 0,
            "expected at least one message in flight",
        )?;
        wrong(thinks && at_once, "who thinks after each answer has one message in flight, not several")?;
        wrong(self.messages == Some(0), "expected at least one message")?;
        wrong(
            is_recorded == self.payload.as_sessions().is_empty(),
            "sessions are said as they were recorded, and nothing else is: there is at least one",
        )?;
        wrong(
            matches!(self.pace, Pace::Recorded { speed } if speed.is_nan() || speed <= 0.0),
            "expected a speed of more than 0",
        )?;
        wrong(
            is_recorded && (self.lifetime.is_some() || self.messages.is_some()),
            "a connection ends with its session: it has neither a lifetime nor a number of messages",
        )?;
        wrong(
            is_recorded && self.answers == Answers::ById,
            "what was recorded has no ids of ours: its answers are told apart by a field, by their order, or not at all",
        )?;
        wrong(
            self.duration.is_none() && self.messages.is_none() && !is_staged && !is_recorded,
            "it would never end: say how long, or how many messages each connection sends",
        )?;
        wrong(self.duration.is_some_and(|duration| duration.is_zero()), "expected a duration of more than 0")?;
        wrong(self.timeout.is_zero(), "expected a timeout of more than 0")?;
        wrong(
            matches!(self.lifetime, Some(Lifetime::Messages(0) | Lifetime::Time(Duration::ZERO))),
            "expected connections that are kept for more than nothing",
        )?;
        wrong(
            matches!(self.crowd, Crowd::Arrivals { .. })
                && (self.lifetime.is_none() && !is_recorded || self.duration.is_none()),
            "connections that arrive need a lifetime, and the load a duration",
        )?;
        wrong(
            self.answers == Answers::ById && !self.payload.has_id(),
            "answers are told apart by an id that the messages do not have",
        )?;
        wrong(
            matches!(self.answers, Answers::ByField(_)) && !is_recorded && !self.payload.has_id_or_number(),
            "answers are told apart by a field, but the messages have neither an id nor their number",
        )?;
        wrong(
            self.payload.length().is_some_and(|length| length > LARGEST),
            "expected messages of at most 64 MiB: longer answers are not read",
        )?;
        wrong(
            self.answers == Answers::None && !self.checks.is_empty(),
            "checks are of answers, and there are said to be none",
        )?;
        wrong(
            self.broadcast && (!has_rate || !self.crowd.is_there_from_the_start() || self.lifetime.is_some()),
            "a broadcast needs a rate and connections that are all there from the start and stay",
        )?;
        wrong(self.broadcast && self.messages.is_some(), "a broadcast needs a duration, not a number of messages")?;
        wrong(
            self.broadcast && self.checks.iter().any(Check::compares),
            "who hears a broadcast does not know what was sent: it cannot check for the same",
        )?;
        wrong(self.broadcast && !self.payload.has_id(), "a broadcast is known by an id that the messages do not have")?;
        wrong(self.tls.is_none() && self.targets.iter().any(Target::is_encrypted), "wss:// needs to know whom to trust")
    }
}

fn is_rate(per_second: f64) -> bool {
    per_second.is_finite() && per_second > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Session;

    fn plan() -> Plan {
        Plan::new("ws://localhost/".parse().unwrap())
    }

    #[track_caller]
    fn refused(why: &str, change: impl FnOnce(&mut Plan)) {
        let mut plan = plan();
        change(&mut plan);
        let error = plan.check().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn what_cannot_go_together_is_refused() {
        assert_eq!(plan().check(), Ok(()));
        refused("address", |plan| plan.targets.clear());
        refused("thread", |plan| plan.threads = 0);
        refused("connection", |plan| plan.crowd = Crowd::Fixed { connections: 0, ramp: Duration::ZERO });
        refused("stages", |plan| plan.crowd = Crowd::Stages(vec![Stage { over: Duration::ZERO, to: 1 }]));
        refused("messages in a second", |plan| plan.pace = Pace::Open { per_second: 0.0 });
        refused("messages in a second", |plan| plan.pace = Pace::Open { per_second: f64::NAN });
        refused("in flight", |plan| plan.pace = Pace::Closed { in_flight: 0, think: Duration::ZERO });
        refused("thinks", |plan| plan.pace = Pace::Closed { in_flight: 2, think: Duration::from_secs(1) });
        refused("never end", |plan| plan.duration = None);
        refused("id", |plan| plan.payload = Payload::sized(5));
        refused("64 MiB", |plan| plan.payload = Payload::sized((64 << 20) + 1));
        refused("by a field", |plan| {
            plan.answers = "json:id".parse().unwrap();
            plan.payload = Payload::script("{{n}}\n{{vu}}").unwrap();
        });
        refused("cannot check for the same", |plan| {
            (plan.broadcast, plan.pace) = (true, Pace::Open { per_second: 1.0 });
            plan.checks = vec!["same".parse().unwrap()];
        });
        refused("lifetime", |plan| plan.crowd = Crowd::Arrivals { per_second: 1.0, at_most: 5 });
        refused("arrivals in a second", |plan| plan.crowd = Crowd::Arrivals { per_second: 0.0, at_most: 5 });
        refused("in flight", |plan| plan.most_in_flight = 0);
        refused("at least one message", |plan| plan.messages = Some(0));
        refused("duration", |plan| plan.duration = Some(Duration::ZERO));
        refused("timeout", |plan| plan.timeout = Duration::ZERO);
        refused("kept for more than nothing", |plan| plan.lifetime = Some(Lifetime::Messages(0)));
        refused("kept for more than nothing", |plan| plan.lifetime = Some(Lifetime::Time(Duration::ZERO)));
        refused("all there from the start", |plan| {
            (plan.broadcast, plan.pace) = (true, Pace::Open { per_second: 1.0 });
            plan.crowd = Crowd::Fixed { connections: 2, ramp: Duration::from_secs(1) };
        });
        refused("a broadcast needs a duration", |plan| {
            (plan.broadcast, plan.pace, plan.messages) = (true, Pace::Open { per_second: 1.0 }, Some(1));
        });
        refused("a broadcast is known by an id", |plan| {
            (plan.broadcast, plan.pace, plan.answers) = (true, Pace::Open { per_second: 1.0 }, Answers::InOrder);
            plan.payload = Payload::sized(5);
        });
        let plays = |plan: &mut Plan| {
            let session = Session { moments: Vec::new(), ends_at: Duration::ZERO, closed_by_server: None };
            (plan.payload, plan.pace) = (Payload::sessions(vec![session]), Pace::Recorded { speed: 2.0 });
            (plan.answers, plan.duration) = (Answers::InOrder, None);
        };
        let mut played = Plan::new("ws://localhost/".parse().unwrap());
        plays(&mut played);
        assert_eq!(played.check(), Ok(()));
        refused("sessions are said as", |plan| plan.pace = Pace::Recorded { speed: 1.0 });
        refused("sessions are said as", |plan| {
            plays(plan);
            plan.pace = Pace::Open { per_second: 1.0 };
        });
        refused("sessions are said as", |plan| {
            plays(plan);
            plan.payload = Payload::sessions(Vec::new());
        });
        for speed in [0.0, -1.0, f64::NAN] {
            refused("a speed", |plan| {
                plays(plan);
                plan.pace = Pace::Recorded { speed };
            });
        }
        refused("ends with its session", |plan| {
            plays(plan);
            plan.messages = Some(1);
        });
        refused("ends with its session", |plan| {
            plays(plan);
            plan.lifetime = Some(Lifetime::Messages(1));
        });
        refused("by a field", |plan| {
            plays(plan);
            plan.answers = Answers::ById;
        });
        refused("arrive", |plan| {
            plays(plan);
            plan.crowd = Crowd::Arrivals { per_second: 1.0, at_most: 5 };
        });
        refused("broadcast", |plan| plan.broadcast = true);
        refused("trust", |plan| plan.targets = vec!["wss://localhost/".parse().unwrap()]);
        refused("checks", |plan| {
            plan.answers = Answers::None;
            plan.checks = vec!["same".parse().unwrap()];
        });
    }
}
