//! Recording: what connections really said, written down as a replay file.
//!
//! Sessions hand over what they see and go on at once, whatever the disk does; one thread writes. What cannot be kept
//! is counted and marked in the file, and never changes what is played of the rest.

mod error;
pub(crate) mod line;
mod names;
mod options;
mod output;
mod queue;
mod redaction;
mod series;
mod stats;
mod writer;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use tokio::time::Instant;
use ws_core::{
    Connection, Direction, Message, ObservedFrame, Origin, QueueLimits, SessionEnd, SessionObserver, close_code,
};

use queue::Queue;
use stats::Counters;
use writer::Writer;

pub use error::RecordError;
pub use options::RecordOptions;
pub use redaction::Redaction;
pub use stats::RecordStats;

/// Writes every frame of every session into a replay file, or into one for each connection.
///
/// It is an observer: give a clone to the server and keep one for [`stats`](Self::stats) and [`finish`](Self::finish).
/// It never makes a session wait. Behind it is one thread that writes to the operating system at least each 200 ms and
/// when a connection ends, so that a killed process loses at most what came since; it does not wait for the disk itself
/// (`fsync`). At most 65,536 frames and 64 MiB wait for it. The thread ends with the last clone, which waits for that.
///
/// When the writer falls behind so far that the queue is full, when the disk is full or fails, or when
/// [`RecordOptions::max_bytes`] is reached, the sessions go on. What was recorded until then stays a file that plays,
/// ends with a mark that says why, and [`stats`](Self::stats) counts what is missing. The log says so once.
///
/// ```
/// use std::sync::Arc;
/// use ws_core::{Connection, Direction, EndStatus, Extensions, Handshake, Message, ObservedFrame, Origin};
/// use ws_core::{SessionEnd, SessionObserver};
/// use ws_replay::{Recorder, RecordOptions, ReplayScript};
///
/// # let dir = tempfile::tempdir()?;
/// let file = dir.path().join("session.jsonl");
/// let recorder = Recorder::create(RecordOptions::to(&file))?;
///
/// // What a server does with its observers:
/// # let handshake = Handshake::new("/ws", http::HeaderMap::new(), None);
/// let connection = Arc::new(Connection::new(handshake, None, Extensions::default()));
/// recorder.on_open(&connection);
/// let hello = Message::text("hello");
/// let frame = ObservedFrame::new(Direction::Outbound, Origin::Proxy, &hello, connection.opened_at());
/// recorder.on_frame(&connection, frame);
/// recorder.on_end(&connection, &SessionEnd::new(EndStatus::Error, None, Default::default()));
///
/// assert_eq!(recorder.finish().frames, 1);
/// assert_eq!(ReplayScript::load(&file)?.summary().to_string(), "2 entries, 0 waits, 0 s");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    options: RecordOptions,
    shared: Arc<Shared>,
    /// `None` when it has ended.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What observers and the writer's thread have in common.
struct Shared {
    queue: Queue,
    counters: Counters,
}

impl Recorder {
    /// What may wait for the writer: half of what is promised, as it has as much in hand while it writes.
    const QUEUE: QueueLimits = QueueLimits { messages: 32_768, bytes: 32 * 1024 * 1024 };

    /// Opens the file and starts the writer's thread.
    ///
    /// # Errors
    /// [`RecordError`] if options contradict each other, the file has something in it already, or it cannot be written.
    pub fn create(options: RecordOptions) -> Result<Self, RecordError> {
        Self::with_queue(options, Self::QUEUE)
    }

    fn with_queue(options: RecordOptions, limits: QueueLimits) -> Result<Self, RecordError> {
        options.check()?;
        let shared = Arc::new(Shared { queue: Queue::new(limits), counters: Counters::default() });
        let writer = Writer::new(options.clone(), Arc::clone(&shared))?;
        let thread = thread::Builder::new().name("ws-recorder".into()).spawn(move || writer.run());
        let thread = Mutex::new(Some(thread.map_err(RecordError::Thread)?));
        Ok(Self(Arc::new(Inner { options, shared, thread })))
    }

    /// Records a connection from now on that is open already; its time begins here. One that is recorded stays as it is.
    pub fn adopt(&self, connection: &Arc<Connection>) {
        self.begin(connection, Instant::now());
    }

    fn begin(&self, connection: &Arc<Connection>, since: Instant) {
        let Inner { shared, .. } = &*self.0;
        if !shared.queue.open(connection, Timestamp::now(), since) {
            shared.counters.lost_connection();
        }
    }

    /// What was recorded so far, and what is missing.
    #[must_use]
    pub fn stats(&self) -> RecordStats {
        self.0.shared.counters.stats()
    }

    /// Writes what waits and ends the recording, also for all clones; what sessions do from now on is let pass.
    ///
    /// This blocks until the operating system has taken everything. Sessions that are still open end in the file where
    /// they are.
    pub fn finish(&self) -> RecordStats {
        self.0.finish();
        self.stats()
    }
}

impl Inner {
    fn finish(&self) {
        self.shared.queue.finish();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            self.shared.counters.failed("the writer panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.finish();
    }
}

impl SessionObserver for Recorder {
    fn on_open(&self, connection: &Arc<Connection>) {
        self.begin(connection, connection.opened_at());
    }

    fn on_frame(&self, connection: &Arc<Connection>, frame: ObservedFrame<'_>) {
        let Inner { options, shared, .. } = &*self.0;
        if options.exclude_pings && matches!(frame.message, Message::Ping(_) | Message::Pong(_)) {
            return;
        }
        if ended_by_shutdown(connection, &frame) {
            return;
        }
        if !shared.queue.frame(connection, &frame) {
            shared.counters.lost_frame();
        }
    }

    fn on_end(&self, connection: &Arc<Connection>, end: &SessionEnd) {
        self.0.shared.queue.end(connection, end);
    }
}

/// Kept with a connection that our own shutdown ends.
#[derive(Clone)]
struct ShutDown;

/// Whether a Close frame only says that the recording server shuts down: nobody said that in the session, so it is not
/// recorded, nor is its answer.
fn ended_by_shutdown(connection: &Connection, frame: &ObservedFrame<'_>) -> bool {
    let Message::Close(close) = frame.message else { return false };
    let is_ours = frame.origin == Origin::Session && frame.direction == Direction::Outbound;
    if is_ours && close.as_ref().is_some_and(|close| close.code == close_code::GOING_AWAY) {
        connection.extensions().insert(ShutDown);
    }
    connection.extensions().get::<ShutDown>().is_some()
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("options", &self.0.options)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use ws_core::{Direction, EndStatus, Extensions, Handshake, Origin};

    use super::*;
    use crate::ReplayScript;

    /// A disk that takes nothing, and a queue that is soon full: the observer returns at once, and the file says what is
    /// missing.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_queue_cuts_the_connection_and_not_the_session() {
        use std::os::fd::AsRawFd;

        let (mut reader, pipe) = std::io::pipe().unwrap();
        let file = format!("/proc/self/fd/{}", pipe.as_raw_fd());
        let limits = QueueLimits { messages: 10, bytes: 1 << 20 };
        let recorder = Recorder::with_queue(RecordOptions::to(file), limits).unwrap();
        drop(pipe);

        let handshake = Handshake::new("/ws", http::HeaderMap::new(), None);
        let connection = Arc::new(Connection::new(handshake, None, Extensions::default()));
        recorder.on_open(&connection);
        // A pipe holds 64 KiB; nobody reads.
        let message = Message::text("x".repeat(50_000));
        let mut seen = 0;
        while recorder.stats().lost_frames == 0 {
            let frame = ObservedFrame::new(Direction::Outbound, Origin::Handler, &message, connection.opened_at());
            recorder.on_frame(&connection, frame);
            seen += 1;
            assert!(seen < 100_000, "the queue is not bounded");
        }
        recorder.on_end(&connection, &SessionEnd::new(EndStatus::Normal, None, connection.opened_at().elapsed()));

        let read = thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        });
        let stats = recorder.finish();
        drop(recorder);
        let text = read.join().unwrap();
        assert_eq!(stats.frames + stats.lost_frames, seen);
        assert_eq!(stats.truncated, 1);
        assert!(stats.frames >= 1);
        let script = ReplayScript::parse(&text, "cut.jsonl").unwrap();
        assert_eq!(script.summary().entries as u64, stats.frames);
        let warnings: Vec<_> = script.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("the writer could not keep up"), "{warnings:?}");
    }
}
