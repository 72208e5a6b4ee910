//! The `status` label of ended connections.

use ws_core::EndStatus;

/// The value of the `status` label: that of an [`EndStatus`].
///
/// It is made from an `EndStatus` or from its name. Any other name becomes `error`, so that no caller can add labels.
///
/// ```
/// use ws_core::EndStatus;
/// use ws_metrics::StatusLabel;
///
/// assert_eq!(StatusLabel::from("client_close"), StatusLabel::from(EndStatus::ClientClose));
/// assert_eq!(StatusLabel::from("oops").as_str(), "error");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusLabel(&'static str);

impl StatusLabel {
    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<EndStatus> for StatusLabel {
    fn from(status: EndStatus) -> Self {
        Self(status.as_str())
    }
}

impl From<&str> for StatusLabel {
    fn from(name: &str) -> Self {
        let known = EndStatus::ALL.iter().copied().find(|status| status.as_str() == name);
        known.unwrap_or(EndStatus::Error).into()
    }
}
