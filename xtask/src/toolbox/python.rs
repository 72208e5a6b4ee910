//! Python with packages from PyPI, in an environment in `.cache/python`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{Missing, debian};
use crate::{process, workspace::Workspace};

/// Autobahn's cases and what drives them.
pub(crate) const KOSOKU: &str = "kosoku==0.1.0";

/// A WebSocket client.
pub(crate) const WEBSOCKETS: &str = "websockets==17.4";

/// An environment with a Python of its own.
#[derive(Debug)]
pub(crate) struct Python {
    folder: PathBuf,
}

impl Python {
    /// An environment that has `packages`; what it has not is installed now.
    pub(crate) fn ready(workspace: &Workspace, packages: &[&str]) -> Result<Self> {
        let python = Self { folder: workspace.cache("python") };
        if !process::exists(python.program("python")) {
            make_environment(&python.folder)?;
        }
        for package in packages {
            python.install(package)?;
        }
        Ok(python)
    }

    /// A command that runs `script`.
    pub(crate) fn script(&self, script: &Path) -> Command {
        let mut command = self.python();
        // No `__pycache__` among our sources.
        command.arg("-B").arg(script);
        command
    }

    /// A program that a package has brought.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// The folder of an installed module.
    pub(super) fn module(&self, name: &str) -> Result<PathBuf> {
        let script = format!("import {name}; print({name}.__path__[0])");
        let printed = process::read(self.python().args(["-c", &script]), process::SHORT)?;
        Ok(printed.trim_end().into())
    }

    fn python(&self) -> Command {
        Command::new(self.program("python"))
    }

    /// Installs `package` (`NAME==VERSION`), once.
    fn install(&self, package: &str) -> Result<()> {
        let installed = self.folder.join("installed").join(package);
        if installed.exists() {
            return Ok(());
        }
        eprintln!("installing {package} from PyPI, once");
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]);
        process::run(&mut pip, process::LONG)
            .map_err(|error| Missing::new(format!("{package} from PyPI"), error.to_string()))?;
        fs::create_dir_all(self.folder.join("installed"))
            .and_then(|()| fs::write(&installed, ""))
            .with_context(|| format!("{} cannot be written", installed.display()))
    }
}

/// Makes an empty environment in `folder`.
fn make_environment(folder: &Path) -> Result<()> {
    let make = || {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(folder);
        process::read(&mut venv, process::LONG).map(drop)
    };
    // There may be no Python, or Debian's, which comes without the module that makes environments.
    make().or_else(|_| {
        debian::install("Python 3 with its module venv", &["python3", "python3-venv"])?;
        make()
    })
}
