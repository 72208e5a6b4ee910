//! What can go wrong in a handler, as the handler sees it.

/// The result of handler operations.
pub type HandlerResult<T> = Result<T, HandlerError>;

/// Why a handler operation failed.
///
/// An `Err` from `on_message` is logged and counted and the connection lives on; an `Err` from `on_connect`
/// closes the connection with code 1011.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandlerError {
    /// A message could not be put on the connection's outbound queue, most often because the connection has ended.
    #[error("Failed to send message: {0}")]
    SendError(String),
    /// Text was not the JSON it should have been.
    #[error("Failed to parse JSON: {0}")]
    JsonError(#[from] serde_json::Error),
    /// A pattern is malformed, or its engine cannot answer it rightly.
    #[error("Pattern matching error: {0}")]
    PatternError(String),
    /// A room could not be joined, left or reached.
    #[error("Room operation failed: {0}")]
    RoomError(String),
    /// The connection, or what it was asked to do, is not possible.
    #[error("Connection error: {0}")]
    ConnectionError(String),
    /// Anything else a handler wants to report.
    #[error("Handler error: {0}")]
    Generic(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H21.
    #[test]
    fn each_error_says_what_it_is() {
        let json = serde_json::from_str::<serde_json::Value>("{").unwrap_err();
        let json_text = format!("Failed to parse JSON: {json}");
        let cases = [
            (HandlerError::SendError("x".into()), "Failed to send message: x"),
            (json.into(), &json_text),
            (HandlerError::PatternError("x".into()), "Pattern matching error: x"),
            (HandlerError::RoomError("x".into()), "Room operation failed: x"),
            (HandlerError::ConnectionError("x".into()), "Connection error: x"),
            (HandlerError::Generic("x".into()), "Handler error: x"),
        ];
        for (error, text) in cases {
            assert_eq!(error.to_string(), text);
        }
    }
}
