//! Reading a server's metrics as a scraper does.

use ws_testing::TestServer;

use crate::eventually::eventually;

pub(crate) const ACTIVE: &str = "mockforge_ws_connections_active";
pub(crate) const RECEIVED: &str = "mockforge_ws_messages_received_total";
pub(crate) const SENT: &str = "mockforge_ws_messages_sent_total";
pub(crate) const ERRORS: &str = "mockforge_ws_errors_total";

/// The value of `series`, written as in the text format: a name, with its labels if it has any.
#[track_caller]
pub(crate) fn value(server: &TestServer, series: &str) -> f64 {
    let text = server.metrics().unwrap().render();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no series {series} in:\n{text}")).parse().unwrap()
}

/// How many connections ended with `status`.
#[track_caller]
pub(crate) fn ended_with(server: &TestServer, status: &str) -> f64 {
    value(server, &format!("mockforge_ws_connection_duration_seconds_count{{status=\"{status}\"}}"))
}

/// Waits until no connection is open.
#[track_caller]
pub(crate) fn all_ended(server: &TestServer) -> impl Future<Output = ()> {
    eventually("no connection is open", || value(server, ACTIVE) == 0.0)
}
