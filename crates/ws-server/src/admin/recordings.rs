//! Recordings that are begun and ended while the server serves: one at a time, into a file of the server's own, which whoever
//! asked for it reads when it has ended.

use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use tempfile::TempPath;
use ws_core::{Connection, ObservedFrame, SessionEnd, SessionObserver};
use ws_replay::{HarLayout, RecordError, RecordOptions, RecordStats, Recorder, Redaction, ReplayErrors, ReplayScript};

use super::which::Which;
use crate::live::LiveConnections;

/// The recordings of one server: the one that runs, or the last one.
#[derive(Default)]
pub(crate) struct Recordings {
    /// Whether one runs, for the price of a load.
    is_running: AtomicBool,
    /// Where sessions say what they do.
    running: RwLock<Option<(Recorder, Which)>>,
    last: Mutex<Option<Recording>>,
}

/// A recording that runs or has ended. Its file goes with it.
struct Recording {
    recorder: Recorder,
    whose: Which,
    file: TempPath,
    started_at: SystemTime,
    has_ended: bool,
}

/// How a recording stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecordingState {
    pub(super) is_running: bool,
    pub(super) whose: Which,
    pub(super) started_at: SystemTime,
    pub(super) stats: RecordStats,
}

/// In which form a recording is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordingFormat {
    /// The replay file as it was written.
    Jsonl,
    /// A HAR file as Chrome writes them.
    Har,
}

/// Why nothing is recorded, or there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordingError {
    /// One runs already.
    #[error("a recording runs already: stop it first")]
    Runs,
    /// None runs, or was made.
    #[error("nothing is being recorded, and nothing was: start a recording first")]
    None,
    /// It cannot be begun.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The file cannot be made or read.
    #[error("the file of the recording: {0}")]
    File(#[from] std::io::Error),
    /// What was recorded is no script that could be put into another form.
    #[error("the recording cannot be put into another form: {0}")]
    Replay(#[from] ReplayErrors),
}

impl Recordings {
    /// Begins a recording of `whose` connections, those in `live` included, without what `redact` finds; what the last one left
    /// behind is gone. This blocks.
    pub(super) fn start(
        &self,
        whose: Which,
        live: &LiveConnections,
        redact: &[Redaction],
    ) -> Result<RecordingState, RecordingError> {
        let mut last = self.last();
        if last.as_ref().is_some_and(|last| !last.has_ended) {
            return Err(RecordingError::Runs);
        }
        let file = tempfile::Builder::new().prefix("mockforge-").suffix(".jsonl").tempfile()?.into_temp_path();
        let recorder = Recorder::create(RecordOptions { redact: redact.to_vec(), ..RecordOptions::to(&*file) })?;
        *self.running.write().unwrap_or_else(PoisonError::into_inner) = Some((recorder.clone(), whose.clone()));
        self.is_running.store(true, Ordering::Release);
        // Those that open from here on tell of it themselves; who does both is recorded once.
        for open in live.all().iter().filter(|open| whose.has(open.connection().test_id())) {
            recorder.adopt(open.connection());
        }
        let recording = Recording { recorder, whose, file, started_at: SystemTime::now(), has_ended: false };
        let state = recording.state();
        *last = Some(recording);
        Ok(state)
    }

    /// Ends the recording; what was recorded can be read from then on. This blocks.
    pub(super) fn stop(&self) -> Result<RecordingState, RecordingError> {
        let mut last = self.last();
        let recording = last.as_mut().ok_or(RecordingError::None)?;
        self.is_running.store(false, Ordering::Release);
        self.running.write().unwrap_or_else(PoisonError::into_inner).take();
        recording.recorder.finish();
        recording.has_ended = true;
        Ok(recording.state())
    }

    /// How the recording stands that runs or was the last.
    pub(super) fn state(&self) -> Option<RecordingState> {
        self.last().as_ref().map(Recording::state)
    }

    /// What was recorded on `server`, such as `ws://127.0.0.1:3001`; one that runs is read as far as it is written. This
    /// blocks.
    pub(super) fn read(&self, format: RecordingFormat, server: &str) -> Result<Vec<u8>, RecordingError> {
        let last = self.last();
        let recording = last.as_ref().ok_or(RecordingError::None)?;
        Ok(match format {
            RecordingFormat::Jsonl => fs::read(&recording.file)?,
            RecordingFormat::Har => {
                let text = fs::read_to_string(&recording.file)?;
                let script = ReplayScript::parse(&text, "recording.jsonl")?;
                format!("{:#}\n", script.to_har_of(HarLayout::Chrome, server).har).into_bytes()
            }
        })
    }

    fn last(&self) -> MutexGuard<'_, Option<Recording>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, connection: &Connection, news: impl FnOnce(&Recorder)) {
        if !self.is_running.load(Ordering::Acquire) {
            return;
        }
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((recorder, whose)) = &*running
            && whose.has(connection.test_id())
        {
            news(recorder);
        }
    }
}

impl Recording {
    fn state(&self) -> RecordingState {
        RecordingState {
            is_running: !self.has_ended,
            whose: self.whose.clone(),
            started_at: self.started_at,
            stats: self.recorder.stats(),
        }
    }
}

impl SessionObserver for Recordings {
    fn on_open(&self, connection: &Arc<Connection>) {
        self.tell(connection, |recorder| recorder.on_open(connection));
    }

    fn on_frame(&self, connection: &Arc<Connection>, frame: ObservedFrame<'_>) {
        self.tell(connection, |recorder| recorder.on_frame(connection, frame));
    }

    fn on_end(&self, connection: &Arc<Connection>, end: &SessionEnd) {
        self.tell(connection, |recorder| recorder.on_end(connection, end));
    }
}

impl fmt::Debug for Recordings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recordings").field("state", &self.state()).finish_non_exhaustive()
    }
}
