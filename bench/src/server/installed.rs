//! Peers that are there already, or come from PyPI.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use super::entrant::cache_folder;

/// The last that runs on Python 3.11, which is what Debian 12 has.
pub(super) const MITMPROXY_VERSION: &str = "11.0.2";

/// Where Debian has it, which is not on everybody's path.
const NGINX: &str = "/usr/sbin/nginx";

/// nginx's program.
pub(super) fn nginx() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut programs = env::split_paths(&path).map(|folder| folder.join("nginx")).chain([NGINX.into()]);
    programs.find(|program| program.is_file()).context("it is not installed (in Debian: apt-get install nginx-light)")
}

pub(super) fn nginx_version() -> Option<String> {
    let output = Command::new(nginx().ok()?).arg("-v").output().ok()?;
    let said = String::from_utf8(output.stderr).ok()?;
    parse_version(&said).map(str::to_owned)
}

/// `nginx version: nginx/1.22.1`, with more behind it in some builds.
fn parse_version(said: &str) -> Option<&str> {
    said.split_once("nginx/")?.1.split_ascii_whitespace().next()
}

/// The Python of an environment that has mitmproxy; it is installed now if it is not there in that version.
pub(super) fn mitmproxy_python() -> Result<PathBuf> {
    let folder = cache_folder("python-bench")?;
    let python = folder.join("bin/python");
    if !has_mitmproxy(&python) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let package = format!("mitmproxy=={MITMPROXY_VERSION}");
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &package]))?;
        ensure!(has_mitmproxy(&python), "pip installed another mitmproxy than {MITMPROXY_VERSION}");
    }
    Ok(python)
}

fn has_mitmproxy(python: &Path) -> bool {
    let script = "from importlib.metadata import version; print(version('mitmproxy'))";
    let output = Command::new(python).args(["-c", script]).stderr(Stdio::null()).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == MITMPROXY_VERSION)
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let status = command.stdout(Stdio::null()).status().with_context(|| program.display().to_string())?;
    ensure!(status.success(), "{} ended with {status}", program.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_nginx_stands_behind_its_name() {
        assert_eq!(parse_version("nginx version: nginx/1.22.1\n"), Some("1.22.1"));
        assert_eq!(parse_version("nginx version: nginx/1.26.0 (Ubuntu)\n"), Some("1.26.0"));
        assert_eq!(parse_version(""), None);
    }
}
