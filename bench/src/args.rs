//! The command line.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use clap::{Parser, builder::PossibleValuesParser};

use crate::{
    cores::Cores,
    load::Timing,
    scenario::{SCENARIOS, Scenario},
    server::Entrant,
};

/// Below this many runs a median is no basis for a verdict.
const RUNS_FOR_A_VERDICT: usize = 5;

/// Measures our server beside others: one core for the server, one for the load, runs alternating.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100)]
pub(crate) struct Args {
    /// Runs of each server in each scenario [default: 5, with --quick 1]
    #[arg(long, value_name = "N")]
    runs: Option<usize>,

    /// How long each run is measured [default: 1.5, with --quick 0.3]
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<Duration>,

    /// Only this scenario; may be given several times
    #[arg(long = "scenario", value_name = "NAME", value_parser = scenario_names())]
    scenarios: Vec<String>,

    /// Only this server; may be given several times
    #[arg(long = "server", value_name = "NAME", value_parser = server_names(), conflicts_with = "all")]
    servers: Vec<String>,

    /// All servers, the slow ones and the `mockforge` program too
    #[arg(long)]
    all: bool,

    /// One more server, by its command: it has to print `listening on ws://ADDRESS/`, serve an echo at /ws/echo, for
    /// the broadcast a room at /ws/room, and for script-json-64 pings at /ws/json. Good for a build from before a change
    #[arg(long = "with", value_name = "NAME=COMMAND", value_parser = Entrant::given)]
    with: Vec<Entrant>,

    /// A short look that proves nothing: one run of each, 0.3 s
    #[arg(long, conflicts_with = "check")]
    quick: bool,

    /// End with exit code 1 when a goal is missed or was not measured
    #[arg(long)]
    pub(crate) check: bool,

    /// Write every run to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Core of the server and core of the load [default: the first two that may be used]
    #[arg(long, value_name = "SERVER,LOAD", value_parser = Cores::parse)]
    pub(crate) cores: Option<Cores>,
}

impl Args {
    /// # Errors
    /// When a verdict is wanted from too few runs.
    pub(crate) fn runs(&self) -> Result<usize> {
        let runs = self.runs.unwrap_or(if self.quick { 1 } else { RUNS_FOR_A_VERDICT });
        ensure!(runs > 0, "--runs has to be at least 1");
        ensure!(!self.check || runs >= RUNS_FOR_A_VERDICT, "--check needs at least {RUNS_FOR_A_VERDICT} runs");
        Ok(runs)
    }

    pub(crate) fn timing(&self) -> Timing {
        let (warm_up, measured) = if self.quick { (200, 300) } else { (500, 1500) };
        Timing {
            warm_up: Duration::from_millis(warm_up),
            measured: self.seconds.unwrap_or(Duration::from_millis(measured)),
        }
    }

    pub(crate) fn scenarios(&self) -> Vec<&'static Scenario> {
        let wanted = |name| self.scenarios.is_empty() || self.scenarios.iter().any(|wanted| wanted == name);
        SCENARIOS.iter().filter(|scenario| wanted(scenario.name)).collect()
    }

    /// The servers that take part in any of the scenarios.
    pub(crate) fn entrants(&self) -> Vec<Entrant> {
        let mut entrants = Entrant::known();
        if !self.servers.is_empty() {
            entrants.retain(|entrant| self.servers.contains(&entrant.name));
        } else if !self.all {
            entrants = entrants.into_iter().map(Entrant::unasked).collect();
        }
        entrants.extend(self.with.iter().cloned());
        let scenarios = self.scenarios();
        entrants.retain(|entrant| scenarios.iter().any(|scenario| entrant.can(scenario.needs())));
        entrants
    }

    /// Whether somebody asked for this server, so that leaving it out would be wrong.
    pub(crate) fn insists_on(&self, entrant: &Entrant) -> bool {
        entrant.is_ours()
            || self.servers.contains(&entrant.name)
            || self.with.iter().any(|given| given.name == entrant.name)
    }
}

fn scenario_names() -> PossibleValuesParser {
    PossibleValuesParser::new(SCENARIOS.map(|scenario| scenario.name))
}

fn server_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Entrant::known().into_iter().map(|entrant| entrant.name))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.1..=600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected seconds, from 0.1 to 600".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(std::iter::once("bench").chain(line.split_whitespace()))
    }

    fn servers(line: &str) -> Vec<String> {
        args(line).unwrap().entrants().into_iter().map(|entrant| entrant.name).collect()
    }

    #[test]
    fn a_verdict_needs_five_runs() {
        assert_eq!(args("").unwrap().runs().unwrap(), 5);
        assert_eq!(args("--quick").unwrap().runs().unwrap(), 1);
        assert!(args("--check --runs 4").unwrap().runs().is_err());
        assert!(args("--check --quick").is_err());
        assert!(args("--runs 0").unwrap().runs().is_err());
    }

    #[test]
    fn servers_and_scenarios_are_chosen_by_name() {
        assert!(!servers("").contains(&"mockforge".to_owned()));
        assert!(servers("--all").contains(&"mockforge".to_owned()));
        assert_eq!(servers("--server bun --with old=/x/ours"), ["bun", "old"]);
        assert!(args("--server nobody").is_err());
        assert!(args("--seconds 0").is_err());
        let chosen = args("--scenario idle").unwrap().scenarios();
        assert_eq!(chosen.iter().map(|scenario| scenario.name).collect::<Vec<_>>(), ["idle"]);
        assert_eq!(args("").unwrap().scenarios().len(), SCENARIOS.len());
    }

    #[test]
    fn only_who_takes_part_is_made_ready() {
        assert_eq!(servers("--scenario script-64"), ["ours", "ours-js", "node-ws"]);
        assert_eq!(servers("--scenario proxied"), ["ours", "pump"]);
        assert!(!servers("--scenario echo-64").contains(&"node-ws".to_owned()));
        assert!(servers("--scenario echo-64 --all").contains(&"node-ws".to_owned()));
        assert!(servers("--scenario idle --server pump").is_empty());
    }
}
