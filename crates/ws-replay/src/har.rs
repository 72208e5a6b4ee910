//! HAR files: recordings of browsers and proxies, read as replay files and written from them.
//!
//! A HAR file says what was sent and received, and when. No tool writes into it how a connection was closed, or its pings.
//! What is read here is only turned into another form; nothing is played.

mod error;
mod export;
mod files;
mod reading;
mod recording;
mod sockets;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::Path;

pub use error::HarError;
pub use export::{HarExport, HarLayout};
pub use sockets::HarSocket;

/// The WebSocket connections of a HAR file.
///
/// These are read: the files of Chrome's developer tools, of Playwright (with `content: "embed"` in one file, with `"attach"` as
/// a `.zip`, or as a `.har` with other files beside it) and of mitmproxy (also its `.zhar`), and what is like them.
///
/// ```
/// use ws_replay::{HarFile, ReplayScript};
///
/// let har = HarFile::read(
///     r#"{"log": {"entries": [{
///         "_resourceType": "websocket",
///         "request": {"url": "ws://localhost:8080/chat?room=1"},
///         "_webSocketMessages": [
///             {"type": "send", "time": 1700000000.0, "opcode": 1, "data": "hello"},
///             {"type": "receive", "time": 1700000000.25, "opcode": 1, "data": "welcome"}
///         ]
///     }]}}"#
///         .as_bytes(),
///     "session.har",
/// )?;
/// let recording = har.recording(|_| true);
/// assert_eq!(
///     recording,
///     r#"{"recording":1}
/// {"ts":0,"conn":1,"open":"/ws/chat","at":"2023-11-14T22:13:20.000Z","url":"ws://localhost:8080/chat?room=1"}
/// {"ts":0,"conn":1,"dir":"in","text":"hello"}
/// {"ts":250,"conn":1,"dir":"out","text":"welcome"}
/// "#
/// );
/// let script = ReplayScript::parse(&recording, "session.jsonl")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HarFile {
    /// At least one.
    sockets: Vec<HarSocket>,
    warnings: Vec<String>,
}

impl HarFile {
    /// The largest file that is read, in bytes, also when what it holds is unpacked: 256 MiB.
    pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

    /// Reads a `.har`, with the files beside it that it names, or a `.zip` that holds both. This blocks while it reads.
    ///
    /// # Errors
    /// What is wrong with the file, with its place; also that it has no WebSocket connection.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, HarError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = files::read_file(path, Self::MAX_BYTES)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        reading::read(&bytes, &name, Some(folder), Self::MAX_BYTES)
    }

    /// Reads what `reader` gives, which errors will call `name`. There are no files beside it. This blocks while it reads.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn read(reader: impl Read, name: &str) -> Result<Self, HarError> {
        let bytes = files::read_all(reader, name, Self::MAX_BYTES)?;
        reading::read(&bytes, name, None, Self::MAX_BYTES)
    }

    /// The connections, in the order of the file; at least one.
    #[must_use]
    pub fn sockets(&self) -> &[HarSocket] {
        &self.sockets
    }

    /// What was left out of the connections, or was doubtful.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The connections that are `wanted`, as a replay file: a recording, in which each connection is a session.
    ///
    /// The path of a session is that of the URL, behind `/ws` if it is not below that. Times count from the handshake, in
    /// milliseconds, and never go back; messages stay in the order of the file.
    #[must_use]
    pub fn recording(&self, wanted: impl Fn(&HarSocket) -> bool) -> String {
        recording::of(self.sockets.iter().filter(|socket| wanted(socket)))
    }
}
