//! The thread that makes lines of what happened.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;
use ws_core::{Connection, Direction, EndStatus, Message};

use super::queue::{Event, Happened, address};
use super::series::{Series, Session};
use super::{RecordOptions, Shared, line};
use crate::RecordError;

pub(super) struct Writer {
    options: Arc<RecordOptions>,
    shared: Arc<Shared>,
    /// The files of all connections, unless each has its own.
    series_of_all: Option<Series>,
    /// The sessions that are open, with their own files if they have some, by the addresses of their connections, which are
    /// kept alive here: one that was adopted in its last moment has no end that would take it out.
    sessions: HashMap<usize, (Session, Option<Series>, Arc<Connection>)>,
    /// The number of the next connection.
    next: u64,
}

impl Writer {
    pub(super) fn new(options: RecordOptions, shared: Arc<Shared>) -> Result<Self, RecordError> {
        let options = Arc::new(options);
        let series_of_all = if options.per_connection {
            is_directory(&options)?;
            None
        } else {
            Some(Series::of_all(Arc::clone(&options), &shared.counters)?)
        };
        Ok(Self { options, shared, series_of_all, sessions: HashMap::new(), next: 1 })
    }

    /// Writes until the recording is finished.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        while let Some(events) = shared.queue.take() {
            for event in events {
                self.event(event);
            }
            if let Some(series) = &mut self.series_of_all {
                series.flush(&shared.counters);
            }
            for series in self.sessions.values_mut().filter_map(|(_, series, _)| series.as_mut()) {
                series.flush(&shared.counters);
            }
        }
    }

    fn event(&mut self, Event { connection, what }: Event) {
        let key = address(&connection);
        if let Happened::Opened { at, since } = what {
            // Whoever was adopted may open a moment later.
            if self.sessions.contains_key(&key) {
                return;
            }
            self.open(&connection, at, since);
        }
        let counters = &self.shared.counters;
        let Some((session, own, _)) = self.sessions.get_mut(&key) else { return };
        let Some(series) = own.as_mut().or(self.series_of_all.as_mut()) else { return };
        match what {
            Happened::Opened { .. } => series.put(session, "", false, counters),
            Happened::Frame { at, direction, message } => {
                let place = session.reaches(at);
                session.is_closed |= matches!(message, Message::Close(_));
                let entry = line::frame(place, direction, &message, &self.options.redact);
                series.put(session, &entry, true, counters);
                session.ts = place.ts;
            }
            Happened::Lost => series.cut(session, "the writer could not keep up", counters),
            Happened::Ended { status, at } => {
                // What our own shutdown cut short has no end of its own.
                if !session.is_closed && !session.is_cut && status != EndStatus::Shutdown {
                    let place = session.reaches(at);
                    series.put(session, &line::lost(place, who_left(status)), false, counters);
                }
                series.flush(counters);
                self.sessions.remove(&key);
            }
        }
    }

    fn open(&mut self, connection: &Arc<Connection>, at: Timestamp, since: Instant) {
        let counters = &self.shared.counters;
        let (conn, series) = if self.series_of_all.is_some() {
            (Some(self.next), None)
        } else {
            let (series, number) = Series::of_connection(Arc::clone(&self.options), self.next, counters);
            self.next = number;
            (None, Some(series))
        };
        self.next += 1;
        counters.connection();
        let session = Session::new(connection.path().to_owned(), conn, at, since);
        self.sessions.insert(address(connection), (session, series, Arc::clone(connection)));
    }
}

/// Whose connection ended without a Close frame from either side.
fn who_left(status: EndStatus) -> Direction {
    match status {
        EndStatus::ClientClose | EndStatus::Error | EndStatus::SendError => Direction::Inbound,
        _ => Direction::Outbound,
    }
}

/// Files are only created when connections come; that they cannot be should be said at the start.
fn is_directory(options: &RecordOptions) -> Result<(), RecordError> {
    let directory = match options.file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => std::path::Path::new("."),
    };
    std::fs::read_dir(directory).map(drop).map_err(|source| RecordError::File { file: options.file.clone(), source })
}

impl Session {
    /// Its place at a time. The session says when it saw something, and that may be a moment too early.
    fn reaches(&self, at: Instant) -> line::Place {
        let ts = u64::try_from(at.saturating_duration_since(self.since).as_millis()).unwrap_or(u64::MAX);
        line::Place { ts: ts.max(self.ts), ..self.place() }
    }
}
