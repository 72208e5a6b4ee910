//! Autobahn's cases against `mockforge serve --raw-echo`, the same through our proxy, and against the proxy's own side
//! towards an upstream; driven by kosoku from PyPI.

mod autobahn;
mod verdict;

use std::path::Path;

use anyhow::{Result, bail};

use self::autobahn::Autobahn;
use crate::{
    mockforge::Mockforge,
    toolbox::{KOSOKU, Node, Python, WS},
    workspace::Workspace,
};

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let node = Node::ready(workspace, &[WS])?;
    let scratch = workspace.scratch("conformance");
    let autobahn = Autobahn::new(&Python::ready(workspace, &[KOSOKU])?, &scratch);

    let server = mockforge.serve(&scratch.join("server.log"), ["--raw-echo"])?;
    let proxy = mockforge.serve(&scratch.join("proxy.log"), ["--proxy", server.url()])?;
    let driver = node.script(&workspace.script("autobahn_client.mjs"));
    // All of them, also after one that fails: what they have in common says where the fault is.
    let reports = [
        ("server", verdict::PROMPT, autobahn.test_server(server.url(), "server")),
        ("proxy", verdict::BEHIND, autobahn.test_server(proxy.url(), "proxy")),
        ("upstream", verdict::BEHIND, autobahn.test_upstream_side(&mockforge, driver, "upstream")),
    ];
    let mut bad = Vec::new();
    for (name, lenient, report) in reports {
        println!("-- {name}");
        match report.and_then(|index| verdict::of(&index, lenient)) {
            Ok(verdict) => {
                print!("{verdict}");
                if !verdict.is_good() {
                    bad.push(name);
                }
            }
            Err(error) => {
                println!("{error:#}");
                bad.push(name);
            }
        }
    }
    proxy.stop()?;
    server.stop()?;
    if !bad.is_empty() {
        bail!("not conforming: {}; the reports of the cases are in {}", bad.join(" and "), scratch.display());
    }
    Ok(())
}
