//! The files of one recording, one after the other: there are several if it rotates.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::RecordOptions;
use super::line::{self, Place};
use super::names::{create_numbered, numbered, open};
use super::output::{Full, Output};
use super::stats::Counters;
use crate::RecordError;

/// A session, as far as its lines look at it.
pub(super) struct Session {
    pub(super) path: String,
    /// Its number, if it shares a file with others.
    pub(super) conn: Option<u64>,
    /// The time of its last line.
    pub(super) ts: u64,
    /// When it began; only its first mark tells.
    pub(super) opened: Option<Timestamp>,
    /// From when its time is counted.
    pub(super) since: Instant,
    /// Whether a Close frame was seen.
    pub(super) is_closed: bool,
    /// Whether nothing more of it is written, because something is missing.
    pub(super) is_cut: bool,
    /// The file of the series in which it was announced last.
    announced_in: u64,
}

impl Session {
    pub(super) fn new(path: String, conn: Option<u64>, opened: Timestamp, since: Instant) -> Self {
        Self { path, conn, ts: 0, opened: Some(opened), since, is_closed: false, is_cut: false, announced_in: 0 }
    }

    pub(super) fn place(&self) -> Place {
        Place { ts: self.ts, conn: self.conn }
    }
}

/// Files that follow each other, of which the last is written.
pub(super) struct Series {
    /// The name that gets the numbers of further files.
    name: PathBuf,
    /// What stands before the number of a further file.
    prefix: String,
    /// `None` when none could be opened.
    file: Option<Output>,
    /// How many files were opened, and so the number of the present one.
    opened: u64,
    /// The number in the name of the present one.
    number: u64,
    options: Arc<RecordOptions>,
}

impl Series {
    /// The one file of all connections.
    pub(super) fn of_all(options: Arc<RecordOptions>, counters: &Counters) -> Result<Self, RecordError> {
        let base = options.file.clone();
        let failed = |source| RecordError::File { file: base.clone(), source };
        let first = if base.to_string_lossy().contains("{n}") { numbered(&base, "1") } else { base.clone() };
        let (file, name, number) = match open(&first).map_err(failed)? {
            Some(file) => (file, first, 1),
            None if options.rotate => create_numbered(2, |n| numbered(&base, &n.to_string())).map_err(failed)?,
            None => return Err(RecordError::Exists { file: first }),
        };
        let failed = |source| RecordError::File { file: name.clone(), source };
        let file = Output::begin(file, name.clone(), options.max_bytes, counters).map_err(failed)?;
        Ok(Self { name: base, prefix: String::new(), file: Some(file), opened: 1, number, options })
    }

    /// The file of a connection: the first that is not there, from `number` on. Its number comes back too.
    pub(super) fn of_connection(options: Arc<RecordOptions>, number: u64, counters: &Counters) -> (Self, u64) {
        let base = options.file.clone();
        let created = create_numbered(number, |n| numbered(&base, &n.to_string()));
        let number = created.as_ref().map_or(number, |(_, _, number)| *number);
        let begun = created.and_then(|(file, name, _)| Output::begin(file, name, options.max_bytes, counters));
        let file = begun.inspect_err(|error| counters.failed(&cannot_begin(&base, error))).ok();
        (Self { name: base, prefix: format!("{number}-"), file, opened: 1, number: 1, options }, number)
    }

    /// Writes a line of the session; an empty one only says that the session is there. `is_frame`: it is counted.
    pub(super) fn put(&mut self, session: &mut Session, line: &str, is_frame: bool, counters: &Counters) {
        if session.is_cut || self.file.is_none() {
            return counters.lost_frames(is_frame.into());
        }
        if let Err(Full) = self.push(session, line, is_frame, counters) {
            counters.lost_frames(is_frame.into());
            if self.options.rotate {
                // A whole file is too small for it.
                self.cut(session, "a message is larger than `max_bytes`", counters);
            } else {
                self.truncate(counters);
            }
        }
    }

    /// Marks that something of the session is missing. Nothing more of it is written.
    pub(super) fn cut(&mut self, session: &mut Session, reason: &str, counters: &Counters) {
        if session.is_cut {
            return;
        }
        let mark = line::truncated(Some(session.place()), reason);
        if self.push(session, &mark, false, counters).is_err() {
            self.truncate(counters);
        }
        session.is_cut = true;
        counters.truncated(reason);
    }

    fn truncate(&mut self, counters: &Counters) {
        if let Some(file) = &mut self.file {
            file.truncate("`max_bytes` is reached", counters);
        }
    }

    /// Puts a line into the present file, or into a new one, behind the mark of its session if that is not there yet.
    fn push(&mut self, session: &mut Session, line: &str, is_frame: bool, counters: &Counters) -> Result<(), Full> {
        let mut may_rotate = self.options.rotate;
        loop {
            let Some(file) = &mut self.file else {
                counters.lost_frames(is_frame.into());
                return Ok(());
            };
            let mark = (session.announced_in != self.opened)
                .then(|| line::open(session.place(), &session.path, session.opened, &self.options.redact));
            match file.push(mark.as_deref(), line, is_frame, counters) {
                Ok(()) => {
                    session.announced_in = self.opened;
                    session.opened = None;
                    return Ok(());
                }
                Err(Full) if may_rotate => self.rotate(counters),
                Err(Full) => return Err(Full),
            }
            may_rotate = false;
        }
    }

    pub(super) fn flush(&mut self, counters: &Counters) {
        if let Some(file) = &mut self.file {
            file.flush(counters);
        }
    }

    fn rotate(&mut self, counters: &Counters) {
        self.flush(counters);
        let created = create_numbered(self.number + 1, |n| numbered(&self.name, &format!("{}{n}", self.prefix)));
        let begun = created.and_then(|(file, name, number)| {
            self.number = number;
            Output::begin(file, name, self.options.max_bytes, counters)
        });
        self.opened += 1;
        self.file = begun.inspect_err(|error| counters.failed(&cannot_begin(&self.name, error))).ok();
    }
}

fn cannot_begin(name: &std::path::Path, error: &std::io::Error) -> String {
    format!("cannot begin another file of `{}`: {error}", name.display())
}
