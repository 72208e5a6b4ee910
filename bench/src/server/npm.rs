//! Peers that come from npm, installed into the git-ignored `.cache/npm/bench` of the project.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use super::entrant::cache_folder;

pub(super) const BUN_VERSION: &str = "1.4.5";
pub(super) const WS_VERSION: &str = "8.23.0";
pub(super) const MOCKOON_VERSION: &str = "9.9.0";

/// Bun's program.
pub(super) fn bun() -> Result<PathBuf> {
    let package = bun_package()?;
    let program = install(package, BUN_VERSION)?.join("node_modules").join(package).join("bin/bun");
    ensure!(program.is_file(), "{package} has no bin/bun");
    Ok(program)
}

/// The folder whose `node_modules` holds `ws`.
pub(super) fn ws() -> Result<PathBuf> {
    install("ws", WS_VERSION)
}

/// The folder whose `node_modules` holds the server of Mockoon: what `@mockoon/cli` runs, without the command line.
pub(super) fn mockoon() -> Result<PathBuf> {
    install("@mockoon/commons-server", MOCKOON_VERSION)
}

fn bun_package() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => {
            let cpu = fs::read_to_string("/proc/cpuinfo").context("/proc/cpuinfo")?;
            // Bun's usual build stops with an illegal instruction where AVX2 is missing.
            let avx2 = cpu.split_ascii_whitespace().any(|flag| flag == "avx2");
            Ok(if avx2 { "@oven/bun-linux-x64" } else { "@oven/bun-linux-x64-baseline" })
        }
        "aarch64" => Ok("@oven/bun-linux-aarch64"),
        other => bail!("there is no Bun for {other}"),
    }
}

/// Installs one package, unless that version is there already, and returns the folder that `node_modules` is in.
/// Each package has its own: npm removes from a folder what it was not asked for.
fn install(package: &str, version: &str) -> Result<PathBuf> {
    let last = Path::new(package).file_name().context("a package without a name")?;
    let folder = cache_folder("npm/bench")?.join(last);
    let manifest = folder.join("node_modules").join(package).join("package.json");
    if !is_version(&manifest, version) {
        fs::create_dir_all(&folder)?;
        let status = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"])
            .arg(&folder)
            .arg(format!("{package}@{version}"))
            .stdout(Stdio::null())
            .status()
            .context("npm (is Node installed?)")?;
        ensure!(status.success(), "npm could not install {package}@{version}");
        ensure!(is_version(&manifest, version), "npm installed another {package} than {version}");
    }
    Ok(folder.canonicalize()?)
}

fn is_version(manifest: &Path, version: &str) -> bool {
    let Ok(manifest) = fs::read(manifest) else { return false };
    serde_json::from_slice::<serde_json::Value>(&manifest).is_ok_and(|manifest| manifest["version"] == version)
}
