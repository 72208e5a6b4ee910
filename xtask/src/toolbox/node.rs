//! Node.js with the packages that our scripts import, in `.cache/node`.

use std::{fs, path::Path, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::{Missing, debian};
use crate::{process, workspace::Workspace};

/// What is installed from npm: a client, and the driver of a browser.
const PACKAGES: &[&str] = &["ws@8.23.0", "playwright-core@1.65.1"];

/// A Node.js that has the packages.
#[derive(Debug)]
pub(crate) struct Node {
    modules: PathBuf,
}

impl Node {
    /// Installs the packages, once for each list of them.
    pub(crate) fn ready(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.cache("node");
        let node = Self { modules: folder.join("node_modules") };
        let installed = folder.join("installed");
        let wanted = PACKAGES.join("\n");
        if !process::exists("node") {
            debian::install("Node.js", &["nodejs"])?;
        }
        if fs::read_to_string(&installed).is_ok_and(|packages| packages == wanted) {
            return Ok(node);
        }
        if !process::exists("npm") {
            debian::install("npm", &["npm"])?;
        }
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"])
            .args(["--ignore-scripts", "--loglevel", "error", "--prefix"])
            .arg(&folder)
            .args(PACKAGES);
        process::run(&mut npm, process::LONG)
            .map_err(|error| Missing::new(format!("{} from npm", PACKAGES.join(" and ")), error.to_string()))?;
        fs::write(&installed, wanted).context("the list of npm packages cannot be written")?;
        Ok(node)
    }

    /// A command that runs `script`.
    pub(crate) fn script(&self, script: &Path) -> Command {
        let mut command = Command::new("node");
        command.arg(script).env("NODE_PATH", &self.modules);
        command
    }
}
