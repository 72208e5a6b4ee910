//! The close codes of [RFC 6455, section 7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4) that a server uses,
//! and the rule which of them may stand in a Close frame.

/// The purpose of the connection is fulfilled.
pub const NORMAL: u16 = 1000;
/// The server shuts down, or the page was left.
pub const GOING_AWAY: u16 = 1001;
/// The peer broke the protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// A text message was not UTF-8.
pub const INVALID_PAYLOAD: u16 = 1007;
/// The message breaks a rule of the server.
pub const POLICY_VIOLATION: u16 = 1008;
/// The message is larger than the server takes.
pub const MESSAGE_TOO_BIG: u16 = 1009;
/// The server failed; here: an error, panic or time-out in a handler, or a peer that answers no ping.
pub const INTERNAL_ERROR: u16 = 1011;
/// The server restarts; here: handlers were reloaded under the policy that closes connections.
pub const SERVICE_RESTART: u16 = 1012;
/// Try again later; here: the peer read too slowly.
pub const TRY_AGAIN_LATER: u16 = 1013;
/// A gateway got no answer from its upstream.
pub const BAD_GATEWAY: u16 = 1014;

/// The longest reason in bytes that fits into a Close frame beside its code.
pub const MAX_REASON_BYTES: usize = 123;

/// Whether a Close frame may carry `code`: 1000-1003, 1007-1014 and 3000-4999.
///
/// 1004-1006 and 1015 are reserved for reporting and must never be sent; what is below 1000 or above 4999 has no meaning.
///
/// ```
/// assert!(ws_core::close_code::is_sendable(4002));
/// assert!(!ws_core::close_code::is_sendable(1006));
/// ```
#[must_use]
pub const fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
