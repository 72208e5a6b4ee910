//! Which names of a connection's state a file sets, and which it reads: a name that is only read, or only set, is probably misspelt.
//!
//! Only doubts come of it, as another file may go with this one.

use std::collections::BTreeMap;

use ws_patterns::Name;

use crate::ProblemKind;
use crate::source::{Findings, Span};
use ws_patterns::nearest;

/// What the name of a state's value begins with.
const ROOT: &str = "state";

/// Collects the names of one file: of all its sessions and rules, which share a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StateNames {
    /// Each with its first place.
    read: BTreeMap<String, Span>,
    set: BTreeMap<String, Span>,
    /// Whether the state is read as a whole.
    reads_all: bool,
}

impl StateNames {
    /// What an expression or template reads, which is written at `span`.
    pub(crate) fn reads<'n>(
        &mut self,
        names: impl IntoIterator<Item = &'n Name>,
        span: Span,
        findings: &Findings<'_, '_>,
    ) {
        for name in names.into_iter().filter(|name| name.root() == ROOT) {
            match name.rest().first() {
                None => self.reads_all = true,
                Some(first) if !self.read.contains_key(first) => {
                    let place = place_of(&name.to_string(), span, findings);
                    self.read.insert(first.clone(), place);
                }
                Some(_) => {}
            }
        }
    }

    /// That a value is given to a name, which is written at `span`.
    pub(crate) fn sets(&mut self, name: &str, span: Span) {
        if !self.set.contains_key(name) {
            self.set.insert(name.to_owned(), span);
        }
    }

    /// Whether a doubt about another file is none when this one goes with it.
    pub(crate) fn settle(&self, doubt: &ProblemKind) -> bool {
        match doubt {
            ProblemKind::NeverSet { name, .. } => self.set.contains_key(name),
            ProblemKind::NeverRead { name } => self.reads_all || self.read.contains_key(name),
            _ => false,
        }
    }

    /// Reports what is only set or only read.
    pub(crate) fn report(&self, findings: &mut Findings<'_, '_>) {
        for (name, span) in self.read.iter().filter(|(name, _)| !self.set.contains_key(*name)) {
            let nearest = nearest(name, self.set.keys().map(String::as_str)).map(str::to_owned);
            findings.at_span(*span, ProblemKind::NeverSet { name: name.clone(), nearest });
        }
        for (name, span) in self.set.iter().filter(|(name, _)| !self.reads_all && !self.read.contains_key(*name)) {
            findings.at_span(*span, ProblemKind::NeverRead { name: name.clone() });
        }
    }
}

/// The name itself, if it is written there as it is.
fn place_of(name: &str, span: Span, findings: &Findings<'_, '_>) -> Span {
    let source = findings.source();
    match source.slice(span).find(name) {
        Some(at) => source.span_at(span.start + at, name.len()),
        None => span,
    }
}

#[cfg(test)]
mod tests {
    use ws_patterns::Expression;

    use super::*;
    use crate::source::Source;

    fn doubts(sets: &[&str], expressions: &[&str]) -> String {
        let text = [sets.join(" "), expressions.join("\n")].join("\n");
        let source = Source::new("f".into(), &text);
        let mut findings = Findings::new(&source);
        let mut names = StateNames::default();
        let span = |part: &str| source.span_at(text.find(part).unwrap(), part.len());
        for name in sets {
            names.sets(name, span(name));
        }
        for written in expressions {
            names.reads(Expression::parse(written).unwrap().names(), span(written), &findings);
        }
        names.report(&mut findings);
        let doubts = findings.into_result().unwrap();
        doubts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn another_file_settles_doubts_about_names_that_it_knows() {
        let never_set = |name: &str| ProblemKind::NeverSet { name: name.to_owned(), nearest: None };
        let never_read = |name: &str| ProblemKind::NeverRead { name: name.to_owned() };
        let mut names = StateNames::default();
        names.sets("set", Span { line: 1, start: 0, length: 0 });
        let source = Source::new("f".into(), "");
        let span = source.span_at(0, 0);
        names.reads(Expression::parse("state.read").unwrap().names(), span, &Findings::new(&source));
        let settled =
            [never_set("set"), never_set("read"), never_read("read"), never_read("set"), ProblemKind::NoEntries]
                .map(|doubt| names.settle(&doubt));
        assert_eq!(settled, [true, false, true, false, false]);
        names.reads(Expression::parse("state != null").unwrap().names(), span, &Findings::new(&source));
        assert!(names.settle(&never_read("set")), "it reads all");
    }

    #[test]
    fn names_that_are_only_set_or_only_read_are_doubtful() {
        assert_eq!(doubts(&["user", "n"], &["state.n > 1", "state.user.name == 'x' && match.1 == 2"]), "");
        assert_eq!(
            doubts(&["user", "n"], &["1 + state.usr.name", "state.zz", "state.zz && state.n"]),
            "f:1:1: `state.user` is set and never read in this file\n\
             f:2:5: `state.usr` is read and never set in this file; did you mean `state.user`?\n\
             f:3:1: `state.zz` is read and never set in this file"
        );
        assert_eq!(doubts(&["user"], &["state != null"]), "", "the whole state is read");
    }
}
