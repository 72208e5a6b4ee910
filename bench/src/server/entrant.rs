//! Who takes part, and how each one is made ready to start.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{installed, npm};

/// One of the servers.
#[derive(Debug, Clone)]
pub(crate) struct Entrant {
    pub(crate) name: String,
    abilities: &'static [Ability],
    /// Which of them are measured without being asked for.
    unasked: &'static [Ability],
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
    /// Told a file of messages, it plays them to every client.
    Replay,
    /// It has the same handlers as the others, in its own language: an echo, and pings in JSON.
    Handlers,
}

use Ability::{Echo, Handlers, Proxy, Replay, Rooms};

#[derive(Debug, Clone)]
enum Source {
    /// A program of this package, and the crate whose version it goes by.
    Bin { bin: &'static str, args: &'static [&'static str], package: &'static str },
    /// `mockforge serve --raw-echo`, from the project's workspace.
    Mockforge,
    /// Bun, from npm.
    Bun,
    /// npm `ws` on the machine's Node.
    NodeWs,
    /// Mockoon's server, from npm.
    Mockoon,
    /// The system's nginx.
    Nginx,
    /// mitmproxy, from PyPI.
    Mitmproxy,
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
        let new = |name: &str, abilities, source| Self { name: name.into(), abilities, unasked: abilities, source };
        let bin = |bin, package| Source::Bin { bin, args: &[], package };
        let journal = Source::Bin { bin: "ours", args: &["--journal"], package: "mockforge-ws" };
        vec![
            new("ours", &[Echo, Rooms, Proxy, Replay, Handlers], bin("ours", "mockforge-ws")),
            new("ours-journal", &[Echo], journal),
            new("ours-js", &[Handlers], bin("ours_script", "ws-script")),
            Self { unasked: &[], ..new("mockforge", &[Echo], Source::Mockforge) },
            new("tokio-websockets", &[Echo], bin("peer_tokio_websockets", "tokio-websockets")),
            new("fastwebsockets", &[Echo], bin("peer_fastwebsockets", "fastwebsockets")),
            new("axum", &[Echo], bin("peer_axum", "axum")),
            new("tokio-tungstenite", &[Echo], bin("peer_tokio_tungstenite", "tokio-tungstenite")),
            new("pump", &[Proxy], bin("peer_pump", "tokio-tungstenite")),
            new("nginx", &[Proxy], Source::Nginx),
            Self { unasked: &[], ..new("mitmproxy", &[Proxy], Source::Mitmproxy) },
            new("bun", &[Echo, Rooms], Source::Bun),
            Self { unasked: &[Handlers], ..new("node-ws", &[Echo, Rooms, Handlers], Source::NodeWs) },
            Self { unasked: &[Replay], ..new("mockoon", &[Echo, Replay], Source::Mockoon) },
        ]
    }

    /// Our server, as it is embedded.
    pub(crate) fn ours() -> Result<Self> {
        Self::known().into_iter().find(|entrant| entrant.name == "ours").context("we are not among the servers")
    }

    /// The server at what it is measured at without being asked for.
    pub(crate) fn unasked(self) -> Self {
        Self { abilities: self.unasked, ..self }
    }

    /// Whether it is one of our own.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.source, Source::Bin { bin: "ours" | "ours_script", .. } | Source::Mockforge)
    }

    /// A server by its command line, split at blanks; `given` reads `NAME=PROGRAM ARGS...`.
    pub(crate) fn given(given: &str) -> Result<Self, String> {
        let (name, command) = given.split_once('=').ok_or("expected NAME=PROGRAM")?;
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if name.is_empty() || words.is_empty() {
            return Err("expected NAME=PROGRAM".into());
        }
        let abilities = &[Echo, Rooms, Proxy, Replay, Handlers];
        Ok(Self { name: name.into(), abilities, unasked: abilities, source: Source::Given(words) })
    }

    pub(crate) fn can(&self, ability: Ability) -> bool {
        self.abilities.contains(&ability)
    }

    /// The same as far as reports go, but that nothing is known of its version.
    #[cfg(test)]
    pub(crate) fn without_version(self) -> Self {
        Self { source: Source::Given(Vec::new()), ..self }
    }

    /// What is measured: the version, as far as it is known.
    pub(crate) fn version(&self) -> Option<String> {
        match &self.source {
            Source::Bin { package, .. } => locked_version(package).map(str::to_owned),
            Source::Bun => Some(npm::BUN_VERSION.into()),
            Source::NodeWs => Some(npm::WS_VERSION.into()),
            Source::Mockoon => Some(npm::MOCKOON_VERSION.into()),
            Source::Mitmproxy => Some(installed::MITMPROXY_VERSION.into()),
            Source::Nginx => installed::nginx_version(),
            Source::Mockforge | Source::Given(_) => None,
        }
    }

    /// Builds or installs what the server needs.
    ///
    /// # Errors
    /// When that fails, with what a reader can do about it.
    pub(crate) fn prepare(&self) -> Result<Launch> {
        match &self.source {
            Source::Bin { bin, args, .. } => {
                let program = cargo_build(&bench_folder().join("Cargo.toml"), "mockforge-bench", bin)?;
                Ok(Launch { program, args: args.iter().map(Into::into).collect() })
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
            Source::Mockoon => {
                Ok(Launch { program: "node".into(), args: vec![peer_script("mockoon.mjs"), npm::mockoon()?.into()] })
            }
            Source::Mitmproxy => {
                // -B: no `__pycache__` among our sources.
                Ok(Launch { program: installed::mitmproxy_python()?, args: vec!["-B".into(), peer_script("mitm.py")] })
            }
            Source::Nginx => {
                let nginx = installed::nginx()?;
                let program = cargo_build(&bench_folder().join("Cargo.toml"), "mockforge-bench", "peer_nginx")?;
                Ok(Launch { program, args: vec![nginx.into(), cache_folder("nginx")?.into()] })
            }
            Source::Given(words) => {
                Ok(Launch { program: (&words[0]).into(), args: words[1..].iter().map(Into::into).collect() })
            }
        }
    }
}

impl Launch {
    /// The same with another argument at its end.
    pub(crate) fn with(&self, argument: impl Into<OsString>) -> Self {
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
pub(crate) fn bench_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of the project that git ignores, made if it is missing.
pub(crate) fn cache_folder(name: &str) -> Result<PathBuf> {
    let folder = bench_folder().join("../.cache").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder.canonicalize()?)
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
