//! The ratios that are kept in the repository, and whether a run has got worse than they are.
//!
//! A ratio to a peer of the same minutes moves little from machine to machine, so it can be compared with one of last month,
//! where a figure cannot.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    results::Results,
    scenario::SCENARIOS,
    server::{Entrant, bench_folder},
};

/// How many times the kept ratio a measured one may be. Differences below that are not all noise, but some of them are.
const WORSE: f64 = 1.5;

const HEADING: &str = "\
# What our servers cost beside others: CPU or memory of ours, divided by theirs, in the median of the runs.
# Written by `cargo xtask bench --keep`; `--check` fails where a run is worse by half.
";

/// Scenario, then `ours / peer`, then the ratio.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct KeptRatios(BTreeMap<String, BTreeMap<String, f64>>);

/// A ratio that has got worse by half.
#[derive(Debug, PartialEq)]
pub(crate) struct Worse {
    /// `SCENARIO: OURS / PEER`.
    pub(crate) what: String,
    pub(crate) kept: f64,
    pub(crate) measured: f64,
}

/// How a run compares.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) worse: Vec<Worse>,
    /// Ratios that were measured and are not worse.
    pub(crate) held: usize,
    /// Ratios that are kept and were not measured.
    pub(crate) absent: usize,
}

impl KeptRatios {
    /// Those of the repository.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(crate) fn load() -> Result<Self> {
        let file = bench_folder().join("ratios.toml");
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        toml::from_str(&text).with_context(|| format!("{}", file.display()))
    }

    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn save(&self) -> Result<()> {
        let file = bench_folder().join("ratios.toml");
        fs::write(&file, self.to_toml()?).with_context(|| format!("writing {}", file.display()))
    }

    fn to_toml(&self) -> Result<String> {
        Ok(format!("{HEADING}\n{}", toml::to_string(self)?))
    }

    /// Takes over what was measured: each of ours beside each of others. What did not run stays as it was.
    pub(crate) fn keep(&mut self, results: &Results) {
        let (ours, others): (Vec<_>, Vec<_>) = Entrant::known().into_iter().partition(Entrant::is_ours);
        for scenario in SCENARIOS.iter().filter(|scenario| !scenario.is_tail()) {
            for (our, other) in ours.iter().flat_map(|our| others.iter().map(move |other| (our, other))) {
                if let Some(ratio) = results.ratio(scenario.name, &our.name, &other.name) {
                    let of_scenario = self.0.entry(scenario.name.to_owned()).or_default();
                    of_scenario.insert(format!("{} / {}", our.name, other.name), three_digits(ratio.median));
                }
            }
        }
    }

    pub(crate) fn compare(&self, results: &Results) -> Comparison {
        let mut comparison = Comparison::default();
        for (scenario, ratios) in &self.0 {
            for (pair, &kept) in ratios {
                let servers = pair.split_once(" / ");
                match servers.and_then(|(our, other)| results.ratio(scenario, our, other)) {
                    None => comparison.absent += 1,
                    Some(measured) if measured.median > kept * WORSE => comparison.worse.push(Worse {
                        what: format!("{scenario}: {pair}"),
                        kept,
                        measured: measured.median,
                    }),
                    Some(_) => comparison.held += 1,
                }
            }
        }
        comparison
    }
}

/// More would only change with every run.
fn three_digits(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Sample;

    fn results(figures: &[(&'static str, &str, f64)]) -> Results {
        let mut results = Results::default();
        for &(scenario, server, figure) in figures {
            results.push(scenario, server, Sample { figure, traffic: None });
        }
        results
    }

    fn kept(toml: &str) -> KeptRatios {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn only_what_is_worse_by_half_is_worse() {
        let kept = kept("[echo-64]\n\"ours / bun\" = 0.8\n");
        let with = |ours| kept.compare(&results(&[("echo-64", "ours", ours), ("echo-64", "bun", 10.0)]));
        // Better, and up to half as much again.
        for ours in [1.0, 8.0, 11.9] {
            assert_eq!(with(ours), Comparison { held: 1, ..Comparison::default() }, "{ours}");
        }
        let worse = with(12.1).worse;
        assert_eq!(worse, [Worse { what: "echo-64: ours / bun".into(), kept: 0.8, measured: 1.21 }]);
    }

    #[test]
    fn the_median_of_the_rounds_counts() {
        let kept = kept("[idle]\n\"ours / bun\" = 1.0\n");
        let runs = |ours: [f64; 3]| {
            let mut results = Results::default();
            for figure in ours {
                results.push("idle", "ours", Sample { figure, traffic: None });
                results.push("idle", "bun", Sample { figure: 1.0, traffic: None });
            }
            kept.compare(&results).worse.len()
        };
        assert_eq!(runs([1.0, 9.0, 1.0]), 0);
        assert_eq!(runs([1.0, 9.0, 9.0]), 1);
    }

    #[test]
    fn what_did_not_run_is_neither_held_nor_worse() {
        let kept = kept("[echo-64]\n\"ours / bun\" = 0.8\n[gone]\n\"ours / bun\" = 1.0\n");
        let comparison = kept.compare(&results(&[("echo-64", "ours", 100.0)]));
        assert_eq!(comparison, Comparison { absent: 2, ..Comparison::default() });
    }

    #[test]
    fn keeping_takes_what_was_measured_and_leaves_the_rest() {
        let mut ratios = kept("[echo-64]\n\"ours / bun\" = 0.8\n\"ours / axum\" = 0.5\n[idle]\n\"ours / bun\" = 2.0\n");
        ratios.keep(&results(&[
            ("echo-64", "ours", 1.0),
            ("echo-64", "ours-journal", 2.0),
            ("echo-64", "bun", 3.0),
            // Tails move too much.
            ("open-512", "ours", 1.0),
            ("open-512", "bun", 1.0),
        ]));
        let text = ratios.to_toml().unwrap();
        assert_eq!(
            text.strip_prefix(HEADING).unwrap(),
            "\n[echo-64]\n\"ours / axum\" = 0.5\n\"ours / bun\" = 0.333\n\"ours-journal / bun\" = 0.667\n\n\
             [idle]\n\"ours / bun\" = 2.0\n"
        );
        assert_eq!(kept(&text), ratios);
    }

    #[test]
    fn what_lies_in_the_repository_can_be_read() {
        let ratios = KeptRatios::load().unwrap();
        for scenario in ratios.0.keys() {
            assert!(SCENARIOS.iter().any(|known| known.name == scenario), "{scenario}");
        }
    }
}
