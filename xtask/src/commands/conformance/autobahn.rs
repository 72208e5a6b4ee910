//! kosoku as the client that tests a server, and as the server that tests a client. Autobahn's sections 12 and 13 are
//! about compression, which we do not speak.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    mockforge::Mockforge,
    process::{self, Background},
    toolbox::Python,
};

/// All cases together take less than 30 s.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// How long kosoku may take to start, or to write its report.
const SOON: Duration = Duration::from_secs(60);

/// The program, and where its reports go.
#[derive(Debug)]
pub(super) struct Autobahn {
    kosoku: PathBuf,
    scratch: PathBuf,
}

impl Autobahn {
    pub(super) fn new(python: &Python, scratch: &Path) -> Self {
        Self { kosoku: python.program("kosoku"), scratch: scratch.to_owned() }
    }

    /// Plays the client against the server at `url`, and returns the report's index.
    pub(super) fn test_server(&self, url: &str, name: &str) -> Result<Vec<u8>> {
        let report = self.empty(name)?;
        let output = process::capture(self.command(&report).arg(url), LIMIT)?;
        index(&report).with_context(|| format!("kosoku ({}): {}", output.status, output.stderr.trim()))
    }

    /// Plays the server behind a proxy of ours, through which `driver`, which takes the proxy's address, walks the
    /// cases; returns the report's index.
    pub(super) fn test_upstream_side(&self, mockforge: &Mockforge, mut driver: Command, name: &str) -> Result<Vec<u8>> {
        let report = self.empty(name)?;
        let mut command = self.command(&report);
        command.args(["--mode", "fuzzingserver", "127.0.0.1:0"]).stderr(Stdio::piped());
        let mut kosoku = Background::start(&mut command)?;
        let line = kosoku.wait_for_line("listening on ws://", SOON)?;
        let url = line.split_whitespace().next_back().unwrap_or_default();
        let proxy = mockforge.serve(&self.scratch.join(name).with_extension("log"), ["--proxy", url])?;
        process::run(driver.arg(proxy.url()), LIMIT)?;
        // It ends when it has been asked for the report.
        let (status, printed) = kosoku.finish(SOON)?;
        proxy.stop()?;
        index(&report).with_context(|| format!("kosoku ({status}): {printed}"))
    }

    fn command(&self, report: &Path) -> Command {
        let mut command = Command::new(&self.kosoku);
        command.args(["-x", "12.*", "-x", "13.*", "-o"]).arg(report);
        command
    }

    /// The folder of a report. An old one must not be taken for today's.
    fn empty(&self, name: &str) -> Result<PathBuf> {
        let report = self.scratch.join(name);
        if report.exists() {
            fs::remove_dir_all(&report)?;
        }
        Ok(report)
    }
}

fn index(report: &Path) -> Result<Vec<u8>> {
    fs::read(report.join("index.json")).context("kosoku wrote no report")
}
