//! Numbers of the whole server, as a feed tells them each second.

use jiff::Timestamp;
use serde::Serialize;
use ws_core::Direction;

use crate::admin::which::Which;
use crate::admin::{Admin, journals, reach};
use crate::journal::{EventKind, Journal, JournalQuery};
use crate::live::Totals;

/// How many messages the times of a second are taken from.
const SAMPLE: usize = 500;

/// Makes the numbers.
pub(super) struct Stats {
    /// The journal up to this event was in the last numbers.
    seen: u64,
}

/// The numbers of a second.
#[derive(Serialize)]
pub(super) struct Numbers {
    at: String,
    /// How many are open.
    connections: usize,
    /// All that clients sent since the start.
    received: Totals,
    /// All that clients were sent since the start.
    sent: Totals,
    /// How long messages took from their arrival until their handlers were done with them; none, if there were none.
    handled_us: Option<Handled>,
    /// How many events are no longer kept.
    evicted: u64,
    /// How many rooms have members; none, if they cannot be listed.
    rooms: Option<usize>,
    /// How the last reload went, if there was one.
    reload: Option<Reload>,
}

#[derive(Serialize)]
struct Handled {
    /// How many were looked at: the newest 500 of the last second.
    count: usize,
    p50: u64,
    p90: u64,
    p99: u64,
}

#[derive(Serialize)]
struct Reload {
    outcome: &'static str,
    errors: Vec<String>,
}

impl Stats {
    /// Begins behind this event of the journal.
    pub(super) fn behind(seen: u64) -> Self {
        Self { seen }
    }

    pub(super) async fn now(&mut self, admin: &Admin, which: &Which) -> Numbers {
        let journals = admin.journals(which).unwrap_or_default();
        let (connections, [received, sent]) = admin.shared.live.totals();
        let oldest = JournalQuery::messages().limit(1);
        let evicted = journals::find(&journals, &oldest).await.evicted;
        Numbers {
            at: format!("{:.3}", Timestamp::now()),
            connections,
            received,
            sent,
            handled_us: self.handled(&journals).await,
            evicted,
            rooms: rooms(admin, which).await,
            reload: admin.shared.reloader.last().map(|last| match last {
                Ok(report) if report.changed.is_empty() => Reload { outcome: "unchanged", errors: Vec::new() },
                Ok(_) => Reload { outcome: "ok", errors: Vec::new() },
                Err(mistakes) => Reload { outcome: "failed", errors: mistakes.lines().map(str::to_owned).collect() },
            }),
        }
    }

    async fn handled(&mut self, journals: &[Journal]) -> Option<Handled> {
        let query =
            JournalQuery::messages().direction(Direction::Inbound).since(self.seen).limit(SAMPLE).newest_first();
        let found = journals::find(journals, &query).await;
        self.seen = self.seen.max(found.last_seq);
        let mut times: Vec<_> = found
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Message { handled_us, .. } => *handled_us,
                _ => None,
            })
            .collect();
        times.sort_unstable();
        let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied();
        Some(Handled { count: times.len(), p50: at(50)?, p90: at(90)?, p99: at(99)? })
    }
}

async fn rooms(admin: &Admin, which: &Which) -> Option<usize> {
    let mut count = 0;
    for (rooms, _) in reach::keepers(&admin.connections(which)) {
        count += rooms.list(usize::MAX).await?.len();
    }
    Some(count)
}
