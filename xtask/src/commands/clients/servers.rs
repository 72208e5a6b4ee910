//! The servers that a scripted session talks to.

use std::ffi::OsString;

use anyhow::Result;

use crate::{mockforge::Mockforge, server::Server, workspace::Workspace};

/// Three modes of one program. Dropping this ends them.
#[derive(Debug)]
pub(in crate::commands) struct Servers {
    /// Returns each message unchanged.
    pub(super) raw: Server,
    /// As it comes: `echo: <text>`.
    pub(super) interactive: Server,
    /// Plays a replay file: says "bye" and closes with 4002 "done".
    pub(super) closing: Server,
}

impl Servers {
    /// Starts all three; their logs go to the scratch folder of `command`.
    pub(in crate::commands) fn start(workspace: &Workspace, mockforge: &Mockforge, command: &str) -> Result<Self> {
        let scratch = workspace.scratch(command);
        let start =
            |name: &str, arguments: &[OsString]| mockforge.serve(&scratch.join(format!("{name}.log")), arguments);
        Ok(Self {
            raw: start("raw", &["--raw-echo".into()])?,
            interactive: start("interactive", &[])?,
            closing: start("closing", &["--ws-replay-file".into(), workspace.script("closing.jsonl").into()])?,
        })
    }

    /// Stops them, and fails if one does not end well.
    pub(in crate::commands) fn stop(self) -> Result<()> {
        self.raw.stop()?;
        self.interactive.stop()?;
        self.closing.stop()
    }
}
