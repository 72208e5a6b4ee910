//! The text of a replay file, and the places in it.

use std::sync::Arc;

use crate::{Position, Problem, ProblemKind, ReplayErrors};

/// The text of a file that is being read. Parts of it are slices, whose place is found by their address.
pub(super) struct Source<'a> {
    name: Arc<str>,
    text: &'a str,
    /// Where each line starts, in bytes.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(name: Arc<str>, text: &'a str) -> Self {
        let after_newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { name, text, lines: std::iter::once(0).chain(after_newlines).collect() }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The byte at which `part`, a slice of the text, starts.
    pub(super) fn offset_of(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len())
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let line = self.line(offset);
        let start = self.lines[line - 1];
        let before = self.text[start..].char_indices().take_while(|(at, _)| start + at < offset).count();
        Position { line, column: before + 1 }
    }
}

/// Collects what is found while a file is read: bounded, whatever the file is.
pub(super) struct Findings<'s, 'a> {
    source: &'s Source<'a>,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    errors_not_listed: usize,
}

impl<'s, 'a> Findings<'s, 'a> {
    /// More than anybody reads, and little enough for a large file of garbage.
    const MOST: usize = 1000;

    pub(super) fn new(source: &'s Source<'a>) -> Self {
        Self { source, errors: Vec::new(), warnings: Vec::new(), errors_not_listed: 0 }
    }

    /// A problem at `part`, a slice of the text.
    pub(super) fn at(&mut self, part: &str, kind: ProblemKind) {
        self.at_offset(self.source.offset_of(part), kind);
    }

    /// A problem at a byte of the text.
    pub(super) fn at_offset(&mut self, offset: usize, kind: ProblemKind) {
        let source = self.source;
        self.add(kind, || Some(source.position(offset)));
    }

    /// That entries behind a close are never reached is one problem, at the first of them: now it is known how many they are.
    /// `line` has the one that closes.
    pub(super) fn count_unreached(&mut self, line: usize, count: usize) {
        for problem in &mut self.errors {
            problem.count_unreached(line, count);
        }
    }

    /// A problem of the file as a whole.
    pub(super) fn about_file(&mut self, kind: ProblemKind) {
        self.add(kind, || None);
    }

    fn add(&mut self, kind: ProblemKind, position: impl FnOnce() -> Option<Position>) {
        let is_warning = kind.is_warning();
        let list = if is_warning { &mut self.warnings } else { &mut self.errors };
        if list.len() < Self::MOST {
            list.push(Problem::new(Arc::clone(&self.source.name), position(), kind));
        } else if !is_warning {
            self.errors_not_listed += 1;
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The warnings, if there is no error.
    pub(super) fn into_result(self) -> Result<Vec<Problem>, ReplayErrors> {
        let Self { errors, warnings, errors_not_listed: not_listed, .. } = self;
        if errors.is_empty() { Ok(warnings) } else { Err(ReplayErrors { errors, warnings, not_listed }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let text = "a\n\u{e9}\u{1f600}x\r\n\nz";
        let source = Source::new("f".into(), text);
        let at = |part: &str| {
            let Position { line, column } = source.position(text.find(part).unwrap());
            (line, column)
        };
        assert_eq!([at("a"), at("x"), at("z")], [(1, 1), (2, 3), (4, 1)]);
        assert_eq!(source.position(text.len()), Position { line: 4, column: 2 });
        assert_eq!(source.position(text.len() + 9), Position { line: 4, column: 2 });
        assert_eq!(source.offset_of(&text[9..]), 9);
    }
}
