//! `cargo xtask bench`: our server beside others, on the same machine, in the same minutes.
//!
//! The server is pinned to one core and the load to another; each run is a fresh process; servers take turns, so that
//! what disturbs the machine disturbs them all. Figures are read from the kernel. Nothing here talks to anything but
//! 127.0.0.1, and every server is killed when the bench ends, however it ends.

mod args;
mod contest;
mod cores;
mod goals;
mod load;
mod machine;
mod process;
mod report;
mod results;
mod scenario;
mod server;

use std::{fs, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;

use self::{args::Args, cores::Cores, goals::GOALS};

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<ExitCode> {
    let (runs, timing, scenarios) = (args.runs()?, args.timing(), args.scenarios());
    let contestants = contest::prepare(args)?;

    let cores = args.cores.map_or_else(Cores::first_two, Ok)?;
    machine::raise_file_limit()?;
    cores.take_load_core()?;

    let watch = machine::Watch::start();
    let results = contest::hold(&contestants, &scenarios, runs, timing, cores)?;
    let heading = machine::heading(cores, runs, timing, watch.disturbance());

    let entrants: Vec<_> = contestants.into_iter().map(|contestant| contestant.entrant).collect();
    print!("{}", report::markdown(&heading, &scenarios, &entrants, &results));
    if let Some(file) = &args.json {
        let json = serde_json::to_vec_pretty(&results)?;
        fs::write(file, json).with_context(|| format!("writing {}", file.display()))?;
    }
    let kept = GOALS.iter().all(|goal| goal.kept(&results) == Some(true));
    Ok(if args.check && !kept { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
