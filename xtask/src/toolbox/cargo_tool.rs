//! Programs that are crates, installed by `cargo install` into `.cache/tools`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use super::Missing;
use crate::{process, workspace::Workspace};

/// A crate that is a program we run.
#[derive(Debug)]
pub(crate) struct CargoTool {
    /// The name of the crate and of its program.
    name: &'static str,
    version: &'static str,
    arguments: &'static [&'static str],
}

/// Licences, bans and sources of what we depend on.
pub(crate) const CARGO_DENY: CargoTool = CargoTool { name: "cargo-deny", version: "0.20.2", arguments: &[] };

/// Runs fuzz targets.
pub(crate) const CARGO_FUZZ: CargoTool = CargoTool { name: "cargo-fuzz", version: "0.13.2", arguments: &[] };

/// A WebSocket client. Its default features want OpenSSL.
pub(crate) const WEBSOCAT: CargoTool =
    CargoTool { name: "websocat", version: "1.14.1", arguments: &["--no-default-features"] };

impl CargoTool {
    /// The program, installed now if it is not there in this version.
    pub(crate) fn ready(&self, workspace: &Workspace) -> Result<PathBuf> {
        let tools = workspace.cache("tools");
        let program = tools.join("bin").join(self.name);
        if !self.is_this_version(&program) {
            let mut cargo = workspace.cargo();
            cargo
                .args(["install", "--locked", "--quiet", "--debug", self.name])
                .args(["--version", &format!("={}", self.version)])
                .args(self.arguments)
                .arg("--root")
                .arg(&tools)
                // It is built once and runs for seconds: what counts is how soon it is there.
                .envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_INCREMENTAL", "0")])
                .env_remove("CARGO_TARGET_DIR");
            eprintln!("installing {} {}, once", self.name, self.version);
            process::run(&mut cargo, process::LONG).map_err(|error| Missing::new(self.name, error.to_string()))?;
        }
        Ok(program)
    }

    fn is_this_version(&self, program: &Path) -> bool {
        process::read(Command::new(program).arg("--version"), process::SHORT)
            .is_ok_and(|text| text.split_whitespace().any(|word| word == self.version))
    }
}
