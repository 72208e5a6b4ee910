//! Debian's packages: installed when we are root and there is `apt-get`.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Once,
};

use anyhow::Result;

use super::Missing;
use crate::process;

/// Installs `packages` for `what`, or says that it is missing.
///
/// # Errors
/// [`Missing`] if we are not root, there is no `apt-get`, or it fails.
pub(super) fn install(what: &str, packages: &[&str]) -> Result<()> {
    let by_hand = format!("install it, on Debian with `apt-get install {}`", packages.join(" "));
    if !rustix::process::geteuid().is_root() || !process::exists("apt-get") {
        return Err(Missing::new(what, by_hand).into());
    }
    static LISTS: Once = Once::new();
    LISTS.call_once(|| {
        // The lists may be old or absent. If this fails, the installation says why.
        let _ = process::read(apt_get().arg("update"), process::LONG);
    });
    let mut install = apt_get();
    install.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    eprintln!("installing {} from Debian, once", packages.join(" and "));
    match process::read(&mut install, process::LONG) {
        Ok(_) => Ok(()),
        Err(error) => Err(Missing::new(what, format!("{by_hand} ({error})")).into()),
    }
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.arg("--quiet").env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// The program Chromium.
pub(crate) fn chromium() -> Result<PathBuf> {
    let path = Path::new("/usr/bin/chromium");
    if !path.exists() {
        install("Chromium", &["chromium"])?;
    }
    Ok(path.to_owned())
}
