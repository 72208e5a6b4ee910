//! The documentation of our crates; a warning (a dead link, say) is an error.

use anyhow::Result;

use crate::{process, workspace::Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings");
    process::run(&mut cargo, process::LONG)
}
