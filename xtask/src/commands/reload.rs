//! Handlers that are edited while `mockforge serve --watch` serves: a page in Chromium that stays open, and a thousand
//! connections of npm's `ws` through a thousand saves.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};

use crate::{
    mockforge::Mockforge,
    process,
    toolbox::{self, Node, WS},
    workspace::Workspace,
};

/// How long a script may take; the thousand saves take a minute.
const LIMIT: Duration = Duration::from_secs(5 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let node = Node::ready(workspace, &[WS])?;
    let chromium = toolbox::chromium()?;
    let scratch = workspace.scratch("reload");
    // What an earlier run left would be handlers, too.
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("{} cannot be removed", scratch.display()))?;
    }
    for script in ["reload_chromium.mjs", "reload_saves.mjs"] {
        let mut command = node.script(&workspace.script(script));
        process::run(command.env("CHROMIUM", &chromium).arg(mockforge.path()).arg(&scratch), LIMIT)?;
    }
    Ok(())
}
