//! The inspector of `mockforge serve` in Chromium: clients connect, and a script reads and presses what a person would, by
//! keyboard and mouse. Its screenshots, in both themes, are for people to look at.

use std::{path::Path, time::Duration};

use anyhow::Result;

use crate::{
    mockforge::Mockforge,
    process,
    toolbox::{self, Node},
    workspace::Workspace,
};

/// How long the script may take; it takes half a minute.
const LIMIT: Duration = Duration::from_secs(5 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let node = Node::ready(workspace, &[])?;
    let chromium = toolbox::chromium()?;
    let rules = workspace.root().join("examples/rules/chat.yaml");
    let screenshots = workspace.scratch("inspector");
    let mut script = node.script(&workspace.script("inspector_chromium.mjs"));
    script.env("CHROMIUM", &chromium).arg(mockforge.path()).arg(&rules).arg(&screenshots);
    process::run(&mut script, LIMIT)?;
    println!("screenshots: {}", screenshots.display());
    Ok(())
}
