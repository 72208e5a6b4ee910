//! Autobahn's cases against `mockforge serve --raw-echo`, driven by kosoku from PyPI. Its sections 12 and 13 are about
//! compression, which we do not speak.

mod verdict;

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, bail};

use crate::{
    mockforge::Mockforge,
    process,
    toolbox::{KOSOKU, Python},
    workspace::Workspace,
};

/// All cases together take about 15 s.
const LIMIT: Duration = Duration::from_secs(5 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let python = Python::ready(workspace, &[KOSOKU])?;
    let scratch = workspace.scratch("conformance");
    let report = scratch.join("report");
    if report.exists() {
        // An old report must not be taken for today's.
        fs::remove_dir_all(&report)?;
    }
    let server = mockforge.serve(&scratch.join("server.log"), ["--raw-echo"])?;
    let mut kosoku = Command::new(python.program("kosoku"));
    kosoku.args(["-x", "12.*", "-x", "13.*", "-o"]).arg(&report).arg(server.url());
    let output = process::capture(&mut kosoku, LIMIT)?;
    let index = fs::read(report.join("index.json"))
        .with_context(|| format!("kosoku wrote no report ({}): {}", output.status, output.stderr.trim()))?;
    let verdict = verdict::of(&index)?;
    print!("{verdict}");
    server.stop()?;
    if !verdict.is_good() {
        bail!("not conforming; the reports of the cases are in {}", report.display());
    }
    Ok(())
}
