//! The close codes that RFC 6455, section 7.4.1, reserves for reporting: they stand in files, never in a Close frame.

/// A Close frame without a code.
pub(crate) const NO_STATUS: u16 = 1005;
/// An end without a Close frame.
pub(crate) const ABNORMAL: u16 = 1006;
