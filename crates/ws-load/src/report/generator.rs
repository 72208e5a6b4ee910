//! Whether it was the generator that was too slow, and not the server.

use crate::tally::Tally;

/// Of all wakings, one in a hundred may be so late, in milliseconds.
const LATE: f64 = 5.0;
/// Or so late, if that is a good part of what was measured.
const RATHER_LATE: f64 = 1.0;

/// How the generator itself fared.
#[derive(Clone, Debug)]
pub struct Generator {
    busiest: f64,
    full_share: f64,
    cpu_seconds: f64,
    late_p99: f64,
    late_max: f64,
    /// Half of the measured p99, in milliseconds.
    tolerable: f64,
}

impl Generator {
    pub(crate) fn new(sum: &Tally, spans: u64, full_spans: u64) -> Self {
        Self {
            busiest: sum.busiest,
            full_share: if spans == 0 { 0.0 } else { full_spans as f64 / spans as f64 },
            cpu_seconds: sum.worked as f64 / 1e9,
            late_p99: sum.lateness.at(0.99).unwrap_or_default(),
            late_max: sum.lateness.max().unwrap_or_default(),
            tolerable: sum.round_trips.at(0.99).unwrap_or(f64::INFINITY) / 2.0,
        }
    }

    /// The most of a second that one of its threads has worked, from 0 to 1.
    #[must_use]
    pub fn busiest(&self) -> f64 {
        self.busiest
    }

    /// How long its threads have worked, in seconds.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        self.cpu_seconds
    }

    /// 99% of its wakings were no later than this, in milliseconds.
    #[must_use]
    pub fn late_p99(&self) -> f64 {
        self.late_p99
    }

    /// Its latest waking, in milliseconds.
    #[must_use]
    pub fn late_max(&self) -> f64 {
        self.late_max
    }

    /// Why the figures say more of the generator than of the server, if they do.
    #[must_use]
    pub fn limit(&self) -> Option<String> {
        if self.full_share > 0.1 {
            return Some(format!(
                "its threads had no time left in {:.0}% of the seconds: use more threads, or more machines",
                self.full_share * 100.0
            ));
        }
        let is_late = self.late_p99 > LATE || self.late_p99 > RATHER_LATE && self.late_p99 > self.tolerable;
        is_late.then(|| {
            format!(
                "it was woken {:.1} ms too late at p99: something else takes its processors, and round trips are too long \
                 by that",
                self.late_p99
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(late_millis: u64, round_trip_millis: u64, full_spans: u64) -> Option<String> {
        let mut tally = Tally::default();
        tally.lateness.record(late_millis * 1_000_000);
        tally.round_trips.record(round_trip_millis * 1_000_000);
        Generator::new(&tally, 10, full_spans).limit()
    }

    #[test]
    fn it_says_when_it_was_the_limit() {
        assert_eq!(limit(0, 1, 0), None);
        assert_eq!(limit(0, 1, 1), None);
        assert_eq!(limit(2, 100, 0), None, "what is small beside the round trips does no harm");
        assert!(limit(0, 1, 2).unwrap().contains("20% of the seconds"));
        assert!(limit(2, 3, 0).unwrap().contains("too late"));
        assert!(limit(50, 1000, 0).unwrap().contains("too late"));
    }
}
