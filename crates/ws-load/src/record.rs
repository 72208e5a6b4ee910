//! What all threads have told, put together: the sum, and a row for each second.

use std::time::Duration;

use crate::clock::{Nanos, SECOND};
use crate::error::LoadError;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{Generator, Report};
use crate::shard::Delivery;
use crate::shared::Phase;
use crate::tally::{Spread, Tally};

/// More rows no chart can show: when there are more, each two become one.
const MOST_ROWS: usize = 300;
/// A thread that works more of the time than this has no time left.
const FULL: f64 = 0.9;

/// What was so in a second, or in several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) failures: u64,
    pub(crate) lost: u64,
    pub(crate) open: usize,
    pub(crate) round_trips: Spread,
}

pub(crate) struct Record {
    sum: Tally,
    /// Since the last progress.
    recent: Tally,
    rows: Vec<Row>,
    seconds_each: u64,
    open: Vec<usize>,
    most_open: usize,
    left: usize,
    /// Reports of threads, and of those that had no time left.
    spans: u64,
    full_spans: u64,
    busy_until: Nanos,
}

impl Record {
    pub(crate) fn new(shards: usize, checks: usize) -> Self {
        Self {
            sum: Tally::new(checks),
            recent: Tally::default(),
            rows: Vec::new(),
            seconds_each: 1,
            open: vec![0; shards],
            most_open: 0,
            left: shards,
            spans: 0,
            full_spans: 0,
            busy_until: 0,
        }
    }

    /// Whether all threads are done.
    pub(crate) fn is_complete(&self) -> bool {
        self.left == 0
    }

    pub(crate) fn busy_until(&self) -> Nanos {
        self.busy_until
    }

    pub(crate) fn take(&mut self, delivery: Delivery) {
        let Delivery { second, tally, open, most_open, shard, is_last, busy_until } = delivery;
        // Of several threads the sum of each one's most is an upper bound that is seldom missed.
        let others: usize = self.open.iter().sum::<usize>() - self.open[shard];
        let most = others + most_open;
        self.most_open = self.most_open.max(most);
        self.open[shard] = open;
        self.busy_until = self.busy_until.max(busy_until);
        self.left -= usize::from(is_last);
        if tally.busiest > 0.0 {
            self.spans += 1;
            self.full_spans += u64::from(tally.busiest > FULL);
        }
        if let Some(second) = second {
            self.put(second, &tally, most);
        }
        self.sum.add(&tally);
        self.recent.add(&tally);
    }

    /// `most`: how many connections were open at once.
    fn put(&mut self, second: u64, tally: &Tally, most: usize) {
        while second / self.seconds_each >= MOST_ROWS as u64 {
            self.seconds_each *= 2;
            let rows = self.rows.chunks(2).map(|pair| {
                let mut row = pair[0].clone();
                pair[1..].iter().for_each(|other| row.add(other));
                row
            });
            self.rows = rows.collect();
        }
        let index = (second / self.seconds_each) as usize;
        if self.rows.len() <= index {
            self.rows.resize_with(index + 1, Row::default);
        }
        let row = &mut self.rows[index];
        row.add(&Row {
            sent: tally.sent,
            received: tally.received,
            failures: tally.failed(),
            lost: tally.lost,
            open: most,
            round_trips: tally.round_trips.clone(),
        });
    }

    /// How it stands; begins anew with what is recent.
    pub(crate) fn progress(
        &mut self,
        phase: Phase,
        now: Nanos,
        since_last: Nanos,
        lasts: Option<Duration>,
    ) -> Progress {
        let recent = std::mem::take(&mut self.recent);
        let seconds = since_last as f64 / SECOND as f64;
        let elapsed = match phase {
            Phase::Opening => 0,
            Phase::Running { since, .. } => now.saturating_sub(since),
            Phase::Ending { .. } => lasts.map_or(0, crate::clock::nanos),
        };
        Progress {
            elapsed: Duration::from_nanos(elapsed),
            lasts,
            open: self.open.iter().sum(),
            sent: self.sum.sent,
            received: self.sum.received,
            sent_per_second: recent.sent as f64 / seconds,
            received_per_second: recent.received as f64 / seconds,
            p50: recent.round_trips.at(0.5),
            p99: recent.round_trips.at(0.99),
            failures: self.sum.failed(),
        }
    }

    /// What came when nothing was sent any more belongs to the last row of the time before.
    fn end_rows_at(&mut self, took: Nanos) {
        let last = (took.saturating_sub(1) / SECOND / self.seconds_each) as usize;
        while self.rows.len() > last + 1
            && let Some(row) = self.rows.pop()
            && let Some(before) = self.rows.last_mut()
        {
            before.add(&row);
        }
    }

    /// Of a broadcast: all who were there were to hear all that was published, also after they had been cut off.
    fn count_missing(&mut self) {
        let listeners = self.sum.opened - u64::from(self.sum.publisher_hears == Some(false));
        self.sum.lost = (self.sum.published * listeners).saturating_sub(self.sum.round_trips.count());
        if let Some(last) = self.rows.last_mut() {
            last.lost = self.sum.lost;
        }
    }

    /// How many threads are done.
    pub(crate) fn ended(&self) -> usize {
        self.open.len() - self.left
    }

    /// # Errors
    /// If there never was a connection.
    pub(crate) fn report(mut self, plan: &Plan, took: Nanos, was_stopped: bool) -> Result<Report, LoadError> {
        if self.sum.opened == 0
            && let Some((failure, failed)) = self.sum.failures.iter().max_by_key(|(_, failed)| failed.count)
        {
            return Err(LoadError::NoConnection { failure: failure.clone(), example: failed.example.clone() });
        }
        self.end_rows_at(took);
        if plan.broadcast {
            self.count_missing();
        }
        let generator = Generator::new(&self.sum, self.spans, self.full_spans);
        Ok(Report::new(plan, self.sum, self.rows, self.seconds_each, took, self.most_open, generator, was_stopped))
    }
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.failures += other.failures;
        self.lost += other.lost;
        self.open = self.open.max(other.open);
        self.round_trips.add(&other.round_trips);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(second: u64, sent: u64) -> Delivery {
        let mut tally = Tally::new(0);
        tally.sent = sent;
        let tally = Box::new(tally);
        Delivery { second: Some(second), tally, open: 1, most_open: 1, shard: 0, is_last: false, busy_until: 0 }
    }

    #[test]
    fn what_comes_after_the_end_is_in_the_last_row() {
        let mut record = Record::new(1, 0);
        for second in 0..4 {
            record.take(delivery(second, 1));
        }
        record.end_rows_at(2 * SECOND);
        assert_eq!(record.rows.iter().map(|row| row.sent).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn who_leaves_at_the_end_was_there_in_the_last_second() {
        let mut record = Record::new(1, 0);
        record.take(delivery(0, 1));
        record.take(Delivery { open: 0, is_last: true, ..delivery(1, 1) });
        assert_eq!(record.rows.iter().map(|row| row.open).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn rows_stay_few_and_lose_nothing() {
        let mut record = Record::new(1, 0);
        for second in 0..2_000 {
            record.take(delivery(second, 1));
        }
        assert_eq!((record.rows.len(), record.seconds_each), (250, 8));
        assert!(record.rows.iter().all(|row| row.sent == 8 && row.open == 1));
        assert_eq!(record.sum.sent, 2_000);
    }

    #[test]
    fn a_row_has_all_that_was_told_in_its_second() {
        let mut record = Record::new(2, 0);
        let mut delivery = delivery(1, 3);
        (delivery.tally.received, delivery.tally.lost, delivery.most_open) = (4, 5, 6);
        delivery.tally.fail(crate::tally::Failure::Broken, "");
        delivery.tally.round_trips.record(7);
        record.take(delivery);
        let row = &record.rows[1];
        assert_eq!((row.sent, row.received, row.lost, row.failures, row.open), (3, 4, 5, 1, 6));
        assert_eq!((row.round_trips.count(), record.rows[0].sent), (1, 0));
    }

    #[test]
    fn progress_tells_of_all_and_of_late() {
        let mut record = Record::new(1, 0);
        let tell = |record: &mut Record, sent| {
            let mut delivery = delivery(0, sent);
            (delivery.tally.received, delivery.open) = (sent / 2, 3);
            delivery.tally.round_trips.record(sent * 1_000_000);
            record.take(delivery);
        };
        let lasts = Some(Duration::from_secs(9));
        let running = Phase::Running { since: SECOND, until: 10 * SECOND };
        tell(&mut record, 100);
        record.progress(running, 2 * SECOND, SECOND, lasts);
        tell(&mut record, 40);
        let progress = record.progress(running, 4 * SECOND, 2 * SECOND, lasts);
        assert_eq!((progress.elapsed, progress.lasts), (Duration::from_secs(3), lasts));
        assert_eq!((progress.sent, progress.received, progress.open, progress.failures), (140, 70, 3, 0));
        assert_eq!((progress.sent_per_second, progress.received_per_second), (20.0, 10.0));
        assert!((progress.p50.unwrap() - 40.0).abs() < 0.1 && (progress.p99.unwrap() - 40.0).abs() < 0.1);
        assert_eq!(record.progress(Phase::Opening, SECOND, SECOND, lasts).elapsed, Duration::ZERO);
    }

    #[test]
    fn threads_without_time_left_are_counted() {
        let mut record = Record::new(1, 0);
        for busiest in [0.95, 0.5, 0.0, 0.89, 0.91] {
            let mut delivery = delivery(0, 1);
            delivery.tally.busiest = busiest;
            record.take(delivery);
        }
        let plan = Plan::new("ws://localhost/".parse().unwrap());
        let report = record.report(&plan, SECOND, false).unwrap();
        assert!(report.generator().limit().unwrap().contains("no time left in 50% of the seconds"));
    }
}
