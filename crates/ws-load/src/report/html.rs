//! The report as one page. It loads nothing: styles and charts are in it, and no script.

use std::fmt::Write;

use super::Report;
use super::chart::{Line, bars, escape, lines};
use super::table::{grouped, millis};
use crate::threshold::Verdict;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:800px;margin:2em auto;padding:0 1em;color:#1f2937;\
    background:#fff}h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse}\
    td,th{padding:.2em 1em .2em 0;text-align:right}td:first-child,th:first-child{text-align:left}\
    svg{width:100%;font:11px system-ui,sans-serif}svg line{stroke:#e5e7eb}svg text{fill:#6b7280}\
    svg path{fill:none;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}\
    .legend span{margin-right:1.2em}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em}\
    .bad{color:#b91c1c;font-weight:600}pre{background:#f3f4f6;padding:1em;overflow:auto}\
    @media(prefers-color-scheme:dark){body{background:#111827;color:#e5e7eb}svg line{stroke:#374151}\
    pre{background:#1f2937}.bad{color:#f87171}}";

pub(super) fn html(report: &Report, verdicts: &[Verdict]) -> String {
    let tally = &report.tally;
    let targets = escape(&report.plan.targets.join(", "));
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Load of {targets}</title><style>{STYLE}</style></head><body>\n\
         <h1>Load of {targets}</h1>\n<p>{}, {:.1} s. Rates are totals over all connections.</p>\n",
        escape(&report.plan.model),
        report.seconds(),
    );
    if let Some(limit) = report.generator.limit() {
        let _ = writeln!(page, "<p class=\"bad\">The generator was the limit: {}.</p>", escape(&limit));
    }
    let mut section = |title: &str, content: &str| {
        let _ = writeln!(page, "<h2>{title}</h2>\n{content}");
    };
    if !verdicts.is_empty() {
        section("Thresholds", &thresholds(verdicts));
    }
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
    section("Open connections", &lines(&[open], ""));
    if tally.failures.is_empty() {
        section("Errors", "<p>None.</p>");
    } else {
        let rows = tally
            .failures
            .iter()
            .map(|(failure, failed)| vec![failure.to_string(), grouped(failed.count), failed.example.clone()]);
        section("Errors", &table(&["kind", "count", "first one"], rows));
        let failures = over(report, "errors", |row, _| Some(row.failures as f64));
        let lost = over(report, "lost messages", |row, _| Some(row.lost as f64));
        section("Errors over time", &lines(&[failures, lost], ""));
    }
    let codes = tally.close_codes.iter().map(|(code, count)| vec![code.to_string(), grouped(*count)]);
    section("Close codes", &table(&["code", "connections"], codes));
    section("Summary", &format!("<pre>{}</pre>", escape(&report.to_string())));
    page.push_str("</body></html>\n");
    page
}

fn thresholds(verdicts: &[Verdict]) -> String {
    let rows = verdicts.iter().map(|verdict| {
        let outcome = if verdict.failed { "failed" } else { "held" };
        vec![format!("fail if {}", verdict.threshold), verdict.measured.clone(), outcome.to_owned()]
    });
    let table = table(&["condition", "measured", ""], rows);
    table.replace("<td>failed</td>", "<td class=\"bad\">failed</td>")
}

fn round_trips(report: &Report) -> String {
    let spread = &report.tally.round_trips;
    let cells =
        [spread.min(), spread.mean(), spread.at(0.5), spread.at(0.9), spread.at(0.99), spread.at(0.999), spread.max()];
    let row = cells.map(millis).to_vec();
    let origin = if report.plan.is_open || report.plan.is_broadcast {
        "Each begins when its message was due."
    } else {
        "Each begins when its message was sent: a server that stalls is asked less meanwhile."
    };
    let table = table(&["min", "mean", "p50", "p90", "p99", "p99.9", "max"], [row]);
    let (lost, doubled) = (grouped(report.lost()), grouped(report.doubled()));
    format!("{table}<p>{origin} Lost: {lost}. Doubled: {doubled}.</p>")
}

fn throughput(report: &Report) -> String {
    let sent = over(report, "sent", |row, seconds| Some(row.sent as f64 / seconds));
    let received = over(report, "received", |row, seconds| Some(row.received as f64 / seconds));
    lines(&[sent, received], "")
}

fn over_time(report: &Report) -> String {
    let at = |quantile: f64| move |row: &crate::record::Row, _: f64| row.round_trips.at(quantile);
    let all = [
        over(report, "p50", at(0.5)),
        over(report, "p90", at(0.9)),
        over(report, "p99", at(0.99)),
        over(report, "p99.9", at(0.999)),
    ];
    lines(&all, " ms")
}

fn over<'n>(report: &Report, name: &'n str, value: impl Fn(&crate::record::Row, f64) -> Option<f64>) -> Line<'n> {
    let points = report.rows.iter().enumerate().map(|(index, row)| {
        let (begin, seconds) = report.span(index);
        (begin, value(row, seconds))
    });
    Line { name, points: points.collect() }
}

fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let head: String = head.iter().map(|name| format!("<th>{name}</th>")).collect();
    let rows: String = rows
        .into_iter()
        .map(|row| {
            let cells: String = row.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
            format!("<tr>{cells}</tr>")
        })
        .collect();
    format!("<table><tr>{head}</tr>{rows}</table>")
}
