//! The report as one page. It loads nothing: styles and charts are in it, and no script.

use std::fmt::Write;

use super::chart::{Line, Unit, bars, escape, lines};
use super::table::{grouped, millis};
use super::{Report, example};
use crate::threshold::Verdict;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:800px;margin:2em auto;padding:0 1em;color:#1f2937;\
    background:#fff}h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse}\
    td,th{padding:.2em 1em .2em 0;text-align:right}td:first-child,th:first-child{text-align:left}\
    svg{width:100%;font:11px system-ui,sans-serif}svg line{stroke:#e5e7eb}svg text{fill:#6b7280}\
    svg path{fill:none;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}\
    .legend span{margin-right:1.2em}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em}\
    svg path.wide{stroke-width:6;stroke-opacity:.35}.bad{color:#b91c1c;font-weight:600}\
    pre{background:#f3f4f6;padding:1em;overflow:auto}\
    @media(prefers-color-scheme:dark){body{background:#111827;color:#e5e7eb}svg line{stroke:#374151}\
    pre{background:#1f2937}.bad{color:#f87171}}";

pub(super) fn html(report: &Report, verdicts: &[Verdict]) -> String {
    let tally = &report.tally;
    let targets = escape(&report.plan.targets.join(", "));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Load of {targets}</title><style>{STYLE}</style></head><body>\n\
         <h1>Load of {targets}</h1>\n<p>{}, {:.1} s{}. Rates are totals over all connections.</p>\n",
        escape(&report.plan.model),
        report.seconds(),
        if report.was_stopped { ", <span class=\"bad\">ended early</span>" } else { "" },
    );
    if let Some(limit) = report.generator.limit() {
        let _ = writeln!(page, "<p class=\"bad\">The generator was the limit: {}.</p>", escape(&limit));
    }
    if let Some(advice) = report.advice() {
        let _ = writeln!(page, "<p class=\"bad\">No answer was recognised: {}.</p>", escape(&advice));
    }
    let mut section = |title: &str, content: &str| {
        let _ = writeln!(page, "<h2>{title}</h2>\n{content}");
    };
    if !verdicts.is_empty() {
        section("Thresholds", &thresholds(verdicts));
    }
    section("Messages and errors", &messages(report));
    section("Round trips", &round_trips(report));
    section("Messages per second", &throughput(report));
    section("Round trips over time", &over_time(report));
    let histogram: Vec<_> = tally
        .round_trips
        .buckets()
        .into_iter()
        .map(|(_, to, count)| (format!("< {}", millis(Some(to))), count))
        .collect();
    section("Round trips by length", &bars(&histogram));
    let open = over(report, "open", |row, _| Some(row.open as f64));
    section("Open connections", &lines(&[open], Unit::Number));
    if tally.failures.is_empty() {
        section("Errors", "<p>None.</p>");
    } else {
        let rows = tally
            .failures
            .iter()
            .map(|(failure, failed)| [failure.to_string(), grouped(failed.count), example(failure, failed).to_owned()]);
        section("Errors", &table(&["kind", "count", "first one"], rows));
    }
    if !tally.failures.is_empty() || tally.lost > 0 {
        let failures = over(report, "errors", |row, _| Some(row.failures as f64));
        let lost = over(report, "lost messages", |row, _| Some(row.lost as f64));
        section("Errors over time", &lines(&[failures, lost], Unit::Number));
    }
    let codes = tally.close_codes.iter().map(|(code, count)| [code.to_string(), grouped(*count)]);
    section("Close codes", &table(&["code", "connections"], codes));
    section("Summary", &format!("<pre>{}</pre>", escape(&report.to_string())));
    page.push_str("</body></html>\n");
    page
}

fn thresholds(verdicts: &[Verdict]) -> String {
    let rows = verdicts.iter().map(|verdict| {
        let outcome = if verdict.failed { Cell::bad("FAILED") } else { Cell::from("ok") };
        [Cell::from(format!("fail if {}", verdict.threshold)), Cell::from(verdict.measured.clone()), outcome]
    });
    table(&["condition", "measured", ""], rows)
}

/// What was sent, and first of all what went wrong with it.
fn messages(report: &Report) -> String {
    let tally = &report.tally;
    let failed_checks = tally.checks.iter().map(|(_, failed)| failed).sum();
    let mut columns = vec![("sent", tally.sent, false), ("received", tally.received, false)];
    if report.plan.has_answers {
        let answered = if report.plan.is_broadcast { "delivered" } else { "answered" };
        columns.extend([
            (answered, tally.round_trips.count(), false),
            ("lost", tally.lost, true),
            ("doubled", tally.doubled, true),
        ]);
        let rare = [("late", tally.late, true), ("unexpected", tally.unexpected, false)];
        columns.extend(rare.into_iter().filter(|(_, count, _)| *count > 0));
    }
    if report.plan.plays {
        columns.extend([("missing", tally.missing, true), ("played", tally.played, false)]);
    }
    columns.extend([("unsent", tally.unsent, true), ("errors", tally.failed(), true)]);
    if !tally.checks.is_empty() {
        columns.push(("failed checks", failed_checks, true));
    }
    let head: Vec<_> = columns.iter().map(|(name, ..)| *name).collect();
    let row = columns.iter().map(|(_, count, is_trouble)| {
        let told = grouped(*count);
        if *is_trouble && *count > 0 { Cell::bad(told) } else { Cell::from(told) }
    });
    table(&head, [row.collect::<Vec<_>>()])
}

fn round_trips(report: &Report) -> String {
    let (tally, trips) = (&report.tally, &report.tally.round_trips);
    let [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(|quantile| tally.round_trip_at(quantile));
    let cells = [trips.min(), trips.mean(), p50, p90, p99, p999, trips.max()];
    let origin = if report.plan.is_open || report.plan.is_broadcast {
        "Each begins when its message was due."
    } else {
        "Each begins when its message was sent: a server that stalls is asked less meanwhile."
    };
    let table = table(&["min", "mean", "p50", "p90", "p99", "p99.9", "max"], [cells.map(millis)]);
    let never = match tally.unanswered() {
        0 => String::new(),
        few => format!(" {} without an answer: in percentiles they are slower than all that have one.", grouped(few)),
    };
    format!("{table}<p>{origin}{never}</p>")
}

fn throughput(report: &Report) -> String {
    // Where as much comes as goes, the one would hide the other.
    let sent = Line { is_wide: true, ..over(report, "sent", |row, seconds| Some(row.sent as f64 / seconds)) };
    let received = over(report, "received", |row, seconds| Some(row.received as f64 / seconds));
    lines(&[sent, received], Unit::Number)
}

fn over_time(report: &Report) -> String {
    let at = |quantile: f64| move |row: &crate::record::Row, _: f64| row.round_trips.at(quantile);
    let all = [
        over(report, "p50", at(0.5)),
        over(report, "p90", at(0.9)),
        over(report, "p99", at(0.99)),
        over(report, "p99.9", at(0.999)),
    ];
    lines(&all, Unit::Millis)
}

fn over<'n>(report: &Report, name: &'n str, value: impl Fn(&crate::record::Row, f64) -> Option<f64>) -> Line<'n> {
    let points = report.rows.iter().enumerate().map(|(index, row)| {
        let (begin, seconds) = report.span(index);
        (begin, value(row, seconds))
    });
    Line { name, points: points.collect(), is_wide: false }
}

/// What stands in a table.
struct Cell {
    text: String,
    is_bad: bool,
}

impl Cell {
    fn bad(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_bad: true }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), is_bad: false }
    }
}

fn table<R>(head: &[&str], rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item: Into<Cell>>,
{
    let head: String = head.iter().map(|name| format!("<th>{name}</th>")).collect();
    let cell = |cell: Cell| {
        let class = if cell.is_bad { " class=\"bad\"" } else { "" };
        format!("<td{class}>{}</td>", escape(&cell.text))
    };
    let row = |row: R| format!("<tr>{}</tr>", row.into_iter().map(|it| cell(it.into())).collect::<String>());
    let rows: String = rows.into_iter().map(row).collect();
    format!("<table><tr>{head}</tr>{rows}</table>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::report::Generator;
    use crate::report::tests::sample;
    use crate::tally::{Failure, Tally};

    fn page(was_stopped: bool, change: impl FnOnce(&mut Tally)) -> String {
        let mut tally = Tally::default();
        change(&mut tally);
        let generator = Generator::new(&tally, 0, 0);
        let plan = Plan::new("ws://localhost/".parse().unwrap());
        let report = Report::new(&plan, tally, Vec::new(), 1, 1_000_000_000, 1, generator, was_stopped);
        let verdicts = ["lost>0", "doubled>0"].map(|it| it.parse::<crate::Threshold>().unwrap().judge(&report));
        html(&report, &verdicts)
    }

    #[test]
    fn trouble_stands_before_the_charts() {
        let page = page(true, |tally| {
            (tally.sent, tally.lost, tally.unsent, tally.unexpected) = (20_000, 1_234, 2, 20);
            tally.fail(Failure::Refused, "");
        });
        let top = page.split("<svg").next().unwrap();
        for told in [
            "<span class=\"bad\">ended early</span>",
            "<td>20,000</td>",
            "<td class=\"bad\">1,234</td>",
            "<td class=\"bad\">2</td>",
            "<td class=\"bad\">1</td>",
            "--answers order",
            "<td>fail if lost&gt;0</td><td>1234</td><td class=\"bad\">FAILED</td>",
            "<td>fail if doubled&gt;0</td><td>0</td><td>ok</td>",
        ] {
            assert!(top.contains(told), "{told}: {top}");
        }
    }

    #[test]
    fn what_went_well_is_not_marked() {
        let page = page(false, |tally| tally.sent = 5);
        assert!(!page.contains("class=\"bad\"") && !page.contains("ended early"), "{page}");
    }

    #[test]
    fn a_page_has_what_was_measured() {
        let verdict =
            |failed, condition: &str| Verdict { threshold: condition.to_owned(), failed, measured: "30".to_owned() };
        let page = html(&sample(), &[verdict(true, "lost>0"), verdict(false, "lost>99")]);
        for part in [
            "<h1>Load of ws://localhost/ws?a=1&amp;lt=2</h1>",
            "<p>1 connection, closed model, 8 in flight each, 5.0 s, <span class=\"bad\">ended early</span>. Rates are totals",
            "<p class=\"bad\">The generator was the limit: it was woken 10.0 ms too late",
            "<td>fail if lost&gt;0</td><td>30</td><td class=\"bad\">FAILED</td>",
            "<td>fail if lost&gt;99</td><td>30</td><td>ok</td>",
            "<td>1.00 ms</td><td>101 ms</td><td>110 ms</td><td>197 ms</td><td>no answer</td><td>no answer</td><td>200 ms</td>",
            "Each begins when its message was sent: a server that stalls is asked less meanwhile. 18 without an answer: ",
            "<td class=\"bad\">30</td><td class=\"bad\">35</td><td class=\"bad\">12</td><td>25</td><td class=\"bad\">45</td>",
            "<td>handshake refused with HTTP 503</td><td>2</td><td>&lt;busy&gt;</td>",
            "<td>1000</td><td>18</td></tr><tr><td>1012</td><td>2</td>",
            // From 66 to 131, and from 132 to 200.
            "<title>&lt; 131 ms: 66</title>",
            "<title>&lt; 262 ms: 69</title>",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn what_is_lost_is_shown_over_time_whether_connections_failed_or_not() {
        let mut report = sample();
        report.tally.failures.clear();
        let page = |report: &Report| html(report, &[]);
        assert!(page(&report).contains("<p>None.</p>") && page(&report).contains("</i>lost messages</span>"));
        report.tally.lost = 0;
        assert!(!page(&report).contains("lost messages"));
    }

    #[test]
    fn what_became_of_sessions_stands_before_the_charts() {
        let mut report = sample();
        assert!(!html(&report, &[]).contains("<th>played</th>"));
        (report.plan.plays, report.tally.missing, report.tally.played) = (true, 1_357, 246);
        let page = html(&report, &[]);
        let top = page.split("<svg").next().unwrap();
        assert!(top.contains("<th>missing</th><th>played</th>"), "{top}");
        assert!(top.contains("<td class=\"bad\">1,357</td><td>246</td>"), "{top}");
    }
}
