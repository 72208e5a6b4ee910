//! The report as a table for people.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Formatter, Write};

use super::{Report, count, example};
use crate::tally::{Spread, Tally};

/// A server may close with thousands of codes: more kinds of anything are told together.
const MOST_KINDS: usize = 20;

pub(super) fn write(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, "{}", report.plan.targets.join(", "))?;
    let early = if report.was_stopped { ", ended early" } else { "" };
    writeln!(f, "{}, {:.1} s{early}\n", report.plan.model, report.seconds())?;
    messages(report, f)?;
    round_trips(report, f)?;
    connections(report, f)?;
    checks(report, f)?;
    generator(report, f)?;
    match report.advice() {
        Some(advice) => writeln!(f, "\nNO ANSWER WAS RECOGNISED: {advice}"),
        None => Ok(()),
    }
}

fn messages(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    let (plan, tally) = (&report.plan, &report.tally);
    writeln!(f, "messages (rates are totals over all connections)")?;
    let rate = |count: u64| format!("{}/s", grouped(report.rate(count).round() as u64));
    row(f, "sent", &[grouped(tally.sent), rate(tally.sent), bytes(tally.sent_bytes)])?;
    row(f, "received", &[grouped(tally.received), rate(tally.received), bytes(tally.received_bytes)])?;
    if plan.is_broadcast {
        row(f, "published", &[grouped(tally.published), hears(tally.publisher_hears).to_owned()])?;
    }
    let trips = if plan.is_broadcast { "delivered" } else { "answered" };
    if plan.has_answers {
        row(f, trips, &[grouped(tally.round_trips.count()), rate(tally.round_trips.count())])?;
        row(f, "lost", &[grouped(tally.lost), share(tally.lost, tally.expected())])?;
        row(f, "doubled", &[grouped(tally.doubled), String::new()])?;
    }
    let held_up = count(tally.held_up, "line");
    let missing = format!("recorded messages that did not come in time: {held_up} waited for them, or an end did");
    let unsent = if plan.arrives {
        "arrivals, or messages, that were due and had no place until the end"
    } else {
        "due, but not sent until the end"
    };
    for (name, count, what) in [
        ("missing", tally.missing, missing.as_str()),
        ("late", tally.late, "answers after the timeout: they are among the lost, too"),
        ("unexpected", tally.unexpected, "messages that answer nothing"),
        ("unsent", tally.unsent, unsent),
    ] {
        // Where nothing is an answer, nothing is a surprise.
        let is_of_answers = matches!(name, "late" | "unexpected");
        if count > 0 && (plan.has_answers || !is_of_answers) {
            row(f, name, &[grouped(count), what.to_owned()])?;
        }
    }
    Ok(())
}

fn round_trips(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    let origin = match (report.plan.is_broadcast, report.plan.is_open) {
        (true, _) => "deliveries, from the moment at which a message was due",
        (_, true) => "round trips, from the moment at which a message was due",
        _ => "round trips, from the moment at which a message was sent: a server that stalls is asked less meanwhile",
    };
    writeln!(f, "\n{origin}")?;
    times(f, &report.tally)?;
    match doubt(report) {
        Some(doubt) => writeln!(f, "  answers are taken in order: {doubt}"),
        None => Ok(()),
    }
}

fn connections(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    let (plan, tally) = (&report.plan, &report.tally);
    writeln!(f, "\nconnections")?;
    row(f, "opened", &[grouped(tally.opened), format!("{} at once at most", grouped(report.most_open as u64))])?;
    if plan.plays {
        let cut = match tally.cut {
            0 => String::new(),
            cut => format!(", {} cut by the end of the load", grouped(cut)),
        };
        row(f, "played", &[grouped(tally.played), format!("sessions to their end{cut}")])?;
    }
    let since = if plan.arrives { "  from when each was due" } else { "" };
    row(f, "connecting", &[format!("{}{since}", brief(&tally.connecting))])?;
    row(f, "kept", &[brief(&tally.sessions)])?;
    let (codes, others) = most_frequent(&tally.close_codes, |count| *count);
    let codes = codes.iter().map(|(code, count)| format!("{code}: {}", grouped(**count)));
    let others = (others > 0).then(|| format!("others: {}", grouped(others)));
    row(f, "close codes", &[codes.chain(others).collect::<Vec<_>>().join(", ")])?;
    let (failures, others) = most_frequent(&tally.failures, |failed| failed.count);
    for (failure, failed) in failures {
        let example = match example(failure, failed) {
            "" => String::new(),
            example => format!(" ({example})"),
        };
        row(f, "error", &[grouped(failed.count), format!("{failure}{example}")])?;
    }
    match others {
        0 => Ok(()),
        others => row(f, "error", &[grouped(others), "of other kinds".to_owned()]),
    }
}

fn checks(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    if report.checks().next().is_some() {
        writeln!(f, "\nchecks")?;
    }
    for (name, passed, failed) in report.checks() {
        let all = grouped(passed + failed);
        let (mark, told) = match (passed, failed) {
            (0, 0) => ("never ran", "there was no answer".to_owned()),
            (_, 0) => ("ok", format!("{all} of {all} passed")),
            _ => ("FAILED", format!("{} of {all} failed", grouped(failed))),
        };
        row(f, mark, &[format!("{told}: {name}")])?;
    }
    Ok(())
}

fn generator(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    let generator = report.generator();
    writeln!(f, "\ngenerator")?;
    let (busiest, seconds) = (generator.busiest() * 100.0, generator.cpu_seconds());
    row(f, "worked", &[format!("{busiest:.0}% of a core at most, {seconds:.1} s in all")])?;
    row(f, "woken late", &[format!("p99 {:.2} ms, max {:.2} ms", generator.late_p99(), generator.late_max())])?;
    match generator.limit() {
        Some(limit) => writeln!(f, "\nTHE GENERATOR WAS THE LIMIT: {limit}"),
        None => Ok(()),
    }
}

/// The most frequent ones, and how often there was another.
fn most_frequent<K: Ord, V>(all: &BTreeMap<K, V>, count: impl Fn(&V) -> u64) -> (Vec<(&K, &V)>, u64) {
    let mut all: Vec<_> = all.iter().collect();
    all.sort_by_key(|(_, value)| Reverse(count(value)));
    let others = all.iter().skip(MOST_KINDS).map(|(_, value)| count(value)).sum();
    all.truncate(MOST_KINDS);
    (all, others)
}

/// What may be wrong where the next message is the answer, whatever it is.
fn doubt(report: &Report) -> Option<&'static str> {
    let tally = &report.tally;
    let has_others = tally.received > tally.round_trips.count();
    match report.plan.takes_in_order {
        true if report.plan.plays && has_others => {
            Some("one of the other messages that came may be taken for an answer; --answers json:PATH knows them apart")
        }
        true if tally.lost > 0 && tally.received > 0 => {
            Some("one that came too late may be taken for the next one's, which then looks faster than it was")
        }
        _ => None,
    }
}

fn hears(publisher_hears: Option<bool>) -> &'static str {
    match publisher_hears {
        Some(true) => "by the first connection, which hears itself",
        _ => "by the first connection, which does not hear itself",
    }
}

fn row(f: &mut Formatter<'_>, name: &str, cells: &[String]) -> fmt::Result {
    let mut line = format!("  {name:<12}");
    for (index, cell) in cells.iter().enumerate() {
        match (index, cells.len()) {
            (0, 1) => write!(line, " {cell}")?,
            (0, _) => write!(line, " {cell:>13}")?,
            _ => write!(line, "  {cell:>12}")?,
        }
    }
    writeln!(f, "{}", line.trim_end())
}

fn times(f: &mut Formatter<'_>, tally: &Tally) -> fmt::Result {
    let trips = &tally.round_trips;
    if trips.count() == 0 {
        return writeln!(f, "  none was measured");
    }
    let cells = [
        ("min", trips.min()),
        ("mean", trips.mean()),
        ("p50", tally.round_trip_at(0.5)),
        ("p90", tally.round_trip_at(0.9)),
        ("p99", tally.round_trip_at(0.99)),
        ("p99.9", tally.round_trip_at(0.999)),
        ("max", trips.max()),
    ];
    let names: String = cells.iter().map(|(name, _)| format!("{name:>11}")).collect();
    let values: String = cells.iter().map(|(_, value)| format!("{:>11}", millis(*value))).collect();
    writeln!(f, "  {}\n  {}", names.trim_end(), values.trim_end())?;
    match tally.unanswered() {
        0 => Ok(()),
        few => {
            writeln!(f, "  {} without an answer: in percentiles they are slower than all that have one", grouped(few))
        }
    }
}

fn brief(spread: &Spread) -> String {
    if spread.count() == 0 {
        return "-".to_owned();
    }
    format!("p50 {}, p99 {}, max {}", millis(spread.at(0.5)), millis(spread.at(0.99)), millis(spread.max()))
}

/// Milliseconds with the unit that fits.
pub(super) fn millis(time: Option<f64>) -> String {
    match time {
        None => "-".to_owned(),
        Some(millis) if millis.is_infinite() => "no answer".to_owned(),
        Some(millis) if millis < 1.0 => format!("{:.0} us", millis * 1000.0),
        Some(millis) if millis < 100.0 => format!("{millis:.2} ms"),
        Some(millis) if millis < 1000.0 => format!("{millis:.0} ms"),
        Some(millis) if millis < 10_000.0 => format!("{:.2} s", millis / 1000.0),
        Some(millis) => format!("{:.1} s", millis / 1000.0),
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        few if few < 1024.0 => count(bytes, "byte"),
        some if some < 1_048_576.0 => format!("{:.1} KiB", some / 1024.0),
        many if many < 1_073_741_824.0 => format!("{:.1} MiB", many / 1_048_576.0),
        most => format!("{:.2} GiB", most / 1_073_741_824.0),
    }
}

fn share(part: u64, all: u64) -> String {
    match (part, all) {
        (0, _) => String::new(),
        _ => format!("{:.3}%", part as f64 / all as f64 * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::report::Generator;
    use crate::tally::{Failure, Tally};

    /// What is told of a load with one check.
    fn table(change: impl FnOnce(&mut Plan, &mut Tally)) -> String {
        let mut plan = Plan::new("ws://localhost/".parse().unwrap());
        plan.checks = vec!["same".parse().unwrap()];
        let mut tally = Tally::new(1);
        change(&mut plan, &mut tally);
        let generator = Generator::new(&tally, 0, 0);
        Report::new(&plan, tally, Vec::new(), 1, 10_000_000_000, 1, generator, false).to_string()
    }

    #[test]
    fn checks_say_how_often_they_failed_and_of_how_many() {
        for (counts, told) in [
            ((30, 0), "  ok           30 of 30 passed: same\n"),
            ((28, 2), "  FAILED       2 of 30 failed: same\n"),
            ((0, 0), "  never ran    there was no answer: same\n"),
        ] {
            let table = table(|_, tally| tally.checks[0] = counts);
            assert!(table.contains(told), "{table}");
        }
    }

    #[test]
    fn who_hears_only_what_answers_nothing_is_told_of_the_order() {
        let advice = "\nNO ANSWER WAS RECOGNISED: 10 messages came, and none names one of ours: `--answers order` ";
        let unexpected = |_: &mut Plan, tally: &mut Tally| tally.unexpected = 10;
        assert!(table(unexpected).contains(advice), "{}", table(unexpected));
        let some_known = table(|_, tally| {
            tally.unexpected = 10;
            tally.round_trips.record(1_000_000);
        });
        let nothing_came = table(|_, tally| tally.lost = 10);
        let in_order = table(|plan, tally| {
            plan.answers = crate::answers::Answers::InOrder;
            tally.unexpected = 10;
        });
        for other in [some_known, nothing_came, in_order] {
            assert!(!other.contains("--answers"), "{other}");
        }
    }

    #[test]
    fn errors_do_not_repeat_themselves() {
        let table = table(|_, tally| {
            tally.fail(Failure::Refused, "Connection refused (os error 111)");
            tally.fail(Failure::Status(503), "too many");
        });
        assert!(table.contains("1  connection refused\n"), "{table}");
        assert!(table.contains("1  handshake refused with HTTP 503 (too many)\n"), "{table}");
    }

    const TABLE: &str = "\
ws://localhost/ws?a=1&lt=2
1 connection, closed model, 8 in flight each, 5.0 s, ended early

messages (rates are totals over all connections)
  sent                 1,000         200/s      31.2 KiB
  received               900         180/s       3.9 MiB
  answered               200          40/s
  lost                    30       13.761%
  doubled                 35
  late                    12  answers after the timeout: they are among the lost, too
  unexpected              25  messages that answer nothing
  unsent                  45  due, but not sent until the end

round trips, from the moment at which a message was sent: a server that stalls is asked less meanwhile
          min       mean        p50        p90        p99      p99.9        max
      1.00 ms     101 ms     110 ms     197 ms  no answer  no answer     200 ms
  18 without an answer: in percentiles they are slower than all that have one

connections
  opened                  20  11 at once at most
  connecting   p50 2.00 ms, p99 2.00 ms, max 2.00 ms
  kept         p50 3.00 s, p99 3.00 s, max 3.00 s
  close codes  1000: 18, 1012: 2
  error                    2  handshake refused with HTTP 503 (<busy>)
  error                    1  closed by the server with 1012

checks
  FAILED       25 of 100 failed: contains:<b>

generator
  worked       25% of a core at most, 1.5 s in all
  woken late   p99 10.01 ms, max 50.02 ms

THE GENERATOR WAS THE LIMIT: it was woken 10.0 ms too late at p99: something else takes its processors, and round \
trips are too long by that
";

    #[test]
    fn all_that_was_counted_is_told() {
        let report = crate::report::tests::sample();
        assert_eq!(report.to_string(), TABLE);
    }

    #[test]
    fn few_kinds_are_told_one_by_one() {
        let codes: BTreeMap<u16, u64> = (4000..4999).map(|code| (code, u64::from(code == 4500) * 5 + 1)).collect();
        let (most, others) = most_frequent(&codes, |count| *count);
        assert_eq!((most[0], most.len(), others), ((&4500, &6), MOST_KINDS, 999 - 20));
        assert_eq!(most_frequent(&BTreeMap::from([(1000, 7)]), |count| *count).1, 0);
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0.05, 5.0, 500.0, 4_057.0, 20_000.0].map(|time| millis(Some(time))),
            ["50 us", "5.00 ms", "500 ms", "4.06 s", "20.0 s"]
        );
        assert_eq!([1, 2048, 5 << 20, 3 << 30].map(bytes), ["1 byte", "2.0 KiB", "5.0 MiB", "3.00 GiB"]);
    }
}
