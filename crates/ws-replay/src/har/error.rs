//! What is wrong with a HAR file.

/// Why a HAR file cannot be read. It displays with the name of the file, and with the place if there is one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HarError {
    /// The file cannot be read.
    #[error("{name}: cannot be read: {reason}")]
    Unreadable {
        /// The file.
        name: String,
        /// What the system says.
        reason: String,
    },
    /// The file, or what it holds, is too large.
    #[error("{name}: is larger than {} MiB, the most that is read", .limit / (1024 * 1024))]
    TooLarge {
        /// The file.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The text is not JSON, or not that of a HAR file.
    #[error("{name}:{line}:{column}: expected a HAR file: {reason}")]
    Json {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The file is packed, and cannot be unpacked.
    #[error("{name}: cannot be unpacked: {reason}")]
    Packed {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The messages of a connection are in another file, which cannot be read.
    #[error("{name}: the messages of {url} are in another file, {file:?}: {reason}")]
    Beside {
        /// The file that names the other.
        name: String,
        /// The connection.
        url: String,
        /// The other file, as it is named.
        file: String,
        /// Why it cannot be read.
        reason: String,
    },
    /// The file has no WebSocket connection.
    #[error(
        "{name}: has no WebSocket connection, but {found}. Chrome records those that are opened while its developer tools \
         are (Network, then Export HAR), Playwright with `recordHar`, mitmproxy with `hardump`"
    )]
    NoSockets {
        /// The file.
        name: String,
        /// What it has instead.
        found: String,
    },
}
