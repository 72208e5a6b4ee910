//! Why a session ends, what the client is told, and how it is counted.

use ws_conditions::ConnectionFault;
use ws_core::{CloseFrame, EndStatus, Origin, SessionEnding, close_code};
use ws_wire::WireError;

/// Why the open phase of a session ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The client sent a Close frame; it is answered with the same code.
    ClosedByClient(Option<CloseFrame>),
    /// A handler, a mode or somebody else on our side sent this Close frame.
    ClosedByUs(Option<CloseFrame>, Origin),
    /// The client was gone without a Close frame.
    Lost,
    /// The client broke the protocol or a limit.
    ReadFailed(WireError),
    /// The socket did not take what we sent.
    SendFailed(WireError),
    /// A handler failed; the reason is for the client.
    HandlerFailed(String),
    /// The client read too slowly.
    SlowConsumer,
    /// The client answered no ping.
    HeartbeatLost,
    /// The handlers were exchanged, under the policy that closes connections.
    Reloaded,
    /// The server shuts down.
    Shutdown,
    /// The same, and another one takes its place.
    Restart,
    /// A fault that was asked for.
    Broken(ConnectionFault),
}

impl Ending {
    /// Tells a read error of the peer from the plain end of the connection.
    pub(crate) fn from_read_error(error: WireError) -> Self {
        match error {
            WireError::Lost => Self::Lost,
            error => Self::ReadFailed(error),
        }
    }

    pub(crate) fn status(&self) -> EndStatus {
        match self {
            Self::ClosedByClient(_) => EndStatus::ClientClose,
            // What a proxy says of its upstream; any other code is the upstream's own word.
            Self::ClosedByUs(Some(frame), Origin::Proxy) if frame.code == close_code::BAD_GATEWAY => {
                EndStatus::ProxyError
            }
            Self::ClosedByUs(..) | Self::Reloaded | Self::Broken(_) => EndStatus::Normal,
            Self::Lost | Self::ReadFailed(_) | Self::HeartbeatLost => EndStatus::Error,
            Self::SendFailed(_) => EndStatus::SendError,
            Self::HandlerFailed(_) => EndStatus::HandlerError,
            Self::SlowConsumer => EndStatus::SlowConsumer,
            Self::Shutdown | Self::Restart => EndStatus::Shutdown,
        }
    }

    /// The Close frame that we still have to send.
    pub(crate) fn farewell(&self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::ClosedByClient(_) | Self::ClosedByUs(..) | Self::Lost | Self::SendFailed(_) | Self::Broken(_) => {
                return None;
            }
            Self::ReadFailed(error) => (error.close_code(), error.to_string()),
            Self::HandlerFailed(reason) => (close_code::INTERNAL_ERROR, reason.clone()),
            Self::SlowConsumer => (close_code::TRY_AGAIN_LATER, "the client reads too slowly".to_owned()),
            Self::HeartbeatLost => (close_code::INTERNAL_ERROR, "no answer to a ping".to_owned()),
            Self::Reloaded => (close_code::SERVICE_RESTART, "the handlers were reloaded".to_owned()),
            Self::Shutdown => (close_code::GOING_AWAY, "the server shuts down".to_owned()),
            Self::Restart => (close_code::SERVICE_RESTART, "the server restarts".to_owned()),
        };
        Some(CloseFrame { code, reason: fitting(reason).into() })
    }

    /// What parts of the session are told.
    pub(crate) fn news(&self) -> SessionEnding {
        let close_frame = match self {
            Self::ClosedByClient(frame) | Self::ClosedByUs(frame, _) => Some(frame.clone()),
            _ => self.farewell().map(Some),
        };
        SessionEnding::new(self.status(), close_frame)
    }

    /// The Close frame of the side that closed first.
    pub(crate) fn close_frame(&self) -> Option<CloseFrame> {
        match self {
            Self::ClosedByClient(frame) | Self::ClosedByUs(frame, _) => frame.clone(),
            _ => self.farewell(),
        }
    }
}

/// Shortens a reason to what a Close frame holds, at a character's end.
fn fitting(mut reason: String) -> String {
    if reason.len() > close_code::MAX_REASON_BYTES {
        reason.truncate(reason.floor_char_boundary(close_code::MAX_REASON_BYTES));
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let frame = Ending::HandlerFailed("\u{e9}".repeat(100)).farewell().unwrap();
        assert_eq!(frame.reason.len(), 122);
        CloseFrame::new(frame.code, frame.reason).unwrap();
    }
}
