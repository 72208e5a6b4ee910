//! The `mockforge` program: flags in, exit code out.
//!
//! Exit codes: 0 done, 1 a problem with the user's input or a failed check, 2 usage. Logs and errors go to stderr; stdout
//! holds only a command's answer.

mod address;
#[cfg(feature = "admin")]
mod admin;
mod args;
mod check;
mod command_line;
mod completions;
mod config_file;
mod connect;
mod events;
mod export;
mod file_limit;
mod generate;
mod handlers;
mod import;
mod init;
mod input;
mod load;
mod log_filter;
mod logging;
mod named_files;
mod out_file;
mod playing;
mod reach;
mod record;
mod schema;
mod serve;
mod settings;
mod signals;
mod traffic;
mod trust;

use std::process::ExitCode;

use crate::args::Command;

fn main() -> ExitCode {
    let outcome = match command_line::parse().command {
        Command::Serve(options) => serve::serve(*options),
        Command::Init(options) => init::init(&options),
        Command::Record(options) => record::record(options),
        Command::Check(options) => check::check(&options),
        Command::Connect(options) => connect::connect(options),
        Command::Load(options) => load::load(*options),
        Command::Import(options) => import::import(&options),
        Command::Export(options) => export::export(&options),
        Command::Generate(options) => generate::generate(*options),
        Command::Schema => schema::schema(),
        Command::Completions { shell } => completions::completions(shell),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {}", causes(&error));
        ExitCode::FAILURE
    })
}

/// An error and what caused it. Some errors name their cause themselves: that is not said twice.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text {
        text if text.is_empty() => cause,
        text if text.contains(&cause) => text,
        text => format!("{text}: {cause}"),
    })
}
