//! rustfmt over the workspace.

use anyhow::{Context, Result};

use crate::{process, workspace::Workspace};

pub(super) fn write(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["fmt", "--all"]), process::LONG)
}

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["fmt", "--all", "--check"]), process::LONG).context("run `cargo xtask fmt`")
}
