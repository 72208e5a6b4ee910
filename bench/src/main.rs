//! `cargo xtask bench`: our server beside others, on the same machine, in the same minutes.
//!
//! The server is pinned to one core and the load to another; each run is a fresh process; servers take turns, so that
//! what disturbs the machine disturbs them all. Figures are read from the kernel. Nothing here talks to anything but
//! 127.0.0.1, and every server is killed when the bench ends, however it ends.

mod args;
mod contest;
mod cores;
mod goals;
mod growth;
mod kept;
mod load;
mod machine;
mod page;
mod process;
mod report;
mod results;
mod scenario;
mod server;
mod soak;

use std::{fs, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;

use self::{
    args::{Args, Command, CommandLine},
    goals::GOALS,
    kept::KeptRatios,
    report::Report,
};

/// The most connections of any scenario.
const MOST_CONNECTIONS: usize = 5_000;

fn main() -> ExitCode {
    let CommandLine { command, args } = CommandLine::parse();
    let result = match command {
        None => contest(&args),
        Some(Command::Growth(args)) => growth::run(&args),
        Some(Command::Soak(args)) => soak::run(&args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("bench: {error:#}");
        ExitCode::FAILURE
    })
}

fn contest(args: &Args) -> Result<ExitCode> {
    let (runs, timing, scenarios) = (args.runs()?, args.timing(), args.scenarios());
    let page = args.common.page(args.is_whole(), "figures")?;
    let mut ratios = KeptRatios::load()?;
    let contestants = contest::prepare(args)?;

    let cores = args.common.cores()?;
    machine::raise_file_limit(MOST_CONNECTIONS)?;
    cores.take_load_core()?;

    let watch = machine::Watch::start();
    let results = contest::hold(&contestants, &scenarios, runs, timing, cores)?;
    let heading = machine::heading(cores, runs, timing, watch.disturbance());

    let entrants: Vec<_> = contestants.into_iter().map(|contestant| contestant.entrant).collect();
    let comparison = ratios.compare(&results);
    let report = Report {
        heading: &heading,
        scenarios: &scenarios,
        entrants: &entrants,
        results: &results,
        comparison: &comparison,
    };
    print!("{}", report.terminal());
    if let Some(file) = &args.json {
        let json = serde_json::to_vec_pretty(&results)?;
        fs::write(file, json).with_context(|| format!("writing {}", file.display()))?;
    }
    if args.keep {
        ratios.keep(&results);
        ratios.save()?;
    }
    if let Some(page) = page {
        page.put(&report.section())?;
    }
    let kept = comparison.worse.is_empty() && GOALS.iter().all(|goal| goal.kept(&results) == Some(true));
    Ok(if args.check && !kept { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
