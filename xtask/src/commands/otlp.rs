//! Spans as a collector gets them: Python's own reading of OTLP stands in for one, and Python's `websockets` is the client
//! whose trace they belong to.

use std::{path::Path, time::Duration};

use anyhow::Result;

use crate::{
    mockforge::Mockforge,
    process,
    toolbox::{OPENTELEMETRY_PROTO, Python, WEBSOCKETS},
    workspace::Workspace,
};

/// How long the script may take; it takes some seconds.
const LIMIT: Duration = Duration::from_secs(2 * 60);

pub(super) fn run(workspace: &Workspace, program: Option<&Path>) -> Result<()> {
    let mockforge = Mockforge::ready(workspace, program)?;
    let python = Python::ready(workspace, &[WEBSOCKETS, OPENTELEMETRY_PROTO])?;
    process::run(python.script(&workspace.script("otlp_collector.py")).arg(mockforge.path()), LIMIT)
}
