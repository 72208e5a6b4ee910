//! The `mockforge` program: flags in, exit code out.
//!
//! Exit codes: 0 done, 1 a problem with the user's input or a failed check, 2 usage. Logs and errors go to stderr; stdout
//! holds only a command's answer.

mod args;
mod check;
mod connect;
mod file_limit;
mod serve;

use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Serve(options) => serve::serve(options),
        Command::Check(options) => check::check(&options),
        Command::Connect(options) => connect::connect(options),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Args::command(), "mockforge", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
