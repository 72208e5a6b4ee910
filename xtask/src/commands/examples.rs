//! Every example against a client that we did not write. (Their own tests use ours.)
//!
//! What is said to scripts that branch and to rules stands among the dialogues of [`scripts`](super::scripts): here they
//! are checked and served, no more.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, bail};

use crate::{
    mockforge::{Mockforge, without_settings},
    process,
    server::Server,
    toolbox::{Python, WEBSOCKETS},
    workspace::Workspace,
};

/// How long a session may take.
const LIMIT: Duration = Duration::from_secs(60);

/// An example and the scripts that talk to it; each takes the server's `ws://HOST:PORT/ws`.
#[derive(Debug)]
struct Example {
    /// A program as `cargo run --example` knows it, or a file in `examples/`: of a script, or in `rules/`.
    name: &'static str,
    sessions: &'static [&'static str],
}

/// All of them: one that is missing here is an error.
const EXAMPLES: &[Example] = &[
    Example { name: "custom-server", sessions: &["example_custom_server.py"] },
    Example { name: "rules/chat.yaml", sessions: &[] },
    Example { name: "rules/survey.yaml", sessions: &[] },
    Example { name: "ws-demo.jsonl", sessions: &["example_ws_demo.py"] },
    Example { name: "ws-handlers-demo", sessions: &["example_echo.py", "example_chat.py"] },
    Example { name: "ws-replay-v2-demo.jsonl", sessions: &[] },
];

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mut names = programs(workspace);
    let examples = workspace.root().join("examples");
    names.extend(files(&examples, "", ".jsonl")?);
    names.extend(files(&examples, "rules/", ".yaml")?);
    compare_with(&names)?;
    let mockforge = Mockforge::ready(workspace, program)?;
    let python = Python::ready(workspace, &[WEBSOCKETS])?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--quiet", "--package", "mockforge-examples", "--examples"]);
    process::run(&mut cargo, process::LONG)?;
    let talk = |sessions: &[&str], server: &Server| {
        sessions.iter().try_for_each(|session| {
            let mut script = python.script(&workspace.script(session));
            process::run(script.arg(server.url()), LIMIT)
        })
    };
    for example in EXAMPLES {
        let server = example.start(workspace, &mockforge).with_context(|| format!("the example {}", example.name))?;
        talk(example.sessions, &server)?;
    }
    let server = samples(workspace, &mockforge).context("the scripts that `mockforge init` writes")?;
    talk(&["example_echo.py", "example_chat.py"], &server)
}

/// Serves what `mockforge init` writes: the example `ws-handlers-demo` in JavaScript.
fn samples(workspace: &Workspace, mockforge: &Mockforge) -> Result<Server> {
    let scratch = workspace.scratch("examples");
    let folder = scratch.join("init");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    process::run(mockforge.command("init").arg(&folder), LIMIT)?;
    let config = folder.join("mockforge.yaml");
    process::run(mockforge.command("check").arg(&config), LIMIT)?;
    mockforge.serve(&scratch.join("init.log"), ["--config".as_ref(), config.as_os_str()])
}

impl Example {
    fn start(&self, workspace: &Workspace, mockforge: &Mockforge) -> Result<Server> {
        let log = workspace.scratch("examples").join(self.name).with_extension("log");
        let Some(flag) = self.flag() else {
            let mut cargo = workspace.cargo();
            // As they were built: for all of the workspace, cargo would unite other features, and build anew.
            cargo.args(["run", "--quiet", "--package", "mockforge-examples", "--example", self.name]);
            return Server::start(without_settings(&mut cargo).env("MOCKFORGE_WS_PORT", "0"), &log);
        };
        let file = workspace.root().join("examples").join(self.name);
        process::run(mockforge.command("check").arg(&file), LIMIT)?;
        mockforge.serve(&log, [flag.as_ref(), file.as_os_str()])
    }

    /// Which flag of `mockforge serve` takes it; none if it is a program of its own.
    fn flag(&self) -> Option<&'static str> {
        match Path::new(self.name).extension()?.to_str()? {
            "jsonl" => Some("--ws-replay-file"),
            "yaml" => Some("--rules"),
            _ => None,
        }
    }
}

/// The examples that cargo knows.
fn programs(workspace: &Workspace) -> Vec<String> {
    let packages = workspace.metadata().packages.iter();
    let examples = packages.filter(|package| package.name == "mockforge-examples");
    let targets = examples.flat_map(|package| &package.targets);
    targets.filter(|target| target.kind == ["example"]).map(|target| target.name.clone()).collect()
}

/// The files in `examples` whose names begin and end so.
fn files(examples: &Path, folder: &str, end: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(examples.join(folder)).context("examples/ cannot be read")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(end) {
            names.push(format!("{folder}{name}"));
        }
    }
    Ok(names)
}

fn compare_with(names: &[String]) -> Result<()> {
    for name in names {
        if !EXAMPLES.iter().any(|example| example.name == name) {
            bail!("nothing runs the example {name}; add it to EXAMPLES in xtask/src/commands/examples.rs");
        }
    }
    for example in EXAMPLES {
        if !names.iter().any(|name| name == example.name) {
            bail!("there is no example {}; take it out of xtask/src/commands/examples.rs", example.name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_that_nothing_runs_is_found() {
        let mut names: Vec<_> = EXAMPLES.iter().map(|example| example.name.to_owned()).collect();
        assert!(compare_with(&names).is_ok());
        names.push("new-one".into());
        assert!(compare_with(&names).unwrap_err().to_string().contains("new-one"));
    }

    #[test]
    fn an_example_that_is_gone_is_found() {
        assert!(compare_with(&[]).unwrap_err().to_string().contains("there is no example"));
    }
}
