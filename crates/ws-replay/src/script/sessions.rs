//! Giving each entry of a file to its session, and reading the marks between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compile::Compiler;
use super::fields::Fields;
use super::file_traits::FileTraits;
use super::mark::Mark;
use super::read::RawEntry;
use super::session::Session;
use crate::ProblemKind;
use crate::rules::{RuleReader, RuleSet, is_rule_object};
use crate::source::{Findings, Source};
use crate::state_names::StateNames;

/// The number of the connection that an entry belongs to if it does not say.
pub(super) const FIRST: u64 = 1;

/// Compiles all sessions of a file, and the rules that stand between their entries.
pub(super) struct Sessions<'s, 'a> {
    file: FileTraits<'s, 'a>,
    rules: Option<RuleReader>,
    by_number: BTreeMap<u64, Compiler<'s, 'a>>,
    entries: usize,
    has_begun: bool,
}

impl<'s, 'a> Sessions<'s, 'a> {
    pub(super) fn new(source: &'s Source<'a>) -> Self {
        Self { file: FileTraits::new(source), rules: None, by_number: BTreeMap::new(), entries: 0, has_begun: false }
    }

    /// Takes the next object of the file.
    pub(super) fn object(&mut self, object: RawEntry<'a>, findings: &mut Findings<'s, 'a>) {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if is_rule_object(object.fields.iter().map(|(key, _)| key.trim_matches('"'))) {
            let rules = self.rules.get_or_insert_with(|| RuleReader::new(None));
            return rules.object(object.object, &mut self.file.state_names.borrow_mut(), findings);
        }
        match Mark::read(&object, findings) {
            Some(Mark::Recording { learn }) if is_first => {
                self.file.is_recording = true;
                self.file.learns = learn;
            }
            Some(Mark::Recording { .. }) => {
                findings.at(object.object, ProblemKind::NotFirst { key: "recording", rest: "everything else" });
            }
            Some(Mark::Open { conn, opened }) => {
                let number = conn.unwrap_or(FIRST);
                if self.by_number.contains_key(&number) {
                    let rest = "all other entries of its connection, and once";
                    return findings.at(object.object, ProblemKind::NotFirst { key: "open", rest });
                }
                self.begin(number, Session::opened(opened));
            }
            Some(Mark::Truncated { reason }) => findings.at(object.object, ProblemKind::Truncated(reason)),
            None => {
                self.entries += 1;
                let fields = Fields::read(&object, findings);
                let number = fields.conn.as_ref().map_or(FIRST, |conn| conn.value);
                self.begin(number, Session::default()).entry(object, fields, findings);
            }
        }
    }

    /// The session of that number; `new` if there is none yet.
    fn begin(&mut self, number: u64, new: Session) -> &mut Compiler<'s, 'a> {
        self.by_number.entry(number).or_insert_with(|| Compiler::new(self.file.clone(), new))
    }

    /// What became of the file.
    pub(super) fn finish(self, findings: &mut Findings<'s, 'a>) -> Compiled {
        let mut sessions: Vec<_> = self.by_number.into_values().map(|compiler| compiler.finish(findings)).collect();
        let rules = self.rules.map(|rules| Arc::new(rules.finish(findings)));
        if !findings.has_errors() {
            self.file.state_names.borrow().report(findings);
        }
        if sessions.is_empty() {
            sessions.push(Session::default());
        }
        Compiled {
            entries: self.entries,
            sessions,
            rules,
            state_names: self.file.state_names.take(),
            reads_last_message: self.file.reads_last_message(),
        }
    }
}

/// A whole file.
#[derive(Debug)]
pub(super) struct Compiled {
    /// How many entries there were, without marks and rules.
    pub(super) entries: usize,
    /// In the order of their numbers; at least one.
    pub(super) sessions: Vec<Session>,
    /// The rules that hold for all of them, if there are some.
    pub(super) rules: Option<Arc<RuleSet>>,
    /// Which names of the connection's state are read and set, also by the rules.
    pub(super) state_names: StateNames,
    /// Whether a session looks at the message that came last.
    pub(super) reads_last_message: bool,
}
