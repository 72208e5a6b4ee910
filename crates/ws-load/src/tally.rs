//! What one thread has counted since it last said so. Nobody else touches it: no lock, no atomic.

mod failure;
mod spread;

use std::collections::BTreeMap;

use crate::clock::Nanos;
pub use failure::Failure;
pub(crate) use spread::Spread;

/// Counts and spreads; they add up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Bytes of payload, without what the wire adds.
    pub(crate) sent_bytes: u64,
    pub(crate) received_bytes: u64,
    /// Messages that came and answer nothing.
    pub(crate) unexpected: u64,
    /// Messages whose answer did not come in time, or ever.
    pub(crate) lost: u64,
    /// Answers that came more than once.
    pub(crate) doubled: u64,
    /// Answers that came after they were given up: to some of those that are lost.
    pub(crate) late: u64,
    /// Sessions that were played to their end, and those that were cut when the load was over.
    pub(crate) played: u64,
    pub(crate) cut: u64,
    /// Messages of sessions that did not come in time, and how many lines waited for them in vain.
    pub(crate) missing: u64,
    pub(crate) held_up: u64,
    /// Messages, or arrivals, that were due and for which there was no room until the end.
    pub(crate) unsent: u64,
    /// Passed and failed, of each check.
    pub(crate) checks: Vec<(u64, u64)>,
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) round_trips: Spread,
    pub(crate) connecting: Spread,
    pub(crate) sessions: Spread,
    pub(crate) failures: BTreeMap<Failure, Failed>,
    pub(crate) close_codes: BTreeMap<u16, u64>,
    /// How much later than asked for we were woken.
    pub(crate) lateness: Spread,
    /// How long the thread has worked, of how long.
    pub(crate) worked: Nanos,
    /// The most that it has worked of the time between two reports.
    pub(crate) busiest: f64,
    /// Whether who publishes hears it, too: `None` until that is known.
    pub(crate) publisher_hears: Option<bool>,
    pub(crate) published: u64,
}

/// How often something failed, and how it was put the first time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failed {
    pub(crate) count: u64,
    pub(crate) example: String,
}

impl Tally {
    pub(crate) fn new(checks: usize) -> Self {
        Self { checks: vec![(0, 0); checks], ..Self::default() }
    }

    pub(crate) fn fail(&mut self, failure: Failure, example: &str) {
        let failed = self.failures.entry(failure).or_default();
        if failed.count == 0 {
            // It comes from outside, and is shown on terminals.
            let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
            failed.example = example.chars().take(200).map(shown).collect();
        }
        failed.count += 1;
    }

    /// How many answers there should be.
    pub(crate) fn expected(&self) -> u64 {
        self.round_trips.count() + self.unanswered()
    }

    /// How many of them never came.
    pub(crate) fn unanswered(&self) -> u64 {
        self.lost.saturating_sub(self.late)
    }

    /// How long a round trip takes at a quantile from 0 to 1, in milliseconds, if one that never came takes for ever; `None`: nothing
    /// was to come.
    pub(crate) fn round_trip_at(&self, quantile: f64) -> Option<f64> {
        let (answered, expected) = (self.round_trips.count() as f64, self.expected() as f64);
        let among_answered = quantile * expected / answered;
        if among_answered <= 1.0 {
            return self.round_trips.at(among_answered);
        }
        (self.unanswered() > 0).then_some(f64::INFINITY)
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failures.values().map(|failed| failed.count).sum()
    }

    /// Those of them that were no connection at all.
    pub(crate) fn not_opened(&self) -> u64 {
        self.failures.iter().filter(|(failure, _)| failure.is_of_opening()).map(|(_, failed)| failed.count).sum()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
        self.unexpected += other.unexpected;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.late += other.late;
        self.played += other.played;
        self.cut += other.cut;
        self.missing += other.missing;
        self.held_up += other.held_up;
        self.unsent += other.unsent;
        self.checks.resize(self.checks.len().max(other.checks.len()), (0, 0));
        for (mine, its) in self.checks.iter_mut().zip(&other.checks) {
            *mine = (mine.0 + its.0, mine.1 + its.1);
        }
        self.opened += other.opened;
        self.closed += other.closed;
        self.round_trips.add(&other.round_trips);
        self.connecting.add(&other.connecting);
        self.sessions.add(&other.sessions);
        self.lateness.add(&other.lateness);
        for (failure, failed) in &other.failures {
            let mine = self.failures.entry(failure.clone()).or_default();
            if mine.count == 0 {
                mine.example.clone_from(&failed.example);
            }
            mine.count += failed.count;
        }
        for (code, count) in &other.close_codes {
            *self.close_codes.entry(*code).or_default() += count;
        }
        self.worked += other.worked;
        self.busiest = self.busiest.max(other.busiest);
        self.publisher_hears = self.publisher_hears.or(other.publisher_hears);
        self.published += other.published;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let mut one = Tally::new(1);
        one.sent = 3;
        one.checks[0] = (1, 2);
        one.fail(Failure::Refused, "first");
        one.round_trips.record(5_000);
        let mut sum = Tally::default();
        sum.add(&one);
        one.fail(Failure::Refused, "second");
        sum.add(&one);
        assert_eq!((sum.sent, sum.checks.as_slice(), sum.failed()), (6, &[(2, 4)][..], 3));
        assert_eq!(sum.failures[&Failure::Refused].example, "first");
        assert_eq!(sum.round_trips.count(), 2);
    }

    #[test]
    fn nothing_is_forgotten_when_they_add_up() {
        let mut one = Tally { sent: 1, received: 2, sent_bytes: 3, received_bytes: 4, ..Tally::new(0) };
        (one.unexpected, one.lost, one.doubled, one.late, one.unsent) = (5, 6, 7, 8, 9);
        (one.opened, one.closed, one.worked, one.published, one.played) = (10, 11, 12, 13, 15);
        (one.cut, one.missing, one.held_up) = (16, 17, 18);
        (one.busiest, one.publisher_hears) = (0.5, Some(false));
        one.close_codes.insert(1000, 14);
        for spread in [&mut one.round_trips, &mut one.connecting, &mut one.sessions, &mut one.lateness] {
            spread.record(1_000);
        }
        let mut sum = Tally::default();
        (0..3).for_each(|_| sum.add(&one));
        assert_eq!([sum.sent, sum.received, sum.sent_bytes, sum.received_bytes], [3, 6, 9, 12]);
        assert_eq!([sum.unexpected, sum.lost, sum.doubled, sum.late, sum.unsent], [15, 18, 21, 24, 27]);
        assert_eq!([sum.opened, sum.closed, sum.worked, sum.published], [30, 33, 36, 39]);
        assert_eq!([sum.close_codes[&1000], sum.played, sum.cut, sum.missing, sum.held_up], [42, 45, 48, 51, 54]);
        assert_eq!((sum.busiest, sum.publisher_hears), (0.5, Some(false)));
        let spreads = [&sum.round_trips, &sum.connecting, &sum.sessions, &sum.lateness];
        assert_eq!(spreads.map(Spread::count), [3; 4]);
    }

    #[test]
    fn examples_are_short_and_do_nothing_to_a_terminal() {
        let mut tally = Tally::default();
        tally.fail(Failure::Status(503), &format!("\u{1b}[2Jgone\r\n{}", "x".repeat(500)));
        let example = &tally.failures[&Failure::Status(503)].example;
        assert!(example.starts_with("\u{fffd}[2Jgone\u{fffd}\u{fffd}xx"), "{example}");
        assert_eq!(example.chars().count(), 200);
    }
}
