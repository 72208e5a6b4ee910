//! Each fault of `clients/faults.yaml`, and two presets, as clients see them that we did not write.

use std::{path::Path, process::Command, time::Duration};

use anyhow::Result;

use crate::{
    mockforge::Mockforge,
    process,
    server::Server,
    toolbox::{Node, Python, RECONNECTING, WEBSOCKETS, WS},
    workspace::Workspace,
};

/// How long a script may take; the presets begin after 10 s.
const LIMIT: Duration = Duration::from_secs(2 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let node = Node::ready(workspace, &[WS, RECONNECTING])?;
    let python = Python::ready(workspace, &[WEBSOCKETS])?;
    let scratch = workspace.scratch("faults");
    let file = workspace.script("faults.yaml");
    let faulty = |name: &str, seed: &[&str]| {
        let file = ["--config".as_ref(), file.as_os_str()];
        mockforge
            .serve(&scratch.join(name).with_extension("log"), file.into_iter().chain(seed.iter().map(AsRef::as_ref)))
    };
    let preset =
        |name: &str| mockforge.serve(&scratch.join(name).with_extension("log"), ["--raw-echo", "--preset", name]);
    // The first has no seed and is for all clients; a connection's number counts only where one client decides it.
    let any = faulty("faults", &[])?;
    let seeded =
        [faulty("seed-7", &["--seed", "7"])?, faulty("again", &["--seed", "7"])?, faulty("seed-8", &["--seed", "8"])?];
    // All of them, also after one that fails.
    let mut sessions = vec![
        play(node.script(&workspace.script("faults_ws.mjs")), [&any]),
        play(python.script(&workspace.script("faults_websockets.py")), [&any].into_iter().chain(&seeded)),
    ];
    // Their clocks begin with them.
    let presets = [preset("server-restart")?, preset("proxy-reload")?];
    sessions.push(play(node.script(&workspace.script("reconnecting.mjs")), &presets));
    sessions.into_iter().collect::<Result<()>>()?;
    [any].into_iter().chain(seeded).chain(presets).try_for_each(Server::stop)
}

/// Runs a script that takes the servers' addresses, and fails if one of its checks does.
fn play<'a>(mut script: Command, servers: impl IntoIterator<Item = &'a Server>) -> Result<()> {
    script.args(servers.into_iter().map(Server::url));
    process::run(&mut script, LIMIT)
}
