//! A plan from what somebody wrote, and the questions that a session asks it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use ws_conditions::{Act, Conditions, ConditionsError, ConnectionPlan, Decision, FaultRule, Matcher, Plan};
use ws_core::{Direction, Message};

/// Conditions that were written as JSON, which has the shape of YAML.
pub(crate) fn conditions(json: &str) -> Conditions {
    serde_json::from_str(json).unwrap()
}

/// A pattern is a part of the text; one with `[` is broken.
pub(crate) fn compile(conditions: Conditions) -> Result<Plan, ConditionsError> {
    conditions.compile(|pattern| {
        if pattern.contains('[') {
            return Err(format!("`{pattern}` is not closed"));
        }
        let pattern = pattern.to_owned();
        let matcher: Matcher =
            Arc::new(move |message: &Message| message.as_text().is_some_and(|text| text.contains(&pattern)));
        Ok(matcher)
    })
}

/// With seed 7, if none is given.
pub(crate) fn plan(json: &str) -> Plan {
    let conditions = conditions(json);
    compile(Conditions { seed: conditions.seed.or(Some(7)), ..conditions }).unwrap()
}

/// Of one rule.
pub(crate) fn plan_of(rule: FaultRule) -> Plan {
    compile(Conditions { seed: Some(7), faults: vec![rule], ..Conditions::default() }).unwrap()
}

/// A connection of a plan, at a time that moves when it is told to.
pub(crate) struct Asked {
    pub(crate) connection: ConnectionPlan,
    pub(crate) epoch: Instant,
    pub(crate) now: Instant,
}

impl Asked {
    /// The first connection, opened when the server started.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self::opened(plan, 1, 0)
    }

    pub(crate) fn opened(plan: &Plan, number: u64, ms: u64) -> Self {
        let epoch = Instant::now();
        let now = epoch + Duration::from_millis(ms);
        Self { connection: plan.connection(number, epoch, now), epoch, now }
    }

    /// Moves to `ms` after the server's start.
    pub(crate) fn at(&mut self, ms: u64) -> &mut Self {
        self.now = self.epoch + Duration::from_millis(ms);
        self
    }

    pub(crate) fn out(&mut self, message: &Message) -> Decision {
        self.connection.on_message(Direction::Outbound, message, &[], self.now)
    }

    pub(crate) fn inward(&mut self, message: &Message) -> Decision {
        self.connection.on_message(Direction::Inbound, message, &[], self.now)
    }

    pub(crate) fn out_text(&mut self, text: &str) -> Act {
        self.out(&Message::text(text)).act
    }

    /// The numbers, from 1, of those of the next `count` messages to the client that do not pass.
    pub(crate) fn hit(&mut self, count: u64) -> Vec<u64> {
        (1..=count).filter(|_| self.out_text("x") != Act::Pass).collect()
    }

    /// When `due` must be asked, in milliseconds after the server's start.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.connection.next_due().map(|at| (at - self.epoch).as_millis() as u64)
    }
}
