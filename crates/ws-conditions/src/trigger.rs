//! When a fault happens, as people write it. Judging it is the plan's business.

use crate::error::Problems;
use crate::{ConnectionNumbers, Schedule};

/// When a fault happens: all conditions that are given must hold; with none, it is always.
///
/// In a configuration file these keys, and those of the schedule, stand beside the fault's own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trigger {
    /// How likely it is each time that everything else holds: 0 to 1.
    pub probability: Option<f64>,
    /// Every so many messages: 3 is the third, the sixth and so on; at least 1. Text and binary messages are counted,
    /// from 1, for each connection and direction; for a fault of the handshake, the connections are.
    pub every: Option<u64>,
    /// That message alone: 5 is the fifth; at least 1. Counted like `every`.
    pub nth: Option<u64>,
    /// Connections of these numbers, which are counted where the conditions stand, those that are refused too.
    pub connections: Option<ConnectionNumbers>,
    /// Messages that match this pattern.
    pub matching: Option<String>,
    /// From this age of the connection on, in milliseconds.
    pub after_ms: Option<u64>,
    /// At these times on the server's clock.
    pub schedule: Option<Schedule>,
}

impl Trigger {
    /// Whether one of the conditions is about messages, or can only be judged on each.
    pub(crate) fn is_about_messages(&self) -> bool {
        let about_time = self.schedule.is_some() || self.after_ms.is_some();
        let counts = self.nth.is_some() || self.every.is_some() || self.matching.is_some();
        counts || (self.probability.is_some() && !about_time)
    }

    /// Reports what makes no sense for any fault.
    pub(crate) fn check(&self, problems: &mut Problems<'_>) {
        if let Some(probability) = self.probability
            && !(0.0..=1.0).contains(&probability)
        {
            problems.add("probability", format!("expected a number from 0 to 1, got {probability}"));
        }
        for (key, number) in [("every", self.every), ("nth", self.nth)] {
            if number == Some(0) {
                problems.add(key, "expected at least 1, got 0");
            }
        }
        if let Some(problem) = self.connections.and_then(|numbers| numbers.problem()) {
            problems.add("connections", problem);
        }
        if let Some(after) = self.after_ms {
            problems.in_range("after_ms", after, 0, crate::plan::MAX_SCHEDULE_MS);
        }
        if let Some(schedule) = &self.schedule {
            schedule.check(problems);
        }
    }
}
