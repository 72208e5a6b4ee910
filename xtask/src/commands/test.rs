//! The tests of the workspace. Plain `cargo test`: it is on every machine, and it runs doctests, too.

use anyhow::Result;

use crate::{process, workspace::Workspace};

/// All of them.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["test", "--workspace", "--quiet"]), process::LONG)
}

/// Those beside the code.
pub(super) fn units(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--workspace", "--lib", "--bins", "--quiet"]);
    process::run(&mut cargo, process::LONG)
}
