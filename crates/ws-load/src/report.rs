//! What came out of a load.

mod chart;
mod generator;
mod html;
mod json;
mod table;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::answers::Answers;
use crate::clock::{Nanos, SECOND};
use crate::plan::{Crowd, Pace, Plan};
use crate::record::Row;
use crate::tally::{Failed, Failure, Tally};
use crate::threshold::Verdict;
pub use generator::Generator;

/// The outcome of a load. Its [`Display`](fmt::Display) is a table for people.
#[derive(Clone, Debug)]
pub struct Report {
    tally: Tally,
    rows: Vec<Row>,
    /// Of each row.
    row_seconds: u64,
    took: Nanos,
    most_open: usize,
    generator: Generator,
    was_stopped: bool,
    /// How it was asked for, in words.
    plan: Summary,
}

/// What a report says of its plan.
#[derive(Clone, Debug)]
struct Summary {
    targets: Vec<String>,
    model: String,
    checks: Vec<String>,
    is_open: bool,
    is_broadcast: bool,
    has_answers: bool,
    /// Whether connections play sessions.
    plays: bool,
    /// Whether connections are due at moments.
    arrives: bool,
    /// Whether any message that comes answers the oldest one that has no answer.
    takes_in_order: bool,
    /// Whether answers are known by what they have of their message.
    has_marks: bool,
}

impl Report {
    #[expect(clippy::too_many_arguments, reason = "a record is taken apart once, here")]
    pub(crate) fn new(
        plan: &Plan,
        tally: Tally,
        rows: Vec<Row>,
        row_seconds: u64,
        took: Nanos,
        most_open: usize,
        generator: Generator,
        was_stopped: bool,
    ) -> Self {
        let plan = Summary::of(plan);
        Self { tally, rows, row_seconds, took, most_open, generator, was_stopped, plan }
    }

    /// Messages that were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.tally.sent
    }

    /// Messages that came, answers or not.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.tally.received
    }

    /// Round trips that were measured: answers, or deliveries of a broadcast.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.tally.round_trips.count()
    }

    /// Messages without an answer within the timeout; of a broadcast, deliveries that are missing.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.tally.lost
    }

    /// Answers, or deliveries of a broadcast, that came more than once.
    #[must_use]
    pub fn doubled(&self) -> u64 {
        self.tally.doubled
    }

    /// Answers that came after the timeout: they are among the lost, too.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.tally.late
    }

    /// Messages that came and answer nothing.
    #[must_use]
    pub fn unexpected(&self) -> u64 {
        self.tally.unexpected
    }

    /// Sessions that were played to their end; 0 where none are played.
    #[must_use]
    pub fn played(&self) -> u64 {
        self.tally.played
    }

    /// Messages that the sessions had recorded and that did not come in time.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.tally.missing
    }

    /// Messages, or arrivals, that were due and for which there was no room until the end.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.tally.unsent
    }

    /// Connections that were opened.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        self.tally.opened
    }

    /// The most connections that were open at once.
    #[must_use]
    pub fn most_open(&self) -> usize {
        self.most_open
    }

    /// How often connections failed, and how.
    pub fn failures(&self) -> impl Iterator<Item = (&Failure, u64)> {
        self.tally.failures.iter().map(|(failure, failed)| (failure, failed.count))
    }

    /// How often connections ended with which code; 1005: a Close frame without one, 1006: no Close frame.
    #[must_use]
    pub fn close_codes(&self) -> &BTreeMap<u16, u64> {
        &self.tally.close_codes
    }

    /// Of each check its name, and how often it passed and failed.
    pub fn checks(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        let counts = self.tally.checks.iter();
        self.plan.checks.iter().zip(counts).map(|(name, (passed, failed))| (name.as_str(), *passed, *failed))
    }

    /// How long messages were sent, in seconds. Rates are per second of it, over all connections together.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.took as f64 / SECOND as f64
    }

    /// The round trip that a share of all, from 0 to 1, did not exceed, in milliseconds; `None`: there was none.
    #[must_use]
    pub fn round_trip(&self, quantile: f64) -> Option<f64> {
        self.tally.round_trips.at(quantile)
    }

    /// Whether the generator itself was the limit.
    #[must_use]
    pub fn generator(&self) -> &Generator {
        &self.generator
    }

    /// The report with the metric names of k6.
    #[must_use]
    pub fn to_json(&self, verdicts: &[Verdict]) -> Value {
        json::json(self, verdicts)
    }

    /// The report as one page that needs nothing else, with charts.
    #[must_use]
    pub fn to_html(&self, verdicts: &[Verdict]) -> String {
        html::html(self, verdicts)
    }

    /// What to do where the server answers, but not so that its answers could be told apart.
    fn advice(&self) -> Option<String> {
        let is_deaf = self.plan.has_marks && self.round_trips() == 0 && self.unexpected() > 0;
        is_deaf.then(|| {
            let came = count(self.unexpected(), "message");
            format!("{came} came, and none names one of ours: `--answers order` takes them as answers, in order")
        })
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// When a row begins, and how many seconds of it there were: the last one is seldom whole.
    fn span(&self, index: usize) -> (f64, f64) {
        let begin = (index as u64 * self.row_seconds) as f64;
        let seconds = (self.seconds() - begin).min(self.row_seconds as f64);
        // What came when it was over.
        (begin, if seconds > 0.0 { seconds } else { self.row_seconds as f64 })
    }

    /// Per second, over all connections.
    fn rate(&self, count: u64) -> f64 {
        count as f64 / self.seconds()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table::write(self, f)
    }
}

impl Summary {
    fn of(plan: &Plan) -> Self {
        let crowd = match &plan.crowd {
            Crowd::Fixed { connections, ramp } if ramp.is_zero() => count(*connections as u64, "connection"),
            Crowd::Fixed { connections, ramp } => format!("{connections} connections within {ramp:?}"),
            Crowd::Stages(stages) => {
                let stages: Vec<_> = stages.iter().map(|stage| format!("{:?} to {}", stage.over, stage.to)).collect();
                format!("stages: {}", stages.join(", "))
            }
            Crowd::Arrivals { per_second, .. } => format!("{per_second} new connections/s"),
        };
        let pace = match plan.pace {
            Pace::Open { per_second } => format!("open model, {per_second} messages/s in all"),
            Pace::Closed { in_flight: 1, think } if think.is_zero() => "closed model".to_owned(),
            Pace::Closed { in_flight: 1, think } => format!("closed model, {think:?} of thought"),
            Pace::Closed { in_flight, .. } => format!("closed model, {in_flight} in flight each"),
            Pace::Recorded { speed: 1.0 } => "recorded sessions".to_owned(),
            Pace::Recorded { speed: f64::INFINITY } => "recorded sessions without their pauses".to_owned(),
            Pace::Recorded { speed } => format!("recorded sessions, {speed} times as fast"),
        };
        let broadcast = if plan.broadcast { ", broadcast" } else { "" };
        Self {
            targets: plan.targets.iter().map(ToString::to_string).collect(),
            model: format!("{crowd}, {pace}{broadcast}"),
            checks: plan.checks.iter().map(ToString::to_string).collect(),
            is_open: matches!(plan.pace, Pace::Open { .. }),
            is_broadcast: plan.broadcast,
            has_answers: plan.broadcast || plan.answers != Answers::None,
            plays: plan.plays(),
            arrives: matches!(plan.crowd, Crowd::Arrivals { .. }),
            takes_in_order: !plan.broadcast && plan.answers == Answers::InOrder,
            has_marks: !plan.broadcast && matches!(plan.answers, Answers::ById | Answers::ByField(_)),
        }
    }
}

/// How a failure was put the first time, if that says more than its name.
fn example<'f>(failure: &Failure, failed: &'f Failed) -> &'f str {
    let says_no_more = failed.example.to_lowercase().starts_with(&failure.to_string());
    if says_no_more { "" } else { &failed.example }
}

/// A number and what is counted.
fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MILLISECOND;
    use crate::tally::Spread;

    fn spread(millis: impl IntoIterator<Item = u64>) -> Spread {
        let mut spread = Spread::default();
        millis.into_iter().for_each(|millis| spread.record(millis * MILLISECOND));
        spread
    }

    /// Five seconds in rows of two, and no number in it twice.
    pub(super) fn sample() -> Report {
        let mut plan = Plan::new("ws://localhost/ws?a=1&lt=2".parse().unwrap());
        plan.pace = Pace::Closed { in_flight: 8, think: std::time::Duration::ZERO };
        plan.checks = vec!["contains:<b>".parse().unwrap()];
        let mut tally = Tally::new(1);
        (tally.sent, tally.received, tally.sent_bytes, tally.received_bytes) = (1_000, 900, 32_000, 4_100_000);
        (tally.unexpected, tally.lost, tally.doubled, tally.late, tally.unsent) = (25, 30, 35, 12, 45);
        (tally.opened, tally.closed, tally.checks[0]) = (20, 20, (75, 25));
        tally.round_trips = spread(1..=200);
        (tally.connecting, tally.sessions) = (spread([2]), spread([3_000]));
        (tally.worked, tally.busiest) = (1_500 * MILLISECOND, 0.25);
        tally.lateness = spread((0..199).map(|_| 10).chain([50]));
        tally.close_codes = BTreeMap::from([(1000, 18), (1012, 2)]);
        tally.fail(Failure::Closed(1012), "");
        tally.fail(Failure::Status(503), "<busy>");
        tally.fail(Failure::Status(503), "");
        let row = |sent, received, failures, lost, open, millis| Row {
            sent,
            received,
            failures,
            lost,
            open,
            round_trips: spread([millis]),
        };
        let rows = vec![row(400, 300, 1, 5, 10, 7), row(360, 350, 0, 6, 11, 8), row(240, 250, 2, 19, 9, 9)];
        let generator = Generator::new(&tally, 10, 0);
        Report::new(&plan, tally, rows, 2, 5 * SECOND, 11, generator, true)
    }

    #[test]
    fn a_plan_is_told_in_words() {
        let second = std::time::Duration::from_secs(1);
        let mut plan = Plan::new("ws://localhost/".parse().unwrap());
        let model = |plan: &Plan| Summary::of(plan).model;
        assert_eq!(model(&plan), "1 connection, closed model");
        plan.crowd = Crowd::Fixed { connections: 5, ramp: second };
        plan.pace = Pace::Closed { in_flight: 1, think: second };
        assert_eq!(model(&plan), "5 connections within 1s, closed model, 1s of thought");
        plan.crowd = Crowd::Stages(vec!["10s:5".parse().unwrap(), "5s:0".parse().unwrap()]);
        plan.pace = Pace::Closed { in_flight: 3, think: std::time::Duration::ZERO };
        assert_eq!(model(&plan), "stages: 10s to 5, 5s to 0, closed model, 3 in flight each");
        plan.crowd = Crowd::Arrivals { per_second: 2.5, at_most: 7 };
        (plan.pace, plan.broadcast) = (Pace::Open { per_second: 10.0 }, true);
        assert_eq!(model(&plan), "2.5 new connections/s, open model, 10 messages/s in all, broadcast");
    }

    #[test]
    fn the_last_row_has_the_seconds_that_there_were() {
        let report = sample();
        assert_eq!([0, 1, 2, 3].map(|row| report.span(row)), [(0.0, 2.0), (2.0, 2.0), (4.0, 1.0), (6.0, 2.0)]);
    }
}
