//! The fuzz targets: checked on stable, so that they do not rot, or run, which needs nightly.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    process,
    toolbox::{CARGO_FUZZ, Missing},
    workspace::Workspace,
};

/// The toolchain of rustup that knows libFuzzer's flags.
const NIGHTLY: &str = "nightly";

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    for folder in folders(workspace)? {
        let mut cargo = workspace.cargo();
        cargo.args(["check", "--bins", "--quiet", "--manifest-path"]);
        cargo.arg(folder.join("Cargo.toml"));
        // Apart from ours: their flags and features would make ours build again and again.
        cargo.arg("--target-dir").arg(workspace.target().join("fuzz"));
        // Nothing is linked, so libFuzzer need not be there, nor a C++ compiler to build it.
        cargo.env("CUSTOM_LIBFUZZER_PATH", "/not-linked/libfuzzer.a");
        process::run(&mut cargo, process::LONG)?;
    }
    Ok(())
}

/// Runs each target for so many seconds, or one of them, until something is found. The corpus is kept for the next time.
pub(super) fn run(workspace: &Workspace, seconds: u32, target: Option<&str>) -> Result<()> {
    let mut targets = Vec::new();
    for folder in folders(workspace)? {
        targets.extend(names(&folder)?.into_iter().map(|name| (folder.clone(), name)));
    }
    if let Some(target) = target
        && !targets.iter().any(|(_, name)| name == target)
    {
        let names: Vec<_> = targets.iter().map(|(_, name)| &**name).collect();
        bail!("there is no fuzz target `{target}`; there are {}", names.join(", "));
    }
    if process::read(Command::new("rustc").env("RUSTUP_TOOLCHAIN", NIGHTLY).arg("--version"), process::SHORT).is_err() {
        return Err(Missing::new("nightly Rust", format!("`rustup toolchain install {NIGHTLY}`")).into());
    }
    let program = CARGO_FUZZ.ready(workspace)?;
    for (folder, name) in targets.iter().filter(|(_, name)| target.is_none_or(|target| target == name)) {
        println!("-- {name}");
        let mut fuzz = Command::new(&program);
        fuzz.current_dir(folder).args(["fuzz", "run", "--fuzz-dir", ".", name, "--"]);
        fuzz.arg(format!("-max_total_time={seconds}"));
        // The cargo that runs us is of another toolchain.
        fuzz.env_remove("CARGO").env("RUSTUP_TOOLCHAIN", NIGHTLY);
        process::run(&mut fuzz, process::LONG + Duration::from_secs(seconds.into()))?;
    }
    Ok(())
}

/// The fuzz packages. They are no members of the workspace, so cargo does not know them.
fn folders(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let crates = workspace.root().join("crates");
    let mut found = Vec::new();
    for folder in fs::read_dir(&crates).context("crates/ cannot be read")? {
        let folder = folder?.path().join("fuzz");
        if folder.join("Cargo.toml").exists() {
            found.push(folder);
        }
    }
    found.sort();
    Ok(found)
}

/// The targets of a fuzz package.
fn names(folder: &Path) -> Result<Vec<String>> {
    let targets = folder.join("fuzz_targets");
    let mut names = Vec::new();
    for file in fs::read_dir(&targets).with_context(|| format!("{} cannot be read", targets.display()))? {
        names.extend(file?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}
