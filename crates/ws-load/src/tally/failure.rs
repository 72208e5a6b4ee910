//! How a connection can fail.

use std::fmt;
use std::io;

/// Why a connection was not opened, or did not end well.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Failure {
    /// Nothing listens there.
    Refused,
    /// The handshake took longer than the timeout.
    ConnectTimeout,
    /// This machine has no file descriptor left.
    OutOfFiles,
    /// This machine has no port left towards that address.
    OutOfPorts,
    /// It could not be connected for another reason.
    Connect,
    /// The server is not trusted, or does not speak TLS.
    Tls,
    /// The handshake was answered with this status.
    Status(u16),
    /// The answer to the handshake was none.
    Handshake,
    /// The server has closed the connection with this code; 1005 is none.
    Closed(u16),
    /// The connection ended without a Close frame.
    Broken,
    /// The server has sent what the protocol forbids.
    Protocol,
    /// The server has taken nothing of what was to be sent for as long as an answer may take.
    Stuck,
    /// The server did not answer our Close frame.
    CloseTimeout,
    /// The server was recorded to close the connection, and did not.
    NotClosed,
}

impl Failure {
    /// Whether there was no connection yet.
    pub(crate) fn is_of_opening(&self) -> bool {
        match self {
            Self::Closed(_) | Self::Broken | Self::Protocol | Self::Stuck | Self::CloseTimeout | Self::NotClosed => {
                false
            }
            Self::Refused
            | Self::ConnectTimeout
            | Self::OutOfFiles
            | Self::OutOfPorts
            | Self::Connect
            | Self::Tls
            | Self::Status(_)
            | Self::Handshake => true,
        }
    }

    /// What an error of the system means before there is a connection.
    pub(crate) fn of_connecting(error: &io::Error) -> Self {
        // EMFILE and ENFILE have no kind of their own.
        match (error.kind(), error.raw_os_error()) {
            (_, Some(24 | 23)) => Self::OutOfFiles,
            (io::ErrorKind::AddrNotAvailable, _) => Self::OutOfPorts,
            (io::ErrorKind::ConnectionRefused, _) => Self::Refused,
            (io::ErrorKind::TimedOut, _) => Self::ConnectTimeout,
            _ => Self::Connect,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::ConnectTimeout => f.write_str("handshake took too long"),
            Self::OutOfFiles => f.write_str("no file descriptor left here"),
            Self::OutOfPorts => f.write_str("no port left here"),
            Self::Connect => f.write_str("cannot connect"),
            Self::Tls => f.write_str("TLS"),
            Self::Status(status) => write!(f, "handshake refused with HTTP {status}"),
            Self::Handshake => f.write_str("no WebSocket handshake"),
            Self::Closed(code) => write!(f, "closed by the server with {code}"),
            Self::Broken => f.write_str("ended without a Close frame"),
            Self::Protocol => f.write_str("broke the protocol"),
            Self::Stuck => f.write_str("took nothing for longer than the timeout"),
            Self::CloseTimeout => f.write_str("Close was not answered"),
            Self::NotClosed => f.write_str("did not close the connection, as was recorded"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_has_its_kind() {
        let kinds = [io::ErrorKind::AddrNotAvailable, io::ErrorKind::ConnectionRefused, io::ErrorKind::TimedOut]
            .map(|kind| Failure::of_connecting(&kind.into()));
        assert_eq!(kinds, [Failure::OutOfPorts, Failure::Refused, Failure::ConnectTimeout]);
        for (code, failure) in [(23, Failure::OutOfFiles), (24, Failure::OutOfFiles), (13, Failure::Connect)] {
            assert_eq!(Failure::of_connecting(&io::Error::from_raw_os_error(code)), failure);
        }
    }
}
