//! Download what the workspace is built of. Fails if `Cargo.lock` does not fit the manifests, so that no later step
//! can change it silently.

use anyhow::{Context, Result};

use crate::{process, workspace::Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    process::run(workspace.cargo().args(["fetch", "--locked", "--quiet"]), process::LONG)
        .context("if Cargo.lock is behind the manifests, run `cargo check` and commit it")
}
