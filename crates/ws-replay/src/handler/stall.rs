//! Telling the author of a script why it stands still: which wait is open, and that messages came which do not match.
//!
//! What clients send is shown at debug only, and shortened.

use std::sync::Arc;

use tracing::{debug, info};

use crate::Player;

/// What has been said of the open wait of one session.
pub(super) struct StallReport {
    script: Arc<str>,
    connection: String,
    /// The number of the wait, and how many messages that do not match it have been told.
    told: (u64, u64),
}

impl StallReport {
    pub(super) fn new(script: Arc<str>, connection: String) -> Self {
        Self { script, connection, told: (0, 0) }
    }

    /// The script waits. If messages have come that do not match, says so: once for each wait, and at debug each time.
    pub(super) fn waiting(&mut self, player: &Player) {
        let Some(open) = player.open_wait() else { return };
        let told = if self.told.0 == open.number { self.told.1 } else { 0 };
        if open.mismatched == told {
            return;
        }
        self.told = (open.number, open.mismatched);
        let (script, connection, mismatched) = (&self.script, &self.connection, open.mismatched);
        let (line, expected) = (open.line, &open.expected);
        if told == 0 {
            info!(connection, "{script}:{line}: still waits for {expected}: {}", came(mismatched));
        }
        if let Some(latest) = player.latest_excerpt() {
            debug!(connection, mismatched, "{script}:{line}: does not match {expected}: {latest}");
        }
    }
}

/// The session is over. Says where the script stopped, if it was in a wait, and how many messages it had no use for.
pub(super) fn report_end(player: &Player, script: &str, connection: &str) {
    let untaken = player.untaken();
    match player.open_wait() {
        Some(open) => {
            let (line, expected) = (open.line, &open.expected);
            info!(connection, untaken, "{script}:{line}: the session ended while the script waited for {expected}");
        }
        None if untaken > 0 => {
            info!(connection, untaken, "{script}: the session ended; no wait took some of the client's messages");
        }
        None => debug!(connection, "{script}: the session ended"),
    }
}

fn came(mismatched: u64) -> String {
    match mismatched {
        1 => "a message came that does not match".to_owned(),
        n => format!("{n} messages came that do not match"),
    }
}
