//! The results as Markdown that reads well in a terminal too.

mod table;

use std::fmt::Write as _;

use self::table::Table;
use crate::{
    goals::{GOALS, Limit},
    results::{Results, Spread},
    scenario::{Sample, Scenario},
    server::{Ability, Entrant},
};

/// Everything that the reader gets: goals last, where the eye is when a run ends.
pub(crate) fn markdown(heading: &str, scenarios: &[&Scenario], entrants: &[Entrant], results: &Results) -> String {
    let mut text = format!("{heading}\n");
    for scenario in scenarios {
        let _ = writeln!(text, "- {}: {}; {}", scenario.name, scenario.title, scenario.unit());
    }
    // Scenarios of other servers have a table of their own.
    let groups =
        || scenarios.chunk_by(|one, next| (one.needs() == Ability::Handlers) == (next.needs() == Ability::Handlers));
    text.push_str("\nFigures: median (min..max)\n\n");
    for group in groups() {
        let _ = writeln!(text, "{}", figures(group, entrants, results));
    }
    text.push_str("Ours / theirs, run by run: below 1 we are cheaper\n\n");
    for group in groups() {
        let _ = writeln!(text, "{}", ratios(group, entrants, results));
    }
    let _ = write!(
        text,
        "Behind the figures: medians\n\n{}\nGoals\n\n{}",
        details(scenarios, entrants, results),
        goals(results),
    );
    text
}

fn figures(scenarios: &[&Scenario], entrants: &[Entrant], results: &Results) -> Table {
    let mut table = Table::new(["server"].into_iter().chain(names(scenarios)));
    for entrant in present(scenarios, entrants, results) {
        let name = match entrant.version() {
            Some(version) => format!("{} {version}", entrant.name),
            None => entrant.name.clone(),
        };
        table.row(
            [name]
                .into_iter()
                .chain(scenarios.iter().map(|scenario| cell(results.figure(scenario.name, &entrant.name)))),
        );
    }
    table
}

fn ratios(scenarios: &[&Scenario], entrants: &[Entrant], results: &Results) -> Table {
    let mut table = Table::new(["ours /"].into_iter().chain(names(scenarios)));
    for peer in present(scenarios, entrants, results).filter(|entrant| entrant.name != "ours") {
        table.row(
            [peer.name.clone()]
                .into_iter()
                .chain(scenarios.iter().map(|scenario| cell(results.ratio(scenario.name, "ours", &peer.name)))),
        );
    }
    table
}

fn details(scenarios: &[&Scenario], entrants: &[Entrant], results: &Results) -> Table {
    let mut table = Table::new(["scenario", "server", "events/s", "core busy", "in kernel", "p50 us", "p99 us"]);
    for scenario in scenarios {
        for entrant in entrants {
            let samples = results.samples(scenario.name, &entrant.name);
            if samples.iter().any(|sample| sample.traffic.is_some()) {
                table.row(detail(scenario, entrant, samples));
            }
        }
    }
    table
}

fn detail(scenario: &Scenario, entrant: &Entrant, samples: &[Sample]) -> [String; 7] {
    let traffic = || samples.iter().filter_map(|sample| sample.traffic.as_ref());
    let round_trip = || traffic().filter_map(|traffic| traffic.round_trip);
    let median = |spread: Option<Spread>| spread.map(|spread| spread.median);
    let percent = |part: Option<f64>| part.map_or("-".into(), |part| format!("{:.0}%", part * 100.0));
    let whole = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.0}"));
    [
        scenario.name.into(),
        entrant.name.clone(),
        whole(median(Spread::of(traffic().map(|traffic| traffic.events_per_second())))),
        percent(median(Spread::of(traffic().map(|traffic| traffic.busy())))),
        percent(median(Spread::of(traffic().map(|traffic| traffic.in_kernel())))),
        whole(median(Spread::of(round_trip().map(|trip| trip.p50_us as f64)))),
        whole(median(Spread::of(round_trip().map(|trip| trip.p99_us as f64)))),
    ]
}

fn goals(results: &Results) -> Table {
    let mut table = Table::new(["goal", "limit", "measured", "verdict"]);
    for goal in &GOALS {
        let (what, limit) = match goal.limit {
            Limit::Times { server, peer, times } => (format!("{}: {server} / {peer}", goal.scenario), times),
            Limit::Figure(most) => (format!("{}: ours", goal.scenario), most),
            Limit::Above { server, by } => (format!("{}: {server} - ours", goal.scenario), by),
        };
        let verdict = match goal.kept(results) {
            Some(true) => "pass",
            Some(false) => "MISS",
            None => "not measured",
        };
        table.row([what, number(limit), cell(goal.measured(results)), verdict.into()]);
    }
    table
}

/// Those that ran in any of the scenarios.
fn present<'a>(
    scenarios: &[&Scenario],
    entrants: &'a [Entrant],
    results: &Results,
) -> impl Iterator<Item = &'a Entrant> {
    entrants.iter().filter(move |entrant| {
        scenarios.iter().any(|scenario| !results.samples(scenario.name, &entrant.name).is_empty())
    })
}

fn names<'a>(scenarios: &'a [&Scenario]) -> impl Iterator<Item = &'a str> {
    scenarios.iter().map(|scenario| scenario.name)
}

fn cell(spread: Option<Spread>) -> String {
    spread.map_or("-".into(), |Spread { median, min, max }| {
        format!("{} ({}..{})", number(median), number(min), number(max))
    })
}

/// About three significant digits.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::SCENARIOS;

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([0.3934, 6.614, 10.07, 134.2].map(number), ["0.393", "6.61", "10.1", "134"]);
    }

    #[test]
    fn a_reader_finds_figures_ratios_and_verdicts() {
        let entrants: Vec<Entrant> =
            Entrant::known().into_iter().filter(|entrant| ["ours", "bun"].contains(&&*entrant.name)).collect();
        let scenarios: Vec<&Scenario> = SCENARIOS.iter().filter(|scenario| scenario.name == "pipelined").collect();
        let mut results = Results::default();
        for (ours, bun) in [(0.5, 0.4), (0.9, 0.3), (0.6, 0.5)] {
            results.push("pipelined", "ours", Sample { figure: ours, traffic: None });
            results.push("pipelined", "bun", Sample { figure: bun, traffic: None });
        }
        let text = markdown("A heading", &scenarios, &entrants, &results);
        let squeezed = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "A heading - pipelined: echo, 64 connections x 32 B, 16 in flight each; CPU s per M messages",
            "| 0.600 (0.500..0.900) |",
            "| bun | 1.25 (1.20..3.00) |",
            "| pipelined: ours / bun | 2.00 | 1.25 (1.20..3.00) | pass |",
            "| idle: ours | 8.00 | - | not measured |",
        ] {
            assert!(squeezed.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn handlers_have_a_table_of_their_own() {
        let wanted = ["echo-64", "script-64"];
        let scenarios: Vec<&Scenario> = SCENARIOS.iter().filter(|scenario| wanted.contains(&scenario.name)).collect();
        let mut results = Results::default();
        for (scenario, server, figure) in
            [("echo-64", "axum", 7.0), ("script-64", "ours", 5.0), ("script-64", "ours-js", 12.0)]
        {
            results.push(scenario, server, Sample { figure, traffic: None });
        }
        let text = markdown("A heading", &scenarios, &Entrant::known(), &results);
        let table =
            |name| text.split("\n\n").find(|table| table.starts_with("| server") && table.contains(name)).unwrap();
        assert!(table("echo-64").contains("axum") && !table("echo-64").contains("ours"), "{text}");
        assert!(table("script-64").contains("ours-js") && !table("script-64").contains("axum"), "{text}");
        let squeezed = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains("| script-64: ours-js - ours | 10.0 | 7.00 (7.00..7.00) | pass |"), "{text}");
    }
}
