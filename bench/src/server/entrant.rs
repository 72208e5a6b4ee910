//! Who takes part, and how each one is made ready to start.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::npm;

/// One of the servers.
#[derive(Debug, Clone)]
pub(crate) struct Entrant {
    pub(crate) name: String,
    abilities: &'static [Ability],
    /// Whether it takes part without being asked.
    pub(crate) always: bool,
    source: Source,
}

/// What a server is measured at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ability {
    /// It returns each message.
    Echo,
    /// It has a room to broadcast in.
    Rooms,
    /// Told the URL of another server, it stands before that one.
    Proxy,
}

use Ability::{Echo, Proxy, Rooms};

#[derive(Debug, Clone)]
enum Source {
    /// A program of this package, and the crate whose version it goes by.
    Bin { bin: &'static str, package: &'static str },
    /// `mockforge serve --raw-echo`, from the project's workspace.
    Mockforge,
    /// Bun, from npm.
    Bun,
    /// npm `ws` on the machine's Node.
    NodeWs,
    /// A command line that somebody gave: program, then arguments.
    Given(Vec<String>),
}

/// A command that starts a server.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
}

impl Entrant {
    /// All that the bench knows, ours first.
    pub(crate) fn known() -> Vec<Self> {
        let new = |name: &str, abilities, always, source| Self { name: name.into(), abilities, always, source };
        vec![
            new("ours", &[Echo, Rooms, Proxy], true, Source::Bin { bin: "ours", package: "mockforge-ws" }),
            new("mockforge", &[Echo], false, Source::Mockforge),
            new(
                "tokio-websockets",
                &[Echo],
                true,
                Source::Bin { bin: "peer_tokio_websockets", package: "tokio-websockets" },
            ),
            new("fastwebsockets", &[Echo], true, Source::Bin { bin: "peer_fastwebsockets", package: "fastwebsockets" }),
            new("axum", &[Echo], true, Source::Bin { bin: "peer_axum", package: "axum" }),
            new(
                "tokio-tungstenite",
                &[Echo],
                true,
                Source::Bin { bin: "peer_tokio_tungstenite", package: "tokio-tungstenite" },
            ),
            new("pump", &[Proxy], true, Source::Bin { bin: "peer_pump", package: "tokio-tungstenite" }),
            new("bun", &[Echo, Rooms], true, Source::Bun),
            new("node-ws", &[Echo, Rooms], false, Source::NodeWs),
        ]
    }

    /// A server by its command line, split at blanks; `given` reads `NAME=PROGRAM ARGS...`.
    pub(crate) fn given(given: &str) -> Result<Self, String> {
        let (name, command) = given.split_once('=').ok_or("expected NAME=PROGRAM")?;
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if name.is_empty() || words.is_empty() {
            return Err("expected NAME=PROGRAM".into());
        }
        Ok(Self { name: name.into(), abilities: &[Echo, Rooms, Proxy], always: true, source: Source::Given(words) })
    }

    pub(crate) fn can(&self, ability: Ability) -> bool {
        self.abilities.contains(&ability)
    }

    /// What is measured: the version, as far as it is known.
    pub(crate) fn version(&self) -> Option<String> {
        match &self.source {
            Source::Bin { package, .. } => locked_version(package).map(str::to_owned),
            Source::Bun => Some(npm::BUN_VERSION.into()),
            Source::NodeWs => Some(npm::WS_VERSION.into()),
            Source::Mockforge | Source::Given(_) => None,
        }
    }

    /// Builds or installs what the server needs.
    ///
    /// # Errors
    /// When that fails, with what a reader can do about it.
    pub(crate) fn prepare(&self) -> Result<Launch> {
        match &self.source {
            Source::Bin { bin, .. } => {
                let program = cargo_build(&bench_folder().join("Cargo.toml"), "mockforge-bench", bin)?;
                Ok(Launch { program, args: Vec::new() })
            }
            Source::Mockforge => {
                let program = cargo_build(&bench_folder().join("../Cargo.toml"), "mockforge-cli", "mockforge")?;
                Ok(Launch {
                    program,
                    args: ["serve", "--raw-echo", "--ws-port", "0", "--log", "warn"].map(Into::into).into(),
                })
            }
            Source::Bun => Ok(Launch { program: npm::bun()?, args: vec![peer_script("bun.mjs")] }),
            Source::NodeWs => {
                Ok(Launch { program: "node".into(), args: vec![peer_script("ws.mjs"), npm::ws()?.into()] })
            }
            Source::Given(words) => {
                Ok(Launch { program: (&words[0]).into(), args: words[1..].iter().map(Into::into).collect() })
            }
        }
    }
}

impl Launch {
    /// The same with another argument at its end.
    pub(crate) fn with(&self, argument: String) -> Self {
        let mut launch = self.clone();
        launch.args.push(argument.into());
        launch
    }
}

/// The echo that proxies are put before. It is nobody's peer there.
pub(crate) fn upstream() -> Result<Launch> {
    let program = cargo_build(&bench_folder().join("Cargo.toml"), "mockforge-bench", "peer_tokio_websockets")?;
    Ok(Launch { program, args: Vec::new() })
}

/// The folder this package lies in.
pub(super) fn bench_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn peer_script(name: &str) -> OsString {
    bench_folder().join("peers").join(name).into()
}

/// Builds `bin` in the profile and target folder of the running bench, and returns where it lies.
fn cargo_build(manifest: &Path, package: &str, bin: &str) -> Result<PathBuf> {
    let this = env::current_exe()?;
    let profile = this.parent().context("the bench is in no folder")?;
    let target = profile.parent().context("the bench is in no target folder")?;
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--package", package, "--bin", bin]);
    command.arg("--manifest-path").arg(manifest).arg("--target-dir").arg(target);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let status = command.status().context("cargo")?;
    ensure!(status.success(), "`{bin}` does not build");
    Ok(profile.join(bin))
}

/// The version of a package in this package's lock file.
fn locked_version(package: &str) -> Option<&'static str> {
    const LOCK: &str = include_str!("../../Cargo.lock");
    let (_, entry) = LOCK.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    entry.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_from_crates_io_has_its_version() {
        for entrant in Entrant::known() {
            if matches!(entrant.source, Source::Bin { .. }) {
                let version = entrant.version().unwrap_or_else(|| panic!("{} is not locked", entrant.name));
                assert!(version.split('.').count() == 3, "{version}");
            }
        }
        assert_eq!(locked_version("no-such-package"), None);
    }

    #[test]
    fn a_given_server_is_a_name_and_a_command() {
        let entrant = Entrant::given("old=/tmp/ours --x 1").unwrap();
        let launch = entrant.prepare().unwrap();
        assert_eq!((entrant.name.as_str(), launch.program.to_str().unwrap()), ("old", "/tmp/ours"));
        assert_eq!(launch.args, ["--x", "1"]);
        for bad in ["old", "=x", "old= "] {
            assert!(Entrant::given(bad).is_err(), "{bad}");
        }
    }
}
