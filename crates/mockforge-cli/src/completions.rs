//! `mockforge completions`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;

pub(crate) fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    // Written to memory first: clap_complete panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "mockforge", &mut script);
    let mut stdout = io::stdout().lock();
    stdout.write_all(&script).and_then(|()| stdout.flush()).context("cannot write the completions")?;
    Ok(ExitCode::SUCCESS)
}
