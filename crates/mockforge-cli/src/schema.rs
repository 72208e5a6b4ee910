//! `mockforge schema`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;

use crate::config_file;

pub(crate) fn schema() -> anyhow::Result<ExitCode> {
    writeln!(io::stdout(), "{}", config_file::schema()).context("cannot write the schema")?;
    Ok(ExitCode::SUCCESS)
}
