//! Every example against a client: the programs are started as README says, the replay files are checked.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    mockforge::Mockforge,
    process::{self, Background},
    toolbox::{Python, WEBSOCKETS},
    workspace::Workspace,
};

/// How long an example may take to listen, and a session with it to end.
const LIMIT: Duration = Duration::from_secs(60);

/// An example that is a server.
#[derive(Debug)]
struct Example {
    name: &'static str,
    /// Where it listens. A user types it, so it is fixed.
    address: &'static str,
    /// The scripts that talk to it; each takes `ws://ADDRESS`.
    sessions: &'static [&'static str],
}

/// All of them: one that is missing here is an error.
const EXAMPLES: &[Example] = &[Example {
    name: "ws-handlers-demo",
    address: "127.0.0.1:3030",
    sessions: &["example_echo.py", "example_chat.py"],
}];

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    compare_with(&programs(workspace))?;
    check_replay_files(workspace, program)?;
    let python = Python::ready(workspace, &[WEBSOCKETS])?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--quiet", "--package", "mockforge-examples", "--examples"]);
    process::run(&mut cargo, process::LONG)?;
    for example in EXAMPLES {
        example.play(workspace, &python).with_context(|| format!("example {}", example.name))?;
    }
    Ok(())
}

/// The examples that cargo knows.
fn programs(workspace: &Workspace) -> Vec<&str> {
    let packages = workspace.metadata().packages.iter();
    let examples = packages.filter(|package| package.name == "mockforge-examples");
    let targets = examples.flat_map(|package| &package.targets);
    targets.filter(|target| target.kind == ["example"]).map(|target| target.name.as_str()).collect()
}

fn compare_with(programs: &[&str]) -> Result<()> {
    for name in programs {
        if !EXAMPLES.iter().any(|example| example.name == *name) {
            bail!("nothing runs the example {name}; add it to EXAMPLES in xtask/src/commands/examples.rs");
        }
    }
    for example in EXAMPLES {
        if !programs.contains(&example.name) {
            bail!("there is no example {}", example.name);
        }
    }
    Ok(())
}

/// A replay file that we show to users has no mistake.
fn check_replay_files(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let files = replay_files(&workspace.root().join("examples"))?;
    if files.is_empty() {
        bail!("there is no replay file in examples/");
    }
    let mockforge = Mockforge::ready(workspace, program)?;
    process::run(mockforge.command("check").args(files), LIMIT)
}

fn replay_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).context("examples/ cannot be read")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
    Ok(files)
}

impl Example {
    fn play(&self, workspace: &Workspace, python: &Python) -> Result<()> {
        let address: SocketAddr = self.address.parse()?;
        if is_open(address) {
            bail!("something else listens on {address}; end it, then run this again");
        }
        let mut cargo = workspace.cargo();
        let mut server = Background::start(cargo.args(["run", "--quiet", "--example", self.name]))?;
        wait_until_open(address, &mut server)?;
        for session in self.sessions {
            let mut script = python.script(&workspace.script(session));
            process::run(script.arg(format!("ws://{address}")), LIMIT)?;
        }
        Ok(())
    }
}

fn is_open(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

fn wait_until_open(address: SocketAddr, server: &mut Background) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if let Some(status) = server.ended()? {
            bail!("it ended with {status} before it listened on {address}");
        }
        if is_open(address) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("it did not listen on {address} within {} s", LIMIT.as_secs());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_that_nothing_runs_is_found() {
        let mut names: Vec<_> = EXAMPLES.iter().map(|example| example.name).collect();
        assert!(compare_with(&names).is_ok());
        names.push("new-one");
        assert!(compare_with(&names).unwrap_err().to_string().contains("new-one"));
        assert!(compare_with(&[]).is_err());
    }

    #[test]
    fn a_program_that_ends_is_not_waited_for() {
        // Nobody listens on the port of a listener that is gone.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut ended = Background::start(&mut std::process::Command::new("true")).unwrap();
        let error = wait_until_open(address, &mut ended).unwrap_err();
        assert!(error.to_string().contains("before it listened"), "{error}");
    }
}
