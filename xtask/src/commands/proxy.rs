//! Servers that we did not write behind `mockforge serve --proxy` and `mockforge record`, and clients before them:
//! what one side says is what the other hears, and what a killed recorder leaves plays.
//!
//! Each script is both sides, so that it can compare them, and starts the `mockforge` between them by itself.

use std::{path::Path, time::Duration};

use anyhow::Result;

use crate::{
    mockforge::Mockforge,
    process,
    toolbox::{Node, Python, WEBSOCKETS, WS},
    workspace::Workspace,
};

/// How long a script may take; each takes less than ten seconds.
const LIMIT: Duration = Duration::from_secs(2 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let node = Node::ready(workspace, &[WS])?;
    let python = Python::ready(workspace, &[WEBSOCKETS])?;
    let scripts = [
        node.script(&workspace.script("proxy_ws.mjs")),
        python.script(&workspace.script("proxy_websockets.py")),
        python.script(&workspace.script("record_replay.py")),
    ];
    // All of them, also after one that fails.
    let sessions = scripts.map(|mut script| process::run(script.arg(mockforge.path()), LIMIT));
    sessions.into_iter().collect()
}
