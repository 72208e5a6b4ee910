//! Faults of a connection that happen by time.

use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;

use super::Plan;
use crate::random::Purpose;
use crate::schedule::Windows;
use crate::{ConnectionFault, ConnectionNumbers};

/// A fault and its moments.
pub(super) struct MomentRule {
    pub(super) probability: Option<f64>,
    pub(super) connections: Option<ConnectionNumbers>,
    pub(super) clock: Clock,
    pub(super) fault: ConnectionFault,
}

/// What the moments of a fault are counted from.
pub(super) enum Clock {
    /// The connection is so old.
    Age(Duration),
    /// The server's start.
    Server(Windows),
}

/// The moments that lie before one connection.
#[derive(Debug)]
pub(super) struct Moments {
    /// At most one for each rule, in the order of the rules. It allocates nothing while it is empty.
    next: Vec<Moment>,
}

#[derive(Debug, Clone, Copy)]
struct Moment {
    rule: usize,
    /// Which of the rule's moments it is.
    nth: u64,
    at: Instant,
}

impl Moments {
    pub(super) fn new(plan: &Plan, connection: u64, epoch: Instant, opened: Instant) -> Self {
        let rules = plan.compiled.moments.iter().enumerate();
        let concerned = rules.filter(|(_, rule)| rule.connections.is_none_or(|numbers| numbers.contains(connection)));
        let next = concerned.filter_map(|(rule, MomentRule { clock, .. })| {
            let (nth, at) = match clock {
                Clock::Age(age) => (0, opened.checked_add(*age)?),
                Clock::Server(windows) => {
                    let (nth, time) = windows.first_from(opened.saturating_duration_since(epoch))?;
                    (nth, epoch.checked_add(time)?)
                }
            };
            Some(Moment { rule, nth, at })
        });
        Self { next: next.collect() }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.next.iter().map(|moment| moment.at).min()
    }

    pub(super) fn due(&mut self, plan: &Plan, luck: u64, epoch: Instant, now: Instant) -> Option<ConnectionFault> {
        // Each round takes a rule's moment away or moves it behind `now`, so there are no more rounds than rules.
        loop {
            let due = self.next.iter().enumerate().filter(|(_, moment)| moment.at <= now);
            let (place, moment) = due.min_by_key(|(_, moment)| moment.at).map(|(place, moment)| (place, *moment))?;
            let rule = &plan.compiled.moments[moment.rule];
            match moment.following(rule, epoch, now) {
                Some(following) => self.next[place] = following,
                None => drop(self.next.remove(place)),
            }
            let lucky = rule.probability.is_none_or(|probability| {
                let mut rng = plan.draws(luck).of(Purpose::Moment(moment.rule as u32), moment.nth);
                rng.random::<f64>() < probability
            });
            if lucky {
                return Some(rule.fault.clone());
            }
        }
    }
}

impl Moment {
    /// The rule's next moment after `now`: those that were slept through are not made up for.
    fn following(self, rule: &MomentRule, epoch: Instant, now: Instant) -> Option<Self> {
        let Clock::Server(windows) = &rule.clock else { return None };
        let (nth, time) = windows.next_after(self.nth, now.saturating_duration_since(epoch))?;
        Some(Self { nth, at: epoch.checked_add(time)?, ..self })
    }
}
