//! `mockforge serve` as its users start it: the built program, a free port, an environment without settings.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    process::{self, Background},
    workspace::Workspace,
};

/// How long a server may take to start, and to stop.
const LIMIT: Duration = Duration::from_secs(20);

/// The program `mockforge`.
#[derive(Debug)]
pub(crate) struct Mockforge {
    program: PathBuf,
}

/// A running `mockforge serve`; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    background: Background,
    url: String,
    log: PathBuf,
}

impl Mockforge {
    /// Builds the program for release, or takes the one that is given.
    pub(crate) fn ready(workspace: &Workspace, given: Option<&Path>) -> Result<Self> {
        if let Some(program) = given {
            // The name alone would be looked for in PATH.
            let program = program.canonicalize().with_context(|| format!("no program at {}", program.display()))?;
            return Ok(Self { program });
        }
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--quiet", "--package", "mockforge-cli", "--bin", "mockforge"]);
        process::run(&mut cargo, process::LONG)?;
        Ok(Self { program: workspace.target().join("release/mockforge") })
    }

    /// The program with a subcommand, without the settings of this shell.
    pub(crate) fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(subcommand);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("MOCKFORGE_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Starts `mockforge serve` on a free port and waits until it listens. Its log goes to `log`.
    pub(crate) fn serve(&self, log: &Path, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<Server> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut command = self.command("serve");
        command.args(["--ws-port", "0"]).args(arguments);
        command.stderr(File::create(log).with_context(|| format!("{} cannot be written", log.display()))?);
        let mut background = Background::start(&mut command)?;
        let line = background.wait_for_line("", LIMIT).with_context(|| see(log))?;
        let Some(url) = line.strip_prefix("listening on ") else {
            bail!("`mockforge serve` printed `{line}` where `listening on ws://HOST:PORT/ws` was promised");
        };
        Ok(Server { background, url: url.to_owned(), log: log.to_owned() })
    }
}

impl Server {
    /// `ws://HOST:PORT/ws`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Shuts the server down as an operator does, and fails if it does not end well.
    pub(crate) fn stop(self) -> Result<()> {
        let status = self.background.stop(LIMIT).with_context(|| see(&self.log))?;
        if !status.success() {
            bail!("`mockforge serve` ended with {status} on SIGTERM; {}", see(&self.log));
        }
        Ok(())
    }
}

fn see(log: &Path) -> String {
    format!("its log is {}", log.display())
}
