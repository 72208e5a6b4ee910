//! How a load stands, for who watches it.

use std::time::Duration;

/// What is told once a second.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Since the first message was due; zero while connections are opened.
    pub elapsed: Duration,
    /// How long it is sent, if that is known.
    pub lasts: Option<Duration>,
    /// Connections that are open.
    pub open: usize,
    /// Messages so far, over all connections.
    pub sent: u64,
    /// Messages that came so far, over all connections.
    pub received: u64,
    /// Messages sent in a second, over all connections, of late.
    pub sent_per_second: f64,
    /// Messages that came in a second, over all connections, of late.
    pub received_per_second: f64,
    /// Half of the round trips of late took no longer, in milliseconds.
    pub p50: Option<f64>,
    /// 99% of the round trips of late took no longer, in milliseconds.
    pub p99: Option<f64>,
    /// Connections that failed so far.
    pub failures: u64,
}
