//! `cargo xtask`: what CI and developers run.
//!
//! Each command is a file under `commands/`; `cargo xtask ci` is the list of them that decides whether a change is
//! good. This package shares no code with the crates that it checks, and runs on Unix only: it ends the programs
//! that it starts by their process groups.

#![expect(clippy::print_stdout, reason = "a report is what xtask is for")]

mod commands;
mod metadata;
mod mockforge;
mod process;
mod server;
mod steps;
mod toolbox;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use crate::{commands::Command, workspace::Workspace};

/// What CI and developers of this workspace run.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = process::end_children_on_signals()
        .and_then(|()| Workspace::load())
        .and_then(|workspace| arguments.command.run(&workspace));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
