//! The journal: what connections did and what was done to them, kept for who asks afterwards, or waits for it.
//!
//! It watches sessions and never makes them wait for who reads it. It is bounded in events and bytes, and says what it no
//! longer has. Nothing here decides what is answered to a client, or knows HTTP.

mod answers;
mod clock;
mod event;
mod facts;
mod filter;
mod journals;
mod names;
mod observing;
mod query;
mod reading;
mod redacting;
mod ring;
mod secrets;
mod slot;
mod store;
#[cfg(test)]
mod tests;
mod watch;
mod written;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use ws_patterns::MessageText;

pub use self::answers::{Counted, Found, NearMissed, Waited};
pub use self::event::{EventKind, EventName, HandledAs, JournalEvent, MessageType, ReloadOutcome};
pub use self::filter::{EventFilter, FilterError, FilterErrors};
pub(crate) use self::journals::Journals;
pub use self::query::JournalQuery;
#[cfg(feature = "admin")]
pub(crate) use self::redacting::redact_text;
#[cfg(feature = "admin")]
pub(crate) use self::secrets::{shown_headers, shown_query};
pub use self::watch::JournalWatch;

use self::query::Meant;
use self::reading::{CHUNK_BYTES, Cursor, each};
use self::slot::Slot;
use self::store::Store;

/// What a server has seen: every message, and what happened to connections. A handle: clones are the same journal.
///
/// It keeps the latest events, as many as [`JournalConfig`](crate::JournalConfig) says: what was received and what happened to
/// connections is apart from what was sent, so that a broadcast does not push out what it answers. Values of headers,
/// query parameters and bodies that are secret by name, or by the redactions of [`record`](crate::WsConfig::record), are not
/// told.
///
/// A message to a client is in it when it was handed to the socket, one from a client when it was read: before its
/// handlers see it. When a client has seen the last answer, or has closed, the journal may have a moment to go:
/// [`wait_for`](Self::wait_for) what is expected.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use ws_server::{JournalQuery, WsConfig, WsServer};
///
/// let server = WsServer::builder().config(WsConfig { port: 0, ..Default::default() }).build()?.serve().await?;
/// let journal = server.journal().unwrap();
/// let orders = JournalQuery::messages().pattern(r#"$.type:"order""#.parse()?);
/// let waited = journal.wait_for(&orders, 1, Duration::from_millis(1)).await;
/// assert!(!waited.matched);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Journal(Arc<Store>);

/// How many messages are compared with a pattern that none matched.
const COMPARED: usize = 1_000;
/// How many of them are told.
const NEAREST: usize = 5;
/// How much of the text of each, in characters.
const EXCERPT: usize = 200;

impl Journal {
    /// The events that `query` means, as many as it says.
    ///
    /// Sessions go on meanwhile; other tasks of this thread have their turn every few hundred events.
    pub async fn find(&self, query: &JournalQuery) -> Found {
        let mut found = VecDeque::new();
        let (mut more, mut undecided) = (false, 0);
        let last_seq = self.last_seq();
        let mut cursor = Cursor::behind(&self.0, query.since, query.rings());
        each(&self.0, &mut cursor, last_seq, |slot| {
            match query.means(slot, &self.0.shared.clock) {
                Meant::Yes => found.push_back(slot.clone()),
                Meant::Undecided => undecided += 1,
                Meant::No | Meant::ButForPattern | Meant::NotYet => {}
            }
            more |= found.len() > query.limit;
            if query.newest_first && found.len() > query.limit {
                found.pop_front();
            }
            query.newest_first || !more
        })
        .await;
        found.truncate(query.limit);
        let told = found.iter().map(|slot| self.0.told(slot));
        Found {
            events: if query.newest_first { told.rev().collect() } else { told.collect() },
            more,
            last_seq,
            evicted: cursor.missed,
            undecided,
        }
    }

    /// How many events `query` means.
    pub async fn count(&self, query: &JournalQuery) -> Counted {
        let (mut count, mut undecided) = (0, 0);
        let last_seq = self.last_seq();
        let mut cursor = Cursor::behind(&self.0, query.since, query.rings());
        each(&self.0, &mut cursor, last_seq, |slot| {
            match query.means(slot, &self.0.shared.clock) {
                Meant::Yes => count += 1,
                Meant::Undecided => undecided += 1,
                Meant::No | Meant::ButForPattern | Meant::NotYet => {}
            }
            true
        })
        .await;
        Counted { count, last_seq, evicted: cursor.missed, undecided }
    }

    /// Waits until there are `count` events that `query` means, but not longer than `within`. Those that are there count, and
    /// those that come; an event counts also if it is pushed out again while this waits.
    pub async fn wait_for(&self, query: &JournalQuery, count: u64, within: Duration) -> Waited {
        let mut watch = self.watch(query.clone());
        // What is there counts, also where there is no time to wait.
        watch.catch_up().await;
        let _ = timeout(within, watch.reached(count)).await;
        watch.waited(count).await
    }

    /// Begins to count the events that `query` means.
    #[must_use]
    pub fn watch(&self, query: JournalQuery) -> JournalWatch {
        JournalWatch::new(self, query)
    }

    /// The messages that `query` would mean but for its pattern, those first that came nearest to it: at most five, of the
    /// latest thousand. Without a pattern there is none.
    pub async fn nearest(&self, query: &JournalQuery) -> Vec<NearMissed> {
        let Some(pattern) = &query.pattern else { return Vec::new() };
        let others = query.without_pattern();
        let mut candidates: VecDeque<Slot> = VecDeque::new();
        let last_seq = self.last_seq();
        let mut cursor = Cursor::behind(&self.0, query.since, query.rings());
        each(&self.0, &mut cursor, last_seq, |slot| {
            if others.means(slot, &self.0.shared.clock) == Meant::Yes && slot.text().is_some() && !slot.is_cut() {
                if candidates.len() == COMPARED {
                    candidates.pop_front();
                }
                candidates.push_back(slot.clone());
            }
            true
        })
        .await;
        let mut nearest = Vec::new();
        let mut compared = 0;
        for slot in &candidates {
            // As many at a time as are read, but of small ones not more than 64.
            compared += slot.cost.max(CHUNK_BYTES / 64);
            if compared > CHUNK_BYTES {
                compared = 0;
                tokio::task::yield_now().await;
            }
            let difference = slot.text().and_then(|text| pattern.difference(&MessageText::new(text)));
            if let Some(difference) = difference {
                nearest.push((difference, slot));
            }
        }
        // Of equally near ones, the latest is most likely what was meant.
        nearest.sort_by(|(a, x), (b, y)| b.closeness().total_cmp(&a.closeness()).then(y.seq.cmp(&x.seq)));
        nearest.truncate(NEAREST);
        let told = nearest.into_iter().map(|(difference, slot)| {
            let event = self.0.told(slot);
            let closeness = difference.closeness();
            let (text, original) = (event.text().unwrap_or_default(), slot.text().unwrap_or_default());
            let difference = if text == original { difference.text() } else { "[redacted]" };
            let text = text.chars().take(EXCERPT).collect();
            NearMissed {
                seq: slot.seq,
                text,
                difference: difference.to_owned(),
                closeness: written::rounded(closeness),
            }
        });
        told.collect()
    }

    /// One more journal of the same server.
    pub(crate) fn sibling(&self) -> Self {
        Journals::of(&self.0.shared).journal()
    }

    /// The number of the latest event, also if that is no longer kept; 0, if there was none.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.0.last_seq()
    }

    /// Forgets all events, and how many were evicted before. Numbers go on. Gives back how many events that were.
    pub fn clear(&self) -> usize {
        self.0.clear()
    }

    /// How much memory the events take, in bytes; those of all tests of the server together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.shared.bytes()
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("last_seq", &self.last_seq()).finish_non_exhaustive()
    }
}
