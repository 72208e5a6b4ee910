//! Giving each entry of a file to its session, and reading the marks between them.

use std::collections::BTreeMap;

use super::compile::{Compiler, Patterns};
use super::fields::Fields;
use super::mark::Mark;
use super::read::RawEntry;
use super::session::Session;
use super::source::{Findings, Source};
use crate::ProblemKind;

/// The number of the connection that an entry belongs to if it does not say.
const FIRST: u64 = 1;

/// Compiles all sessions of a file.
pub(super) struct Sessions<'s, 'a> {
    source: &'s Source<'a>,
    is_recording: bool,
    by_number: BTreeMap<u64, Compiler<'s, 'a>>,
    patterns: Patterns<'a>,
    entries: usize,
    has_begun: bool,
}

impl<'s, 'a> Sessions<'s, 'a> {
    pub(super) fn new(source: &'s Source<'a>) -> Self {
        Self {
            source,
            is_recording: false,
            by_number: BTreeMap::new(),
            patterns: Patterns::default(),
            entries: 0,
            has_begun: false,
        }
    }

    /// Takes the next object of the file.
    pub(super) fn object(&mut self, object: &RawEntry<'a>, findings: &mut Findings<'s, 'a>) {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        match Mark::read(object, findings) {
            Some(Mark::Recording) if is_first => self.is_recording = true,
            Some(Mark::Recording) => {
                findings.at(object.object, ProblemKind::NotFirst { key: "recording", rest: "everything else" });
            }
            Some(Mark::Open { conn, ts, path }) => {
                let number = conn.unwrap_or(FIRST);
                if self.by_number.contains_key(&number) {
                    let rest = "all other entries of its connection, and once";
                    return findings.at(object.object, ProblemKind::NotFirst { key: "open", rest });
                }
                self.begin(number, Session::opened(path, ts));
            }
            Some(Mark::Truncated { reason }) => findings.at(object.object, ProblemKind::Truncated(reason)),
            None => {
                self.entries += 1;
                let fields = Fields::read(object, findings);
                let number = fields.conn.as_ref().map_or(FIRST, |conn| conn.value);
                self.begin(number, Session::default()).entry(object, &fields, findings);
            }
        }
    }

    /// The session of that number; `new` if there is none yet.
    fn begin(&mut self, number: u64, new: Session) -> &mut Compiler<'s, 'a> {
        let Self { source, is_recording, patterns, .. } = self;
        let compiler = || Compiler::new(source, *is_recording, Patterns::clone(patterns), new);
        self.by_number.entry(number).or_insert_with(compiler)
    }

    /// How many entries there were, without marks.
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// The sessions in the order of their numbers; at least one.
    pub(super) fn finish(self, findings: &mut Findings<'s, 'a>) -> Vec<Session> {
        let sessions: Vec<_> = self.by_number.into_values().map(|compiler| compiler.finish(findings)).collect();
        if sessions.is_empty() { vec![Session::default()] } else { sessions }
    }
}
