//! A replay file, compiled: what is sent when, and what is waited for.
//!
//! Everything that can be wrong is found here, when the file is read; playing a script cannot fail.

mod compile;
mod fields;
mod read;
mod source;
mod step;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use compile::Compiler;
use source::{Findings, Source};

use crate::{Problem, ProblemKind, ReplayErrors};
pub(crate) use step::{Content, Step, Wait};

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
    steps: Vec<Step>,
    /// The number of the last step that waits for a message, plus one: from there on, messages are of no interest.
    waits_end: usize,
    warnings: Vec<Problem>,
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
        let mut compiler = Compiler::new(&source);
        let entries = read::read_entries(&source, &mut findings, |entry, findings| compiler.entry(&entry, findings));
        if entries == 0 && !findings.has_errors() {
            findings.about_file(ProblemKind::NoEntries);
        }
        let warnings = findings.into_result()?;
        let steps = compiler.into_steps();
        let waits_end = steps.iter().rposition(Step::takes_message).map_or(0, |last| last + 1);
        Ok(Self { name, steps, waits_end, warnings })
    }

    /// Reads and compiles a replay file. This blocks while it reads.
    ///
    /// # Errors
    /// That the file cannot be read, is larger than [`MAX_FILE_BYTES`](Self::MAX_FILE_BYTES) or is not UTF-8, else all
    /// mistakes of its text, each with its place.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ReplayErrors> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let whole_file = |kind| ReplayErrors::single(Problem::new(name.as_str().into(), None, kind));
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(Self::MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
        let length = read.map_err(|error| whole_file(ProblemKind::Unreadable(error.to_string())))?;
        if length as u64 > Self::MAX_FILE_BYTES {
            return Err(whole_file(ProblemKind::TooLarge { limit: Self::MAX_FILE_BYTES }));
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::parse(text, &name),
            Err(error) => {
                let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
                let source = Source::new(name.as_str().into(), valid);
                let position = source.position(error.valid_up_to());
                Err(ReplayErrors::single(Problem::new(name.as_str().into(), Some(position), ProblemKind::NotUtf8)))
            }
        }
    }

    /// The file, as it was named when it was read.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is doubtful in the file, in its order. A script with doubts still plays.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What the script holds, in figures.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            entries: self.steps.len(),
            waits: self.steps.iter().filter(|step| step.takes_message()).count(),
            duration: self.steps.last().map_or(Duration::ZERO, |last| Duration::from_millis(last.ts)),
        }
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub(crate) fn step(&self, number: usize) -> Option<&Step> {
        self.steps.get(number)
    }

    /// Whether a step from `number` on waits for a message.
    pub(crate) fn waits_from(&self, number: usize) -> bool {
        number < self.waits_end
    }
}

/// What a script holds, in figures. It displays as `12 entries, 3 waits, 4.5 s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many entries there are.
    pub entries: usize,
    /// How many of them wait for a client message.
    pub waits: usize,
    /// How long it takes from the start to the last entry, without the time that waits take.
    pub duration: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = if self.entries == 1 { "entry" } else { "entries" };
        let waits = if self.waits == 1 { "wait" } else { "waits" };
        let seconds = self.duration.as_secs_f64();
        write!(f, "{} {entries}, {} {waits}, {seconds} s", self.entries, self.waits)
    }
}
