//! A journal as sessions and readers use it, without sockets.

mod asking;
mod keeping;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use ws_core::{
    Connection, Direction, EndStatus, Extensions, Handshake, Message, NearMiss, ObservedFrame, Origin, SessionEnd,
    SessionObserver, Unmatched,
};

use super::{EventFilter, Found, Journal, JournalQuery, Journals};
use crate::JournalConfig;

/// A journal alone on its server.
fn journal(config: JournalConfig) -> Journal {
    Journals::new(config, Vec::new()).journal()
}

/// So many events of each kind.
fn small(events: usize) -> Journal {
    journal(JournalConfig { events, ..JournalConfig::default() })
}

fn connection_with(target: &str, headers: &[(&'static str, &str)]) -> Arc<Connection> {
    let header =
        |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    let headers: HeaderMap = headers.iter().map(header).collect();
    Arc::new(Connection::new(Handshake::new(target, headers, None), None, Extensions::default()))
}

/// A client as a session shows it to the journal.
struct Client {
    journal: Journal,
    connection: Arc<Connection>,
}

impl Client {
    fn open(journal: &Journal, path: &str) -> Self {
        Self::of(journal, connection_with(path, &[]))
    }

    fn of(journal: &Journal, connection: Arc<Connection>) -> Self {
        journal.on_open(&connection);
        Self { journal: journal.clone(), connection }
    }

    fn id(&self) -> &str {
        self.connection.id()
    }

    /// Shows a frame; gives back its number.
    fn frame(&self, direction: Direction, origin: Origin, message: &Message) -> u64 {
        let number = self.connection.count(direction, message.len());
        let frame = ObservedFrame::new(direction, origin, message, Instant::now()).numbered(number);
        self.journal.on_frame(&self.connection, frame);
        number
    }

    fn says(&self, text: &str) -> u64 {
        self.frame(Direction::Inbound, Origin::Client, &Message::text(text.to_owned()))
    }

    fn hears(&self, text: &str) -> u64 {
        self.frame(Direction::Outbound, Origin::Handler, &Message::text(text.to_owned()))
    }

    fn ends(&self) {
        self.journal.on_end(&self.connection, &SessionEnd::new(EndStatus::Normal, None, Duration::from_millis(7)));
    }
}

/// A query as requests have it.
fn query(filter: &str) -> JournalQuery {
    serde_json::from_str::<EventFilter>(filter).unwrap().compile(None).unwrap()
}

fn texts(found: &Found) -> Vec<&str> {
    found.events.iter().map(|event| event.text().unwrap_or("-")).collect()
}

/// The texts that a filter means.
async fn found(journal: &Journal, filter: &str) -> Vec<String> {
    texts(&journal.find(&query(filter)).await).into_iter().map(str::to_owned).collect()
}

/// A message that nobody took.
fn unmatched(text: &str, miss: NearMiss) -> Unmatched {
    use ws_core::engine::{SessionContext, outbound_queue};

    let (sender, _queue) = outbound_queue(ws_core::QueueLimits::default());
    let mut context = SessionContext::new(connection_with("/ws", &[]), Arc::new(ws_core::NoRooms), sender);
    context.view().add_near_misses(&Message::text(text.to_owned()), [miss]);
    context.take_unmatched().unwrap()
}
