//! A replay file, compiled: what is sent when, and what is waited for.
//!
//! Everything that can be wrong is found here, when the file is read; playing a script cannot fail.

mod assertion;
mod assertion_keys;
mod compile;
mod ending;
mod fields;
mod file_traits;
mod flow;
mod foreign;
mod graph;
mod learning;
mod logic;
mod logic_keys;
mod mark;
mod names;
mod patterns;
mod placed;
mod read;
mod session;
mod sessions;
mod step;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sessions::{Compiled, Sessions};

use crate::rules::{RuleSet, RuleSummary};
use crate::source::{Findings, Source};
use crate::state_names::StateNames;
use crate::{Problem, ProblemKind, ReplayErrors};
pub(crate) use learning::Learned;
pub(crate) use logic::{Case, Logic, Repeat, Silence};
pub(crate) use patterns::decisive;
pub use placed::PlacedEntry;
pub(crate) use session::Session;
pub(crate) use step::{Content, Ending, Expected, Said, Step, excerpt};

/// A replay file that was read, checked and compiled.
///
/// ```
/// use ws_replay::ReplayScript;
///
/// let script = ReplayScript::parse(
///     r#"
///     // A greeting, then an answer.
///     {"ts": 0, "text": "hello {{uuid}}"}
///     {"ts": 100, "text": "you said {{1}}", "waitFor": "^say (.+)$"}
///     "#,
///     "greeting.jsonl",
/// )?;
/// assert_eq!(script.summary().to_string(), "2 entries, 1 wait, 0.1 s");
///
/// let errors = ReplayScript::parse(r#"{"ts": 0, "txt": "hello"}"#, "slip.jsonl").unwrap_err();
/// assert_eq!(errors.to_string(), "slip.jsonl:1:11: unknown key `txt`; did you mean `text`?");
/// # Ok::<(), ws_replay::ReplayErrors>(())
/// ```
#[derive(Debug)]
pub struct ReplayScript {
    name: Arc<str>,
    compiled: Compiled,
    warnings: Vec<Problem>,
    /// If it was loaded from one.
    file: Option<PathBuf>,
}

impl ReplayScript {
    /// The largest file that is read, in bytes: 64 MiB.
    pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

    /// Reads and compiles the text of a replay file, which problems will call `name`.
    ///
    /// # Errors
    /// All mistakes of the text, each with its place.
    pub fn parse(text: &str, name: &str) -> Result<Self, ReplayErrors> {
        let name: Arc<str> = name.into();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = read::without_comments(text);
        let source = Source::new(Arc::clone(&name), &text);
        let mut findings = Findings::new(&source);
        let mut sessions = Sessions::new(&source);
        read::read_entries(&source, &mut findings, |object, findings| sessions.object(object, findings));
        let compiled = sessions.finish(&mut findings);
        if compiled.entries == 0 && compiled.rules.is_none() && !findings.has_errors() {
            findings.about_file(ProblemKind::NoEntries);
        }
        let warnings = findings.into_result()?;
        Ok(Self { name, compiled, warnings, file: None })
    }

    /// Reads and compiles a replay file. This blocks while it reads.
    ///
    /// # Errors
    /// That the file cannot be read, is larger than [`MAX_FILE_BYTES`](Self::MAX_FILE_BYTES) or is not UTF-8, else all
    /// mistakes of its text, each with its place.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ReplayErrors> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let read = File::open(path).map_err(|error| unreadable(&error, &name)).and_then(|file| Self::read(file, &name));
        match read {
            Ok(script) => Ok(Self { file: Some(path.to_owned()), ..script }),
            Err(errors) => Err(errors.of_file(path)),
        }
    }

    /// Reads and compiles what `reader` gives, which problems will call `name`. This blocks while it reads.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn read(reader: impl Read, name: &str) -> Result<Self, ReplayErrors> {
        let whole_file = |kind| ReplayErrors::single(Problem::of_file(name.into(), kind));
        let mut bytes = Vec::new();
        let read = reader.take(Self::MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
        let length = read.map_err(|error| unreadable(&error, name))?;
        if length as u64 > Self::MAX_FILE_BYTES {
            return Err(whole_file(ProblemKind::TooLarge { limit: Self::MAX_FILE_BYTES }));
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::parse(text, name),
            Err(error) => {
                let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
                // A recording may be cut off in the middle of a character.
                if mark::is_recording(valid) && !bytes[valid.len()..].contains(&b'\n') {
                    return Self::parse(valid, name);
                }
                let source = Source::new(name.into(), valid);
                let place = source.span_at(error.valid_up_to(), 1);
                Err(ReplayErrors::single(Problem::at(&source, place, ProblemKind::NotUtf8)))
            }
        }
    }

    /// The file, as it was named when it was read.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The files that it was made of, for who watches them: the one from which it was [loaded](Self::load), if it was.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.file.iter().map(PathBuf::as_path)
    }

    /// What is doubtful in the file, in its order. A script with doubts still plays.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What is doubtful when `rules` answer beside the script: what one of the two sets of the connection's state, the other
    /// may read.
    pub fn warnings_beside(&self, rules: &RuleSet) -> impl Iterator<Item = &Problem> {
        self.warnings.iter().filter(|doubt| !rules.state_names().settle(doubt.kind()))
    }

    /// Which names of the connection's state are read and set here.
    pub(crate) fn state_names(&self) -> &StateNames {
        &self.compiled.state_names
    }

    /// What the script holds, in figures.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let sessions = self.sessions();
        Summary {
            entries: self.compiled.entries,
            sessions: sessions.len(),
            waits: sessions.iter().map(Session::waits).sum(),
            duration: sessions.iter().map(Session::duration).max().unwrap_or_default(),
            learnt: sessions.iter().map(|session| session.learnt).sum(),
            rules: self.rules().map(|rules| rules.summary_beside_script()),
        }
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// In the order of their numbers; at least one.
    pub(crate) fn sessions(&self) -> &[Session] {
        &self.compiled.sessions
    }

    /// The rules that stand between its entries, if there are some.
    pub(crate) fn rules(&self) -> Option<&Arc<RuleSet>> {
        self.compiled.rules.as_ref()
    }

    /// Whether a session looks at the message that came last.
    pub(crate) fn reads_last_message(&self) -> bool {
        self.compiled.reads_last_message
    }

    pub(crate) fn session(&self, number: usize) -> &Session {
        &self.sessions()[number]
    }

    /// The number of the session that the `nth` connection on `path` gets, from 0: of those that were recorded on that
    /// path, if there are some.
    pub(crate) fn session_for(&self, path: &str, nth: u64) -> usize {
        let turn = |count: usize| usize::try_from(nth % count.max(1) as u64).unwrap_or_default();
        let sessions = self.sessions();
        let is_on_path = |number: &usize| sessions[*number].opened.path.as_deref() == Some(path);
        let on_path: Vec<_> = (0..sessions.len()).filter(is_on_path).collect();
        on_path.get(turn(on_path.len())).copied().unwrap_or_else(|| turn(sessions.len()))
    }

    /// Whether connections get different sessions.
    pub(crate) fn has_several_sessions(&self) -> bool {
        self.sessions().len() > 1
    }
}

fn unreadable(error: &io::Error, name: &str) -> ReplayErrors {
    ReplayErrors::single(Problem::of_file(name.into(), ProblemKind::Unreadable(error.to_string())))
}

/// What a script holds, in figures. It displays as `12 entries, 3 waits, 4.5 s`, or as `12 entries of 2 sessions, 3 waits,
/// 4.5 s, learns 2 values of the client`; what rules stand between the entries comes last: `; 2 rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many entries there are.
    pub entries: usize,
    /// How many sessions they make: each connection plays one.
    pub sessions: usize,
    /// How many of them wait for a client message.
    pub waits: usize,
    /// How long the longest session takes from its start to the last entry, without the time that waits take.
    pub duration: Duration,
    /// How many values it learns anew from its clients, in a recording: ids and times that they make up.
    pub learnt: usize,
    /// The rules that stand between the entries, if there are some.
    pub rules: Option<RuleSummary>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = if self.entries == 1 { "entry" } else { "entries" };
        let waits = if self.waits == 1 { "wait" } else { "waits" };
        let seconds = self.duration.as_millis() as f64 / 1000.0;
        write!(f, "{} {entries}", self.entries)?;
        if self.sessions > 1 {
            write!(f, " of {} sessions", self.sessions)?;
        }
        write!(f, ", {} {waits}, {seconds} s", self.waits)?;
        match self.learnt {
            0 => {}
            1 => f.write_str(", learns 1 value of the client")?,
            values => write!(f, ", learns {values} values of the client")?,
        }
        self.rules.map_or(Ok(()), |rules| write!(f, "; {rules}"))
    }
}
