//! The results as Markdown that reads well in a terminal too.

mod table;

pub(crate) use self::table::Table;

use std::fmt::Write as _;

use crate::{
    goals::GOALS,
    kept::Comparison,
    results::{Results, Spread},
    scenario::{Sample, Scenario},
    server::Entrant,
};

/// What a run came to.
pub(crate) struct Report<'a> {
    /// When, where and how.
    pub(crate) heading: &'a str,
    pub(crate) scenarios: &'a [&'static Scenario],
    pub(crate) entrants: &'a [Entrant],
    pub(crate) results: &'a Results,
    /// With the ratios that were kept before.
    pub(crate) comparison: &'a Comparison,
}

impl Report<'_> {
    /// For who started the run: goals last, where the eye is when it ends.
    pub(crate) fn terminal(&self) -> String {
        format!("{}\n{}{}\n{}", self.heading, self.measured(), self.kept(), self.goals())
    }

    /// For the page: goals first, where a reader looks.
    pub(crate) fn section(&self) -> String {
        format!("{}\n{}\n{}\n{}", self.heading, self.goals(), self.kept(), self.measured())
    }

    fn goals(&self) -> String {
        let mut table = Table::new(["goal", "limit", "measured", "verdict"]);
        for goal in &GOALS {
            let verdict = match goal.kept(self.results) {
                Some(true) => "pass",
                Some(false) => "MISS",
                None => "not measured",
            };
            let measured = cell(goal.measured(self.results));
            table.row([goal.describe(self.results), goal.limit.to_string(), measured, verdict.into()]);
        }
        format!("### Goals\n\n{table}")
    }

    /// Only what got worse is worth a line.
    fn kept(&self) -> String {
        let Comparison { worse, held, absent } = self.comparison;
        if worse.len() + held + absent == 0 {
            return "No ratios are kept yet.\n".into();
        }
        let mut text = format!(
            "Of the ratios that are kept, {} got worse by half, {held} did not, and {absent} were not measured.\n",
            worse.len()
        );
        if !worse.is_empty() {
            let mut table = Table::new(["worse by half", "kept", "measured"]);
            for worse in worse {
                table.row([worse.what.clone(), number(worse.kept), number(worse.measured)]);
            }
            let _ = write!(text, "\n{table}");
        }
        text
    }

    fn measured(&self) -> String {
        let mut text = String::new();
        for group in self.scenarios.chunk_by(|one, next| one.group() == next.group()) {
            if present(group, self.entrants, self.results).next().is_none() {
                continue;
            }
            let _ = writeln!(text, "### {}\n", group[0].group().title());
            for scenario in group {
                let _ = writeln!(text, "- `{}`: {}; {}", scenario.name, scenario.title, scenario.unit());
            }
            let _ = writeln!(text, "\n{}", figures(group, self.entrants, self.results));
            if let Some(ratios) = ratios(group, self.entrants, self.results) {
                let _ = writeln!(text, "Ours / theirs, run by run:\n\n{ratios}");
            }
        }
        let details = details(self.scenarios, self.entrants, self.results);
        let _ = writeln!(text, "### Behind the figures\n\n{details}");
        text
    }
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

/// `None` when ours ran beside nobody.
fn ratios(scenarios: &[&Scenario], entrants: &[Entrant], results: &Results) -> Option<Table> {
    let mut table = Table::new(["ours /"].into_iter().chain(names(scenarios)));
    let mut is_empty = true;
    for peer in entrants.iter().filter(|entrant| entrant.name != "ours") {
        let ratios: Vec<Option<Spread>> =
            scenarios.iter().map(|scenario| results.ratio(scenario.name, "ours", &peer.name)).collect();
        if ratios.iter().any(Option::is_some) {
            table.row([peer.name.clone()].into_iter().chain(ratios.into_iter().map(cell)));
            is_empty = false;
        }
    }
    (!is_empty).then_some(table)
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

/// Median and range.
pub(crate) fn cell(spread: Option<Spread>) -> String {
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
    use crate::{
        kept::Worse,
        load::{RoundTrip, Traffic},
        scenario::SCENARIOS,
    };

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([0.3934, 6.614, 10.07, 134.2].map(number), ["0.393", "6.61", "10.1", "134"]);
    }

    /// What three rounds could have given.
    fn results() -> Results {
        let mut results = Results::default();
        for round in [1.0, 1.5, 1.1] {
            for (scenario, server, figure) in [
                ("echo-64", "ours", 6.0),
                ("echo-64", "tokio-websockets", 6.2),
                ("echo-64", "fastwebsockets", 5.9),
                ("echo-64", "bun", 6.8),
                ("echo-64", "axum", 10.1),
                ("idle", "ours", 3.0),
                ("idle", "bun", 2.3),
                ("script-64", "ours", 6.0),
                ("script-64", "ours-js", 15.5),
            ] {
                let cpu_seconds = figure * round;
                let traffic = (scenario != "idle").then_some(Traffic {
                    events: 1_000_000,
                    seconds: cpu_seconds * 1.02,
                    user_seconds: cpu_seconds * 0.25,
                    system_seconds: cpu_seconds * 0.75,
                    round_trip: Some(RoundTrip { p50_us: 400, p99_us: 900 }),
                });
                results.push(scenario, server, Sample { figure: cpu_seconds, traffic });
            }
        }
        results
    }

    fn report(show: impl FnOnce(&Report<'_>) -> String) -> String {
        let wanted = ["echo-64", "idle", "replay", "script-64"];
        let scenarios: Vec<&Scenario> = SCENARIOS.iter().filter(|scenario| wanted.contains(&scenario.name)).collect();
        // Versions come and go.
        let entrants: Vec<Entrant> = Entrant::known().into_iter().map(Entrant::without_version).collect();
        let worse = vec![Worse { what: "idle: ours / bun".into(), kept: 0.8, measured: 1.3 }];
        let comparison = Comparison { worse, held: 4, absent: 1 };
        show(&Report {
            heading: "2026-11-22: a machine, 2 cores.\n3 runs of each.\n",
            scenarios: &scenarios,
            entrants: &entrants,
            results: &results(),
            comparison: &comparison,
        })
    }

    #[test]
    fn the_section_of_the_page() {
        insta::assert_snapshot!(report(|report| report.section()));
    }

    #[test]
    fn the_text_for_the_terminal_has_the_goals_last() {
        let text = report(|report| report.terminal());
        let (rest, goals) = text.split_once("### Goals").unwrap();
        assert!(rest.starts_with("2026-11-22: a machine") && rest.contains("### Behind the figures"), "{text}");
        assert!(goals.contains("| not measured |") && !goals.contains("\n\n|---"), "{goals}");
    }

    #[test]
    fn a_group_that_did_not_run_has_no_tables() {
        assert!(!report(|report| report.section()).contains("### Replay"));
    }
}
