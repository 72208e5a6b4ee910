//! The fuzz targets, checked on stable so that they do not rot. Running them is `cargo fuzz run`, which needs nightly.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::{process, workspace::Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    for manifest in manifests(workspace)? {
        let mut cargo = workspace.cargo();
        cargo.args(["check", "--bins", "--quiet", "--manifest-path"]);
        cargo.arg(&manifest);
        // Apart from ours: their flags and features would make ours build again and again.
        cargo.arg("--target-dir").arg(workspace.target().join("fuzz"));
        // Nothing is linked, so libFuzzer need not be there, nor a C++ compiler to build it.
        cargo.env("CUSTOM_LIBFUZZER_PATH", "/not-linked/libfuzzer.a");
        process::run(&mut cargo, process::LONG)?;
    }
    Ok(())
}

/// The manifests of the fuzz packages. They are no members of the workspace, so cargo does not know them.
fn manifests(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let crates = workspace.root().join("crates");
    let mut found = Vec::new();
    for folder in fs::read_dir(&crates).context("crates/ cannot be read")? {
        let manifest = folder?.path().join("fuzz/Cargo.toml");
        if manifest.exists() {
            found.push(manifest);
        }
    }
    found.sort();
    Ok(found)
}
