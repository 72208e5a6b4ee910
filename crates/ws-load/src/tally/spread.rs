//! Many times as a histogram: three digits are kept of each.

use hdrhistogram::Histogram;

use crate::clock::Nanos;

/// Thirty days: no connection is kept longer.
const LONGEST: u64 = 30 * 24 * 3_600_000_000;

/// Times in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread(Option<Histogram<u64>>);

impl Spread {
    pub(crate) fn record(&mut self, time: Nanos) {
        // What never happens takes no memory: the table comes with the first time.
        let table = self.0.get_or_insert_with(table);
        // It grows as needed: what saturates would not.
        let _ = table.record(micros(time));
    }

    /// Records what was to happen every so often and was late: what should have happened meanwhile was late, too.
    pub(crate) fn record_each(&mut self, time: Nanos, every: Nanos) {
        let table = self.0.get_or_insert_with(table);
        let _ = table.record_correct(micros(time), micros(every));
    }

    pub(crate) fn add(&mut self, other: &Self) {
        if let Some(other) = &other.0 {
            let table = self.0.get_or_insert_with(table);
            // It grows as needed: both have the same unit and no upper bound.
            let _ = table.add(other);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// In milliseconds, at a quantile from 0 to 1; `None`: nothing was recorded.
    pub(crate) fn at(&self, quantile: f64) -> Option<f64> {
        self.of(|table| table.value_at_quantile(quantile) as f64)
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        self.of(Histogram::mean)
    }

    pub(crate) fn min(&self) -> Option<f64> {
        self.of(|table| table.min() as f64)
    }

    pub(crate) fn max(&self) -> Option<f64> {
        self.of(|table| table.max() as f64)
    }

    /// How many took at least so long and less than that, in milliseconds, each bucket twice as wide as the one before.
    pub(crate) fn buckets(&self) -> Vec<(f64, f64, u64)> {
        let Some(table) = &self.0 else { return Vec::new() };
        let mut all: Vec<(f64, f64, u64)> = Vec::new();
        for value in table.iter_recorded() {
            let from = value.value_iterated_to().max(1).ilog2();
            let (from, to) = (millis(2_f64.powi(from as i32)), millis(2_f64.powi(from as i32 + 1)));
            // Where there is nothing between two, that is shown.
            while let Some(last) = all.last().filter(|last| last.1 < from) {
                all.push((last.1, last.1 * 2.0, 0));
            }
            match all.last_mut().filter(|last| last.0 == from) {
                Some(last) => last.2 += value.count_since_last_iteration(),
                None => all.push((from, to, value.count_since_last_iteration())),
            }
        }
        all
    }

    fn of(&self, what: impl Fn(&Histogram<u64>) -> f64) -> Option<f64> {
        self.0.as_ref().map(|table| millis(what(table)))
    }
}

fn table() -> Histogram<u64> {
    const DIGITS: u8 = 3;
    let mut table = Histogram::new_with_bounds(1, 2, DIGITS).expect("three digits and a bound of 1 are allowed");
    table.auto(true);
    table
}

fn micros(time: Nanos) -> u64 {
    (time / 1000).clamp(1, LONGEST)
}

fn millis(micros: f64) -> f64 {
    micros / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_thousandth() {
        let mut spread = Spread::default();
        assert_eq!((spread.at(0.5), spread.max(), spread.count()), (None, None, 0));
        for millis in 1..=1000 {
            spread.record(millis * 1_000_000);
        }
        for (quantile, millis) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0), (1.0, 1000.0)] {
            let found = spread.at(quantile).unwrap();
            assert!((found - millis).abs() <= millis / 1000.0, "{quantile}: {found}");
        }
        assert!((spread.mean().unwrap() - 500.5).abs() < 1.0);
        assert_eq!(spread.count(), 1000);
        assert_eq!(spread.buckets().iter().map(|bucket| bucket.2).sum::<u64>(), 1000);
    }

    #[test]
    fn a_connection_may_be_kept_for_days() {
        let mut spread = Spread::default();
        let day = 24 * 3_600_000_000_000;
        spread.record(2 * day);
        assert!((spread.max().unwrap() / 86_400_000.0 - 2.0).abs() < 0.01);
    }

    #[test]
    fn buckets_have_no_gaps() {
        let mut spread = Spread::default();
        for time in [3_000, 3_500, 40_000] {
            spread.record(time);
        }
        let counts: Vec<_> = spread.buckets().iter().map(|(from, _, count)| (from * 1000.0, *count)).collect();
        assert_eq!(counts, [(2.0, 2), (4.0, 0), (8.0, 0), (16.0, 0), (32.0, 1)]);
    }

    #[test]
    fn who_stands_still_is_late_more_than_once() {
        let mut spread = Spread::default();
        (0..899).for_each(|_| spread.record_each(50_000, 10_000_000));
        spread.record_each(1_000_000_000, 10_000_000);
        // A tenth of the time, not one waking of nine hundred.
        assert!((990..=1_010).contains(&spread.count()), "{}", spread.count());
        assert!(spread.at(0.99).unwrap() > 800.0);
    }

    #[test]
    fn they_add_up() {
        let (mut sum, mut other) = (Spread::default(), Spread::default());
        other.record(2_000_000_000);
        sum.add(&other);
        sum.record(1_000);
        sum.add(&other);
        assert_eq!(sum.count(), 3);
        assert!((sum.max().unwrap() - 2000.0).abs() <= 2.0);
    }
}
