//! The program `mockforge`, without the settings of the shell from which xtask was started.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{process, server::Server, workspace::Workspace};

/// The built program.
#[derive(Debug)]
pub(crate) struct Mockforge {
    program: PathBuf,
}

impl Mockforge {
    /// Builds the program, or takes the one that is given. Not for release: from a cold start that would take a quarter of
    /// the time that all steps together may take.
    pub(crate) fn ready(workspace: &Workspace, given: Option<&Path>) -> Result<Self> {
        if let Some(program) = given {
            // The name alone would be looked for in PATH.
            let program = program.canonicalize().with_context(|| format!("no program at {}", program.display()))?;
            return Ok(Self { program });
        }
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--quiet", "--package", "mockforge-cli", "--bin", "mockforge"]);
        process::run(&mut cargo, process::LONG)?;
        Ok(Self { program: workspace.target().join("debug/mockforge") })
    }

    /// Where the program is, for scripts that start it by themselves.
    pub(crate) fn path(&self) -> &Path {
        &self.program
    }

    /// The program with a subcommand.
    pub(crate) fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new(&self.program);
        without_settings(&mut command).arg(subcommand);
        command
    }

    /// Starts `mockforge serve`. Its log goes to `log`.
    pub(crate) fn serve(&self, log: &Path, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<Server> {
        Server::start(self.command("serve").args(["--ws-port", "0"]).args(arguments), log)
    }
}

/// Removes the variables that would set a server of ours, or what it says of itself.
pub(crate) fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if ["MOCKFORGE_", "OTEL_", "RUST_LOG"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}
