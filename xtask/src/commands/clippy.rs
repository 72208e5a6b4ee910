//! Clippy over every target of the workspace; a warning is an error.

use anyhow::Result;

use crate::{process, workspace::Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]);
    process::run(&mut cargo, process::LONG)
}
