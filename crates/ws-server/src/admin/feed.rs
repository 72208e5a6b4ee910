//! The journal as it grows, as a stream of server-sent events.
//!
//! It looks by itself ten times a second: sessions neither wait for it nor wake it. Who reads slowly is told less, and how much
//! less.

mod stats;

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval};
use ws_core::Message;

use self::stats::Stats;
use super::Admin;
use super::body::Answer;
use super::journals::{self, ALL_KINDS};
use super::problem::Problem;
use super::which::Which;
use crate::journal::{EventKind, Journal, JournalEvent, JournalQuery};

/// How often it looks.
const TICK: Duration = Duration::from_millis(100);
/// How often it tells of the whole server.
const STATS: Duration = Duration::from_secs(1);
/// How many events it tells at once.
const NEWEST: usize = 20;
/// How much it tells of a message, in bytes.
const BODY: usize = 2048;

/// What somebody has been told of.
pub(super) struct Feed {
    admin: Arc<Admin>,
    which: Which,
    /// What was told, up to this event.
    seen: u64,
    stats: Stats,
    _place: OwnedSemaphorePermit,
}

/// What has happened since the last time.
#[derive(Serialize)]
struct News {
    /// The newest of them, in order.
    events: Vec<JournalEvent>,
    /// How many older ones are left out.
    skipped: u64,
    last_seq: u64,
}

impl Feed {
    /// Begins behind the event `since`, or now.
    pub(super) fn new(admin: Arc<Admin>, which: Which, since: Option<u64>) -> Result<Self, Problem> {
        let journals = admin.journals(&which)?;
        let Ok(place) = Arc::clone(&admin.streams).try_acquire_owned() else {
            return Err(Problem::not_now("as many look on as may look on at once", 1));
        };
        let now = journals.iter().map(Journal::last_seq).max().unwrap_or(0);
        Ok(Self { admin, which, seen: since.unwrap_or(now), stats: Stats::behind(now), _place: place })
    }

    /// What has happened since the last time, as text for the wire; nothing, if that is nothing.
    async fn news(&mut self) -> Option<String> {
        // A test may have ended, or have begun anew.
        let journals = self.admin.journals(&self.which).unwrap_or_default();
        let last_seq = journals.iter().map(Journal::last_seq).max().filter(|last| *last > self.seen)?;
        // All up to there is in the journals, and what comes while they are read is for the next time: so the numbers agree.
        let query =
            JournalQuery::messages().kinds(ALL_KINDS).since(self.seen).up_to(last_seq).limit(NEWEST).newest_first();
        let mut total = 0;
        for journal in &journals {
            total += journal.count(&query).await.count;
        }
        let mut found = journals::find(&journals, &query).await;
        self.seen = last_seq;
        if found.events.is_empty() {
            return None;
        }
        found.events.reverse();
        found.events.iter_mut().for_each(cut);
        let skipped = total.saturating_sub(found.events.len() as u64);
        Some(event("journal", Some(self.seen), &News { events: found.events, skipped, last_seq: self.seen }))
    }

    async fn stats(&mut self) -> String {
        event("stats", None, &self.stats.now(&self.admin, &self.which).await)
    }
}

fn event(name: &str, id: Option<u64>, data: &impl Serialize) -> String {
    let mut text = format!("event: {name}\n");
    if let Some(id) = id {
        let _ = writeln!(text, "id: {id}");
    }
    let data = serde_json::to_string(data).unwrap_or_default();
    let _ = write!(text, "data: {data}\n\n");
    text
}

/// Leaves the beginning of a long message.
fn cut(event: &mut JournalEvent) {
    let (EventKind::Message { message, cut, .. } | EventKind::Unmatched { message, cut, .. }) = &mut event.kind else {
        return;
    };
    if message.len() <= BODY {
        return;
    }
    *cut = true;
    match message {
        Message::Text(text) => *text = text[..text.floor_char_boundary(BODY)].into(),
        Message::Binary(data) => data.truncate(BODY),
        _ => {}
    }
}

/// The events of a feed, as an answer.
pub(super) struct FeedStream {
    feed: Feed,
    follows: bool,
}

impl FeedStream {
    /// All that comes; or, unless it `follows`, what is there now.
    pub(super) fn new(feed: Feed, follows: bool) -> Self {
        Self { feed, follows }
    }
}

impl Answer for FeedStream {
    const CONTENT_TYPE: Option<&'static str> = Some("text/event-stream");

    /// That of each event.
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "properties": {
                "event": { "enum": ["journal", "stats"] },
                "id": { "type": "string", "description": "Of `journal`: the number of the latest event." },
                "data": { "type": "string", "description": "JSON." },
            },
            "required": ["event", "data"],
        })
    }

    fn into_response(self) -> Response {
        let Self { mut feed, follows } = self;
        let body = if follows {
            Body::from_stream(following(feed))
        } else {
            Body::from_stream(stream::once(async move {
                let news = feed.news().await.unwrap_or_default();
                Ok::<_, Infallible>(Bytes::from(news + &feed.stats().await))
            }))
        };
        let mut response = body.into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        response
    }
}

fn following(feed: Feed) -> impl stream::Stream<Item = Result<Bytes, Infallible>> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold((feed, ticks, Instant::now()), move |(mut feed, mut ticks, mut next_stats)| async move {
        let shutdown = feed.admin.shared.shutdown.clone();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return None,
                now = ticks.tick() => {
                    let mut text = feed.news().await.unwrap_or_default();
                    if now >= next_stats {
                        next_stats = now + STATS;
                        text += &feed.stats().await;
                    }
                    if !text.is_empty() {
                        return Some((Ok(text.into()), (feed, ticks, next_stats)));
                    }
                }
            }
        }
    })
}
