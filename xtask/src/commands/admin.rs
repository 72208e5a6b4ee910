//! The admin API held against its own description, by schemathesis: no answer that is not described, and none that blames the
//! server.

use std::{path::Path, time::Duration};

use anyhow::Result;

use crate::{
    mockforge::Mockforge,
    process,
    toolbox::{Python, SCHEMATHESIS, WEBSOCKETS},
    workspace::Workspace,
};

/// How long all of it may take; on an idle machine it is a minute.
const LIMIT: Duration = Duration::from_secs(8 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let python = Python::ready(workspace, &[WEBSOCKETS, SCHEMATHESIS])?;
    let mut script = python.script(&workspace.script("admin_schemathesis.py"));
    script.arg(mockforge.path()).arg(python.program("schemathesis")).arg(workspace.scratch("admin"));
    process::run(&mut script, LIMIT)
}
