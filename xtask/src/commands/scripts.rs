//! Scripts that branch, rules, and recordings of other tools, as clients see them that we did not write; and what is
//! reported of clients that are judged.
//!
//! Files of the tools are imported and exported again first: the clients play what was imported. What is said is
//! written down once, in `clients/scripts_dialogues.txt`, for both clients.

use std::{fs, io, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::{
    mockforge::Mockforge,
    process,
    toolbox::{Node, Python, WEBSOCKETS, WS},
    workspace::Workspace,
};

/// How long a script may take; the longest wait in a dialogue is ten seconds, and all dialogues are held at once.
const LIMIT: Duration = Duration::from_secs(2 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let node = Node::ready(workspace, &[WS])?;
    let python = Python::ready(workspace, &[WEBSOCKETS])?;
    let recordings = workspace.scratch("scripts");
    make_empty(&recordings).with_context(|| format!("{} cannot be made", recordings.display()))?;
    let play = |mut script: Command, folders: &[&Path]| {
        script.current_dir(workspace.root()).arg(mockforge.path()).args(folders);
        process::run(&mut script, LIMIT)
    };
    let hars = workspace.root().join("crates/ws-replay/tests/har");
    play(python.script(&workspace.script("scripts_har.py")), &[&hars, &recordings])?;
    // Both, also after one that fails.
    let dialogues = [
        play(node.script(&workspace.script("scripts_ws.mjs")), &[&recordings]),
        play(python.script(&workspace.script("scripts_websockets.py")), &[&recordings]),
    ];
    dialogues.into_iter().collect()
}

fn make_empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    }
}
