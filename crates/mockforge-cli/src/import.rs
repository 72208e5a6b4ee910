//! `mockforge import`: makes a replay file of what another tool has recorded.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use mockforge_ws::{HarFile, HarSocket, MessagePattern, ReplayScript};

use crate::out_file::OutFile;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Import {
    /// The WebSocket connections of a HAR file, as browsers and proxies save it: Chrome, Playwright (also its .zip) or
    /// mitmproxy.
    Har(ImportHar),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportHar {
    /// The HAR file, or the .zip that holds it; `-` is what is piped in
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Take only connections whose URL matches this regular expression
    #[arg(long, value_name = "PATTERN", value_parser = MessagePattern::regex)]
    url: Option<MessagePattern>,
    #[command(flatten)]
    out: OutFile,
}

/// The most connections that are listed by their URLs.
const MOST_LISTED: usize = 20;

pub(crate) fn import(options: &Import) -> anyhow::Result<ExitCode> {
    let Import::Har(options) = options;
    let har = match &options.file {
        file if file == Path::new("-") => HarFile::read(io::stdin().lock(), "stdin")?,
        file => HarFile::load(file)?,
    };
    let is_wanted = |socket: &HarSocket| options.url.as_ref().is_none_or(|pattern| pattern.matches(socket.url()));
    let wanted: Vec<_> = har.sockets().iter().filter(|socket| is_wanted(socket)).collect();
    if wanted.is_empty() {
        bail!("no connection matches --url; there are:{}", list(&har.sockets().iter().collect::<Vec<_>>()));
    }
    let recording = har.recording(is_wanted);
    // It is what `serve` will read; whatever it would refuse is said now.
    let script = ReplayScript::read(recording.as_bytes(), &options.out.name())?;
    options.out.write(&recording)?;
    for warning in har.warnings() {
        eprintln!("warning: {warning}");
    }
    let all = har.sockets().len();
    let connections = if all == 1 { "connection" } else { "connections" };
    eprintln!("imported {} of {all} {connections}:{}", wanted.len(), list(&wanted));
    eprintln!("{}: {}", script.name(), script.summary());
    Ok(ExitCode::SUCCESS)
}

/// A line for each connection.
fn list(sockets: &[&HarSocket]) -> String {
    let mut list = String::new();
    for socket in sockets.iter().take(MOST_LISTED) {
        let messages = if socket.messages() == 1 { "message" } else { "messages" };
        // Writing into a string cannot fail.
        let _ = write!(list, "\n  {} ({} {messages})", socket.url(), socket.messages());
    }
    if let more @ 1.. = sockets.len().saturating_sub(MOST_LISTED) {
        let _ = write!(list, "\n  and {more} more");
    }
    list
}
