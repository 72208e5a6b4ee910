//! A browser against `mockforge serve`: Chromium from Debian, headless, with a page that a script of ours serves from
//! a loopback origin; directly, and the same through our proxy.

use std::path::Path;

use anyhow::{Context, Result};

use super::clients::{self, Servers, Way};
use crate::{
    mockforge::Mockforge,
    toolbox::{self, Node},
    workspace::Workspace,
};

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let node = Node::ready(workspace, &[])?;
    let chromium = toolbox::chromium()?;
    let rules = workspace.root().join("examples/rules/survey.yaml");
    let log = workspace.scratch("browser").join("survey.log");
    let survey = mockforge.serve(&log, ["--rules".as_ref(), rules.as_os_str()])?;
    for way in [Way::Direct, Way::Proxy] {
        println!("-- {}", way.name());
        let servers = Servers::start(workspace, &mockforge, "browser", way)?;
        let mut script = node.script(&workspace.script("chromium.mjs"));
        script.env("CHROMIUM", &chromium).arg(survey.url());
        clients::play(script, &servers).with_context(|| format!("the way: {}", way.name()))?;
        servers.stop()?;
    }
    survey.stop()
}
