//! `mockforge check`: says of each file what is wrong with it, or what it holds.

use std::io::{self, Write};
use std::process::ExitCode;

use mockforge_ws::CheckReport;

use crate::args::Check;

pub(crate) fn check(options: &Check) -> anyhow::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    let mut code = ExitCode::SUCCESS;
    for file in &options.files {
        let report = CheckReport::of_file(file);
        writeln!(stdout, "{report}")?;
        if !report.passed() {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
