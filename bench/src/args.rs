//! The command line.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand, builder::PossibleValuesParser};

use crate::{
    cores::Cores,
    growth::{AXES, Axis},
    load::Timing,
    page::Page,
    scenario::{SCENARIOS, Scenario},
    server::Entrant,
};

/// Below this many runs a median is no basis for a verdict.
const RUNS_FOR_A_VERDICT: usize = 5;

/// Measures our server beside others: one core for the server, one for the load, runs alternating.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100, args_conflicts_with_subcommands = true)]
pub(crate) struct CommandLine {
    /// What else there is
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) args: Args,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// How the cost of our server grows with connections, rooms, members and rules: figures, exponents, plots
    Growth(GrowthArgs),
    /// 10,000 connections and 1,000,000 messages, three times: nothing lost, nothing doubled, memory flat afterwards
    Soak(SoakArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct GrowthArgs {
    /// Only what grows with this; may be given several times
    #[arg(long = "axis", value_name = "NAME", value_parser = axis_names())]
    axes: Vec<String>,

    /// Runs of each point; their median counts [default: 3, with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    runs: Option<u8>,

    /// A short look that proves nothing: one run of each, 0.3 s, and no more than 1,000 of anything
    #[arg(long)]
    pub(crate) quick: bool,

    /// End with exit code 1 when something grows faster than it may
    #[arg(long, conflicts_with = "quick")]
    pub(crate) check: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SoakArgs {
    /// A tenth of the connections and of the messages
    #[arg(long)]
    pub(crate) quick: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// What all commands take.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// The page that the tables are written to [default: docs/performance.md, after a whole run of a release build]
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,

    /// Core of the server and core of the load [default: the first two that may be used]
    #[arg(long, value_name = "SERVER,LOAD", value_parser = Cores::parse)]
    cores: Option<Cores>,
}

#[derive(Debug, clap::Args)]
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
    #[arg(long, conflicts_with_all = ["check", "keep"])]
    quick: bool,

    /// End with exit code 1 when a goal is missed or was not measured, or a ratio is worse by half than the kept one
    #[arg(long)]
    pub(crate) check: bool,

    /// Keep the ratios of this run in bench/ratios.toml
    #[arg(long)]
    pub(crate) keep: bool,

    /// Write every run to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Common {
    /// # Errors
    /// When there are no two cores.
    pub(crate) fn cores(&self) -> Result<Cores> {
        self.cores.map_or_else(Cores::first_two, Ok)
    }

    /// Where the tables of a run go: where somebody said, or, if the run was whole, to the project's page.
    ///
    /// # Errors
    /// As [`Page::open`].
    pub(crate) fn page(&self, whole: bool, part: &'static str) -> Result<Option<Page>> {
        let ours = (whole && !cfg!(debug_assertions)).then(Page::of_the_project);
        self.page.clone().or(ours).map(|file| Page::open(file, part)).transpose()
    }
}

impl GrowthArgs {
    pub(crate) fn runs(&self) -> usize {
        self.runs.map_or(if self.quick { 1 } else { 3 }, usize::from)
    }

    pub(crate) fn timing(&self) -> Timing {
        timing(self.quick)
    }

    pub(crate) fn axes(&self) -> Vec<&'static Axis> {
        let wanted = |name| self.axes.is_empty() || self.axes.iter().any(|wanted| wanted == name);
        AXES.iter().filter(|axis| wanted(axis.name)).collect()
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.axes.is_empty() && !self.quick
    }
}

/// How long runs last that nobody said more about.
fn timing(quick: bool) -> Timing {
    let (warm_up, measured) = if quick { (200, 300) } else { (500, 1500) };
    Timing { warm_up: Duration::from_millis(warm_up), measured: Duration::from_millis(measured) }
}

impl Args {
    /// # Errors
    /// When a verdict is wanted from too few runs.
    pub(crate) fn runs(&self) -> Result<usize> {
        let runs = self.runs.unwrap_or(if self.quick { 1 } else { RUNS_FOR_A_VERDICT });
        ensure!(runs > 0, "--runs has to be at least 1");
        for (wanted, option) in [(self.check, "--check"), (self.keep, "--keep")] {
            ensure!(!wanted || runs >= RUNS_FOR_A_VERDICT, "{option} needs at least {RUNS_FOR_A_VERDICT} runs");
        }
        Ok(runs)
    }

    /// Whether everything is measured, and long enough for a page that people read.
    pub(crate) fn is_whole(&self) -> bool {
        let chosen = !self.scenarios.is_empty() || !self.servers.is_empty() || !self.with.is_empty();
        !chosen && self.runs().is_ok_and(|runs| runs >= RUNS_FOR_A_VERDICT)
    }

    pub(crate) fn timing(&self) -> Timing {
        let usual = timing(self.quick);
        Timing { measured: self.seconds.unwrap_or(usual.measured), ..usual }
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

fn axis_names() -> PossibleValuesParser {
    PossibleValuesParser::new(AXES.iter().map(|axis| axis.name))
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
        let line = CommandLine::try_parse_from(std::iter::once("bench").chain(line.split_whitespace()))?;
        Ok(line.args)
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
        assert!(args("--keep --quick").is_err());
        assert!(args("--keep --runs 4").unwrap().runs().is_err());
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
    fn only_a_whole_run_is_for_the_page() {
        for (line, whole) in [
            ("", true),
            ("--all --runs 7 --check", true),
            ("--quick", false),
            ("--runs 4", false),
            ("--scenario idle", false),
            ("--server ours", false),
            ("--with old=/x/ours", false),
        ] {
            assert_eq!(args(line).unwrap().is_whole(), whole, "{line}");
        }
    }

    #[test]
    fn commands_have_options_of_their_own() {
        let command = |line: &str| {
            let words = std::iter::once("bench").chain(line.split_whitespace());
            CommandLine::try_parse_from(words).map(|line| line.command)
        };
        let Some(Command::Growth(growth)) = command("growth --axis rooms").unwrap() else { panic!("no growth") };
        assert_eq!(growth.axes().iter().map(|axis| axis.name).collect::<Vec<_>>(), ["rooms"]);
        assert!((growth.runs(), growth.is_whole()) == (3, false));
        assert!(matches!(command("soak --quick").unwrap(), Some(Command::Soak(SoakArgs { quick: true, .. }))));
        for wrong in ["growth --axis width", "growth --runs 0", "growth --quick --check", "soak --all", "--all soak"] {
            assert!(command(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_who_takes_part_is_made_ready() {
        assert_eq!(servers("--scenario script-64"), ["ours", "ours-js", "node-ws"]);
        assert_eq!(servers("--scenario proxied"), ["ours", "pump", "nginx"]);
        assert_eq!(servers("--scenario replay"), ["ours", "mockoon"]);
        assert!(servers("--all").contains(&"mitmproxy".to_owned()) && !servers("").contains(&"mitmproxy".to_owned()));
        assert!(!servers("--scenario echo-64").contains(&"node-ws".to_owned()));
        assert!(servers("--scenario echo-64 --all").contains(&"node-ws".to_owned()));
        assert!(servers("--scenario idle --server pump").is_empty());
    }
}
