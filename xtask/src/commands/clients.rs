//! Clients that we did not write, each with its own reading of RFC 6455, against `mockforge serve`: text, binary,
//! ping, subprotocols, and close codes in both directions; directly, over TLS, and the same through our proxy.

mod servers;
mod websocat;

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};

pub(super) use self::servers::{Servers, Way};
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
    for way in [Way::Direct, Way::Proxy, Way::Tls, Way::TlsAndProxy] {
        println!("-- {}", way.name());
        let servers = Servers::start(workspace, &mockforge, "clients", way)?;
        // All of them, also after one that fails: what they agree on says where the fault is.
        let mut sessions = vec![
            play(node.script(&workspace.script("node_ws.mjs")), &servers),
            play(python.script(&workspace.script("python_websockets.py")), &servers),
        ];
        // Ours of websocat has no TLS.
        if !way.has_tls() {
            sessions.push(websocat::play(&websocat, &servers));
        }
        sessions.into_iter().collect::<Result<()>>().with_context(|| format!("the way: {}", way.name()))?;
        servers.stop()?;
    }
    Ok(())
}

/// Runs a script that takes the servers' addresses, and fails if one of its checks does.
pub(super) fn play(mut script: Command, servers: &Servers) -> Result<()> {
    process::run(servers.introduce(&mut script), LIMIT)
}
