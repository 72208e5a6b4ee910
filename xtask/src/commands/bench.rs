//! The bench beside other servers. It is a package of its own, with its own lock file: other servers are not among
//! our dependencies.

use std::time::Duration;

use anyhow::Result;

use crate::{process, workspace::Workspace};

/// Medians of many alternating runs take their time.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

pub(super) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--release", "--quiet", "--manifest-path", "bench/Cargo.toml", "--"]);
    process::run(cargo.args(arguments), LIMIT)
}
