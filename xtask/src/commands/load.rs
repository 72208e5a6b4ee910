//! `mockforge load` against servers that count for themselves: on npm's `ws`, which is also stopped for a while, on Bun, and our own.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::{
    mockforge::{Mockforge, without_settings},
    process,
    server::Server,
    toolbox::{Node, WS, bun},
    workspace::Workspace,
};

/// How long all loads of one server may take; they take half a minute.
const LIMIT: Duration = Duration::from_secs(5 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let node = Node::ready(workspace, &[WS])?;
    let log = |name: &str| workspace.scratch("load").join(format!("{name}.log"));
    let put_load_on = |kind: &str, server: Server| {
        println!("-- {kind}");
        let mut script = node.script(&workspace.script("load.mjs"));
        script.arg(mockforge.path()).args([server.url(), &server.id().to_string(), kind]);
        process::run(without_settings(&mut script), LIMIT).with_context(|| format!("against {kind}"))?;
        server.stop()
    };
    put_load_on("mockforge", mockforge.serve(&log("mockforge"), ["--raw-echo"])?)?;
    let mut ws = node.script(&workspace.script("load_server_ws.mjs"));
    put_load_on("ws", Server::start(&mut ws, &log("ws"))?)?;
    let mut bun = Command::new(bun(workspace)?);
    bun.arg(workspace.script("load_server_bun.mjs"));
    put_load_on("bun", Server::start(&mut bun, &log("bun"))?)
}
