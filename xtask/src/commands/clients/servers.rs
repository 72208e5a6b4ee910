//! The servers that a scripted session talks to, and the ways to them.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{mockforge::Mockforge, server::Server, workspace::Workspace};

/// What stands between a client and the servers. A session is the same on all ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Way {
    Direct,
    /// A proxy of ours before each server.
    Proxy,
    /// `wss://`, with a certificate of our own.
    Tls,
    /// A proxy of ours before each server, with `wss://` on both its sides.
    TlsAndProxy,
}

impl Way {
    pub(in crate::commands) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::TlsAndProxy => "tls-and-proxy",
        }
    }

    pub(super) fn has_tls(self) -> bool {
        matches!(self, Self::Tls | Self::TlsAndProxy)
    }

    fn has_proxy(self) -> bool {
        matches!(self, Self::Proxy | Self::TlsAndProxy)
    }
}

/// Three modes of one program. Dropping this ends them.
#[derive(Debug)]
pub(in crate::commands) struct Servers {
    way: Way,
    /// The folder of logs, and of the certificate authority.
    folder: PathBuf,
    /// Returns each message unchanged.
    pub(super) raw: Server,
    /// As it comes: `echo: <text>`.
    pub(super) interactive: Server,
    /// Plays a replay file: says "bye" and closes with 4002 "done".
    pub(super) closing: Server,
    /// What stands behind the proxies.
    upstreams: Vec<Server>,
}

impl Servers {
    /// Starts all three; their logs go to the scratch folder of `command`.
    pub(in crate::commands) fn start(
        workspace: &Workspace,
        mockforge: &Mockforge,
        command: &str,
        way: Way,
    ) -> Result<Self> {
        let folder = workspace.scratch(command).join(way.name());
        let mut upstreams = Vec::new();
        let mut start = |name: &str, arguments: &[&OsStr]| {
            let server = serve(mockforge, &folder, name, way, arguments)?;
            if !way.has_proxy() {
                return Ok(server);
            }
            let proxy =
                serve(mockforge, &folder, &format!("{name}-proxy"), way, &["--proxy".as_ref(), server.url().as_ref()])?;
            upstreams.push(server);
            anyhow::Ok(proxy)
        };
        let closing = workspace.script("closing.jsonl");
        let (raw, interactive, closing) = (
            start("raw", &["--raw-echo".as_ref()])?,
            start("interactive", &[])?,
            start("closing", &["--ws-replay-file".as_ref(), closing.as_ref()])?,
        );
        Ok(Self { way, folder, raw, interactive, closing, upstreams })
    }

    /// Has `client` talk to the servers: their addresses are its arguments, and it trusts their authority, if its
    /// program reads one of the usual variables.
    pub(super) fn introduce<'a>(&self, client: &'a mut Command) -> &'a mut Command {
        if self.way.has_tls() {
            let authority = self.folder.join("ca.pem");
            client.env("NODE_EXTRA_CA_CERTS", &authority).env("SSL_CERT_FILE", &authority);
        }
        client.args([self.raw.url(), self.interactive.url(), self.closing.url()])
    }

    /// Stops them, and fails if one does not end well.
    pub(in crate::commands) fn stop(self) -> Result<()> {
        // A proxy before what stands behind it.
        [self.raw, self.interactive, self.closing].into_iter().chain(self.upstreams).try_for_each(Server::stop)
    }
}

fn serve(mockforge: &Mockforge, folder: &Path, name: &str, way: Way, arguments: &[&OsStr]) -> Result<Server> {
    let mut command = mockforge.command("serve");
    command.args(["--ws-port", "0"]).args(arguments);
    if way.has_tls() {
        // The authority is made by the first and trusted by all, also by a proxy that goes up to another one.
        command.arg("--tls-self-signed").env("MOCKFORGE_WS_TLS_DIR", folder);
        command.env("SSL_CERT_FILE", folder.join("ca.pem"));
    }
    Server::start(&mut command, &folder.join(name).with_extension("log"))
}
