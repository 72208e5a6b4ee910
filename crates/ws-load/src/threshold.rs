//! Conditions under which a load has failed: `p99>50ms`, `errors>0`, `lost>0.1%`.

use std::fmt;
use std::str::FromStr;

use crate::plan::read_duration;
use crate::report::Report;

/// A condition that makes a load fail.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    written: String,
    metric: Metric,
    comparison: Comparison,
    bound: Bound,
}

/// Whether a load has failed by a threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The threshold, as it was written.
    pub threshold: String,
    /// Whether it has failed.
    pub failed: bool,
    /// What was measured, as people read it.
    pub measured: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Metric {
    /// A round trip: at a quantile, from 0 to 1.
    Quantile(f64),
    Mean,
    Min,
    Max,
    Errors,
    Lost,
    Doubled,
    Late,
    Unexpected,
    Unsent,
    Played,
    Missing,
    FailedChecks,
    /// Messages that came, per second over all connections.
    Rate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    Millis(f64),
    Number(f64),
    /// From 0 to 1, of what could have been.
    Share(f64),
}

const METRICS: &str = "p50 ... p99.9, mean, min, max, errors, lost, doubled, late, unexpected, unsent, played, missing, failed-checks, rate";

impl Threshold {
    /// Whether this load has failed by it. Where nothing was measured, a bound of it has failed, too.
    #[must_use]
    pub fn judge(&self, report: &Report) -> Verdict {
        let tally = report.tally();
        let failed_checks: u64 = tally.checks.iter().map(|(_, failed)| *failed).sum();
        let all_checks: u64 = tally.checks.iter().map(|(passed, failed)| passed + failed).sum();
        let expected = tally.expected();
        let (measured, all) = match self.metric {
            Metric::Quantile(quantile) => (tally.round_trip_at(quantile), 0),
            Metric::Mean => (tally.round_trips.mean(), 0),
            Metric::Min => (tally.round_trips.min(), 0),
            Metric::Max => (tally.round_trip_at(1.0), 0),
            Metric::Errors => (Some(tally.failed() as f64), tally.opened + tally.not_opened()),
            Metric::Lost => (Some(tally.lost as f64), expected),
            Metric::Doubled => (Some(tally.doubled as f64), expected),
            Metric::Late => (Some(tally.late as f64), expected),
            Metric::Unexpected => (Some(tally.unexpected as f64), tally.received),
            Metric::Played => (Some(tally.played as f64), tally.opened),
            Metric::Missing => (Some(tally.missing as f64), tally.received + tally.missing),
            Metric::Unsent => (Some(tally.unsent as f64), tally.sent + tally.unsent),
            Metric::FailedChecks => (Some(failed_checks as f64), all_checks),
            Metric::Rate => (Some(report.received() as f64 / report.seconds()), 0),
        };
        let verdict = |failed, measured| Verdict { threshold: self.written.clone(), failed, measured };
        let Some(measured) = measured else { return verdict(true, "nothing was measured".to_owned()) };
        let (value, bound, text) = match self.bound {
            Bound::Millis(bound) if measured.is_infinite() => (measured, bound, "no answer".to_owned()),
            Bound::Millis(bound) => (measured, bound, format!("{measured:.3} ms")),
            Bound::Number(bound) if self.metric == Metric::Rate => (measured, bound, format!("{measured:.0}/s")),
            Bound::Number(bound) => (measured, bound, format!("{measured:.0}")),
            Bound::Share(bound) => {
                let share = if all == 0 { 0.0 } else { measured / all as f64 };
                (share, bound, format!("{:.3}%", share * 100.0))
            }
        };
        verdict(self.comparison.holds(value, bound), text)
    }
}

impl Comparison {
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Above => value > bound,
            Self::AtLeast => value >= bound,
            Self::Below => value < bound,
            Self::AtMost => value <= bound,
        }
    }
}

impl FromStr for Threshold {
    type Err = String;

    /// A metric, `>`, `>=`, `<` or `<=`, and a time, a number or a share: `p99>50ms`, `rate<1000`, `lost>0.1%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let at = text.find(['<', '>']).ok_or("expected a condition such as p99>50ms, errors>0 or rate<1000")?;
        let (name, rest) = text.split_at(at);
        let (comparison, bound) = match (rest.strip_prefix(">="), rest.strip_prefix("<=")) {
            (Some(bound), _) => (Comparison::AtLeast, bound),
            (_, Some(bound)) => (Comparison::AtMost, bound),
            _ if rest.starts_with('>') => (Comparison::Above, &rest[1..]),
            _ => (Comparison::Below, &rest[1..]),
        };
        let metric = metric(name.trim())?;
        let bound = bound.trim();
        let expected = |what: &str| format!("`{}` is compared with {what}, not `{bound}`", name.trim());
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
        let bound = match metric {
            Metric::Quantile(_) | Metric::Mean | Metric::Min | Metric::Max => read_duration(bound)
                .map(|bound| Bound::Millis(bound.as_secs_f64() * 1000.0))
                .ok_or_else(|| expected("a time such as 50ms"))?,
            Metric::Rate => {
                let per_second = bound.strip_suffix("/s").unwrap_or(bound);
                number(per_second).map(Bound::Number).ok_or_else(|| expected("messages in a second such as 1000"))?
            }
            _ => match bound.strip_suffix('%') {
                Some(share) => number(share.trim()).map(|share| Bound::Share(share / 100.0)),
                None => number(bound).map(Bound::Number),
            }
            .ok_or_else(|| expected("a number such as 0, or a share such as 0.1%"))?,
        };
        Ok(Self { written: text.trim().to_owned(), metric, comparison, bound })
    }
}

fn metric(name: &str) -> Result<Metric, String> {
    let metric = match name {
        "mean" | "avg" => Metric::Mean,
        "min" => Metric::Min,
        "max" => Metric::Max,
        "errors" => Metric::Errors,
        "lost" => Metric::Lost,
        "doubled" => Metric::Doubled,
        "late" => Metric::Late,
        "unexpected" => Metric::Unexpected,
        "unsent" => Metric::Unsent,
        "played" => Metric::Played,
        "missing" => Metric::Missing,
        "failed-checks" => Metric::FailedChecks,
        "rate" => Metric::Rate,
        _ => {
            let percent = name.strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok());
            let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
            let unknown = || format!("`{name}` is no metric: expected one of {METRICS}");
            Metric::Quantile(percent.ok_or_else(unknown)? / 100.0)
        }
    };
    Ok(metric)
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::Plan;
    use crate::report::{Generator, Report};
    use crate::tally::{Failure, Tally};

    use super::*;

    /// 100 round trips of 1 to 100 ms in 10 s, three of them too late and one message without an answer, one connection of four refused.
    fn report() -> Report {
        let mut tally = Tally::new(1);
        (1..=100).for_each(|millis| tally.round_trips.record(millis * 1_000_000));
        (tally.sent, tally.received, tally.lost, tally.opened, tally.checks[0]) = (121, 100, 4, 3, (98, 2));
        (tally.doubled, tally.late, tally.unsent, tally.unexpected) = (2, 3, 79, 7);
        (tally.played, tally.missing) = (2, 25);
        tally.fail(Failure::Refused, "");
        let generator = Generator::new(&tally, 0, 0);
        let plan = Plan::new("ws://localhost/".parse().unwrap());
        Report::new(&plan, tally, Vec::new(), 1, 10_000_000_000, 3, generator, false)
    }

    #[test]
    fn loads_fail_by_what_is_beyond_a_bound() {
        for (threshold, failed, measured) in [
            ("p50>60ms", false, "51.0"),
            ("p99 > 50ms", true, "100.0"),
            // The one without an answer is slower than all that came.
            ("p99.9>1h", true, "no answer"),
            ("max>1h", true, "no answer"),
            ("max<1h", false, "no answer"),
            ("min<2ms", true, "1.0"),
            ("mean<50ms", false, "50.5"),
            ("errors>0", true, "1"),
            ("errors>30%", false, "25.000%"),
            ("lost>3.9%", true, "3.960%"),
            ("lost>4", false, "4"),
            ("doubled>1", true, "2"),
            ("doubled>=2%", false, "1.980%"),
            ("late>3", false, "3"),
            ("late>2.9%", true, "2.970%"),
            ("unexpected>7", false, "7"),
            ("unexpected>6%", true, "7.000%"),
            ("played<3", true, "2"),
            ("missing>20", true, "25"),
            ("missing>20%", false, "20.000%"),
            ("played<60%", false, "66.667%"),
            ("unsent>78", true, "79"),
            ("unsent>=39.5%", true, "39.500%"),
            ("failed-checks>1.5%", true, "2.000%"),
            ("rate<11", true, "10/s"),
            ("rate<=9.5/s", false, "10/s"),
        ] {
            let verdict = threshold.parse::<Threshold>().unwrap().judge(&report());
            assert_eq!(verdict.failed, failed, "{verdict:?}");
            assert!(verdict.measured.starts_with(measured), "{verdict:?}");
        }
    }

    #[test]
    fn errors_are_a_share_of_all_connections() {
        let mut tally = Tally::new(0);
        // Of five two are refused, and two of the others are cut.
        tally.opened = 3;
        for failure in [Failure::Refused, Failure::Status(503), Failure::Broken, Failure::Closed(1011)] {
            tally.fail(failure, "");
        }
        let generator = Generator::new(&tally, 0, 0);
        let plan = Plan::new("ws://localhost/".parse().unwrap());
        let report = Report::new(&plan, tally, Vec::new(), 1, 1, 3, generator, false);
        let verdict = "errors>=80%".parse::<Threshold>().unwrap().judge(&report);
        assert_eq!((verdict.failed, verdict.measured.as_str()), (true, "80.000%"));
    }

    #[test]
    fn bounds_belong_to_what_they_bound() {
        for (condition, holds) in [("lost>4", false), ("lost>=4", true), ("lost<4", false), ("lost<=4", true)] {
            let verdict = condition.parse::<Threshold>().unwrap().judge(&report());
            assert_eq!(verdict.failed, holds, "{condition}");
        }
    }

    #[test]
    fn nothing_is_not_fast() {
        let generator = Generator::new(&Tally::default(), 0, 0);
        let plan = Plan::new("ws://localhost/".parse().unwrap());
        let empty = Report::new(&plan, Tally::default(), Vec::new(), 1, 1, 0, generator, false);
        assert!("p99>50ms".parse::<Threshold>().unwrap().judge(&empty).failed);
        assert!(!"lost>0%".parse::<Threshold>().unwrap().judge(&empty).failed);
    }

    #[test]
    fn what_is_no_threshold_is_told() {
        for (wrong, why) in [
            ("p99", "expected a condition such as"),
            ("p101>5ms", "is no metric: expected one of p50"),
            ("speed>5", "is no metric"),
            ("p99>50", "is compared with a time such as 50ms, not `50`"),
            ("errors>5ms", "a number such as 0"),
            ("rate<1%", "messages in a second"),
            ("lost>-1", "a number"),
        ] {
            let error = wrong.parse::<Threshold>().unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
