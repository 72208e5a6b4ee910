//! Every crate alone. In a build of the workspace, cargo unites the features that anyone asks of a dependency; a crate
//! that forgot to ask for one compiles there, and fails for whoever uses it alone.
//!
//! Checked first without its tests: what they depend on would lend it features, too. Then its tests run, for a feature
//! that is not asked for can also change what code does.

use anyhow::{Result, bail};

use crate::{process, workspace::Workspace};

/// What stands on many others, so that building its tests takes long: alone they are checked, and run with the workspace.
const TOP: [&str; 8] =
    ["mockforge-cli", "mockforge-ws", "ws-ai", "ws-load", "ws-proxy", "ws-script", "ws-server", "ws-testing"];

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    // The examples and xtask are never used by anybody else.
    let crates = workspace.root().join("crates");
    let packages = workspace.metadata().packages.iter();
    let mut failed = Vec::new();
    for package in packages.filter(|package| package.manifest_path.starts_with(&crates)) {
        println!("-- {}", package.name);
        if let Err(error) = check_and_test(workspace, &package.name) {
            eprintln!("{error:#}");
            failed.push(package.name.as_str());
        }
    }
    if !failed.is_empty() {
        bail!("alone, {} fails", failed.join(" and "));
    }
    Ok(())
}

fn check_and_test(workspace: &Workspace, package: &str) -> Result<()> {
    let cargo = |arguments: &[&str]| {
        let mut cargo = workspace.cargo();
        process::run(cargo.args(arguments).args(["--package", package, "--quiet"]), process::LONG)
    };
    cargo(&["check"])?;
    if TOP.contains(&package) { cargo(&["check", "--tests"]) } else { cargo(&["test"]) }
}
