//! Download what the workspace is built of, and see that `Cargo.lock` says what that is.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, steps, workspace::Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["fetch", "--locked", "--quiet"]), process::LONG)?;
    if steps::in_ci() {
        // Cargo mends a lock file that is behind its manifests, as it did when it built xtask.
        let mut git = Command::new("git");
        git.current_dir(workspace.root()).args(["diff", "--exit-code", "--stat", "--", "Cargo.lock"]);
        process::run(&mut git, process::SHORT)
            .context("Cargo.lock was behind the manifests; run `cargo check` and commit it")?;
    }
    Ok(())
}
