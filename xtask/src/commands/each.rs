//! Every crate alone. In a build of the workspace, cargo unites the features that anyone asks of a dependency; a crate
//! that forgot to ask for one compiles there, and fails for whoever uses it alone.

use anyhow::Result;

use crate::{process, workspace::Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    for package in &workspace.metadata().packages {
        for command in ["check", "test"] {
            let mut cargo = workspace.cargo();
            cargo.args([command, "--package", &package.name, "--quiet"]);
            process::run(&mut cargo, process::LONG)?;
        }
    }
    Ok(())
}
