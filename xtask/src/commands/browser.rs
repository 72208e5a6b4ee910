//! A browser against `mockforge serve`: Chromium from Debian, headless, with a page that a script of ours serves from
//! a loopback origin.

use std::path::Path;

use anyhow::Result;

use super::clients::{self, Servers};
use crate::{
    mockforge::Mockforge,
    toolbox::{self, Node},
    workspace::Workspace,
};

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let node = Node::ready(workspace, &[])?;
    let chromium = toolbox::chromium()?;
    let servers = Servers::start(workspace, &mockforge, "browser")?;
    let mut script = node.script(&workspace.script("chromium.mjs"));
    script.env("CHROMIUM", chromium);
    clients::play(script, &servers)?;
    servers.stop()
}
