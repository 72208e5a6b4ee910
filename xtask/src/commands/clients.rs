//! Clients that we did not write, each with its own reading of RFC 6455, against `mockforge serve`: text, binary,
//! ping, subprotocols, and close codes in both directions.

mod servers;
mod websocat;

use std::{path::Path, process::Command, time::Duration};

use anyhow::Result;

pub(super) use self::servers::Servers;
use crate::{
    mockforge::Mockforge,
    process,
    toolbox::{Node, Python, WEBSOCAT, WEBSOCKETS, WS},
    workspace::Workspace,
};

/// How long a session may take; it takes about a second.
const LIMIT: Duration = Duration::from_secs(2 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let node = Node::ready(workspace, &[WS])?;
    let python = Python::ready(workspace, &[WEBSOCKETS])?;
    let websocat = WEBSOCAT.ready(workspace)?;
    let servers = Servers::start(workspace, &mockforge, "clients")?;
    // All of them, also after one that fails: what they agree on says where the fault is.
    let sessions = [
        play(node.script(&workspace.script("node_ws.mjs")), &servers),
        play(python.script(&workspace.script("python_websockets.py")), &servers),
        websocat::play(&websocat, &servers),
    ];
    sessions.into_iter().collect::<Result<()>>()?;
    servers.stop()
}

/// Runs a script that takes the servers' addresses, and fails if one of its checks does.
pub(super) fn play(mut script: Command, servers: &Servers) -> Result<()> {
    script.args([servers.raw.url(), servers.interactive.url(), servers.closing.url()]);
    process::run(&mut script, LIMIT)
}
