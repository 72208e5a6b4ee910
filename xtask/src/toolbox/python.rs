//! Python with the packages that our scripts import, in `.cache/python`.

use std::{fs, path::Path, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::{Missing, debian};
use crate::{process, workspace::Workspace};

/// What is installed from PyPI: Autobahn's cases, and a client.
const PACKAGES: &[&str] = &["kosoku==0.1.0", "websockets==17.4"];

/// A Python that has the packages.
#[derive(Debug)]
pub(crate) struct Python {
    folder: PathBuf,
}

impl Python {
    /// Makes a virtual environment, once for each list of packages.
    pub(crate) fn ready(workspace: &Workspace) -> Result<Self> {
        let python = Self { folder: workspace.cache("python") };
        let installed = python.folder.join("installed");
        let wanted = PACKAGES.join("\n");
        if fs::read_to_string(&installed).is_ok_and(|packages| packages == wanted)
            && process::exists(python.program("python"))
        {
            return Ok(python);
        }
        if !process::exists("python3") {
            debian::install("Python 3", &["python3", "python3-venv"])?;
        }
        if make_environment(&python.folder).is_err() {
            // Debian's python3 comes without the part that makes environments.
            debian::install("Python's module venv", &["python3-venv"])?;
            make_environment(&python.folder)?;
        }
        let mut pip = Command::new(python.program("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        process::run(pip.args(PACKAGES), process::LONG)
            .map_err(|error| Missing::new(format!("{} from PyPI", PACKAGES.join(" and ")), error.to_string()))?;
        fs::write(&installed, wanted).context("the list of Python packages cannot be written")?;
        Ok(python)
    }

    /// A command that runs `script`.
    pub(crate) fn script(&self, script: &Path) -> Command {
        let mut command = Command::new(self.program("python"));
        // No `__pycache__` among our sources.
        command.arg("-B").arg(script);
        command
    }

    /// A program that a package has brought, or `python` itself.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

fn make_environment(folder: &Path) -> Result<()> {
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(folder);
    process::read(&mut venv, process::LONG).map(drop)
}
