//! A program that says `listening on URL` when it is ready, as all our servers do.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::process::{Background, typed};

/// How long a server may take to start, and to stop.
const LIMIT: Duration = Duration::from_secs(60);

/// A running server; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    background: Background,
    typed: String,
    url: String,
    log: PathBuf,
}

impl Server {
    /// Starts a server and waits until it listens. What it writes to stderr goes to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut background = Background::start(command.stderr(file))?;
        let typed = typed(command);
        let line = background.wait_for_line("", LIMIT).with_context(|| see(log))?;
        let Some(url) = line.strip_prefix("listening on ") else {
            bail!("`{typed}` printed `{line}` where `listening on ws://HOST:PORT/ws` was promised");
        };
        Ok(Self { background, typed, url: url.to_owned(), log: log.to_owned() })
    }

    /// `ws://HOST:PORT/ws`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its process, for who stops it for a while.
    pub(crate) fn id(&self) -> u32 {
        self.background.id()
    }

    /// Shuts the server down as an operator does (SIGTERM), and fails if it does not end well.
    pub(crate) fn stop(self) -> Result<()> {
        let status = self.background.stop(LIMIT).with_context(|| see(&self.log))?;
        if !status.success() {
            bail!("`{}` ended with {status} on SIGTERM; {}", self.typed, see(&self.log));
        }
        Ok(())
    }
}

fn see(log: &Path) -> String {
    format!("its log is {}", log.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(script: &str) -> Result<Server> {
        let folder = tempfile::tempdir()?;
        Server::start(Command::new("sh").args(["-c", script]), &folder.path().join("logs/server.log"))
    }

    const LISTEN: &str = "echo listening on ws://127.0.0.1:1/ws";

    #[test]
    fn the_address_is_read() {
        let server = start(&format!("{LISTEN}; exec sleep 600")).unwrap();
        assert_eq!(server.url(), "ws://127.0.0.1:1/ws");
        let error = server.stop().unwrap_err().to_string();
        assert!(error.contains("signal: 15"), "a program without a handler does not end well: {error}");
    }

    #[test]
    fn a_server_that_shuts_down_ends_well() {
        start(&format!("trap 'exit 0' TERM; {LISTEN}; while :; do sleep 0.01; done")).unwrap().stop().unwrap();
    }

    #[test]
    fn another_first_line_is_an_error() {
        let error = start("echo ready; exec sleep 600").unwrap_err().to_string();
        assert!(error.contains("printed `ready`"), "{error}");
    }
}
