//! Licences, banned crates and sources of what we depend on, by the rules of `deny.toml`. Without the advisories:
//! their database is not to be had from a package registry.

use std::process::Command;

use anyhow::Result;

use crate::{process, toolbox::CARGO_DENY, workspace::Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    // Offline, cargo-deny can read only what is there, for all platforms.
    process::run(workspace.cargo().args(["fetch", "--quiet"]), process::LONG)?;
    let mut deny = Command::new(CARGO_DENY.ready(workspace)?);
    deny.current_dir(workspace.root());
    deny.args(["--offline", "--all-features", "check", "bans", "licenses", "sources"]);
    process::run(&mut deny, process::LONG)
}
