//! Events that nobody wrote, as clients see them that we did not write: first of the embedded provider, which needs
//! nothing; then of a real language model behind llama.cpp's own server, both from PyPI.
//!
//! The model's tools come last: where they cannot be had, the rest has been tested.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};

use crate::{
    mockforge::Mockforge,
    process,
    server::Server,
    toolbox::{FASTJSONSCHEMA, Node, Python, SMOLLM2, WEBSOCKETS, WS, XLLAMACPP},
    workspace::Workspace,
};

/// How long a script may take; those of the embedded provider take some seconds.
const LIMIT: Duration = Duration::from_secs(2 * 60);

/// How long the model's may take: half a minute on an idle machine, and a busy one is slower by far.
const MODEL_LIMIT: Duration = Duration::from_secs(10 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    println!("-- embedded");
    embedded(workspace, &mockforge)?;
    println!("-- language model");
    language_model(workspace, &mockforge)
}

fn embedded(workspace: &Workspace, mockforge: &Mockforge) -> Result<()> {
    let node = Node::ready(workspace, &[WS])?;
    let python = Python::ready(workspace, &[WEBSOCKETS])?;
    // All of them, also after one that fails.
    let sessions = [
        process::run(python.script(&workspace.script("ai_websockets.py")).arg(mockforge.path()), LIMIT),
        process::run(node.script(&workspace.script("ai_ws.mjs")).arg(mockforge.path()), LIMIT),
        process::run(python.script(&workspace.script("ai_generate.py")).arg(mockforge.path()), LIMIT),
    ];
    sessions.into_iter().collect()
}

fn language_model(workspace: &Workspace, mockforge: &Mockforge) -> Result<()> {
    let python = Python::ready(workspace, &[WEBSOCKETS, FASTJSONSCHEMA, XLLAMACPP, SMOLLM2])?;
    let log = workspace.scratch("ai").join("model.log");
    let model = Server::start(&mut python.script(&workspace.script("model_server.py")), &log)
        .context("the model server does not start")?;
    let mut session = python.script(&workspace.script("ai_model.py"));
    process::run(session.arg(mockforge.path()).arg(model.url()), MODEL_LIMIT)?;
    model.stop()
}
