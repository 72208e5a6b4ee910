//! The text of a file that is being read, the places in it, and what is found there. It reads no files itself.

mod written;

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

use crate::{Position, Problem, ProblemKind, ReplayErrors};

/// The text of a file that is being read. Parts of it are slices, whose place is found by their address.
pub(crate) struct Source<'a> {
    name: Arc<str>,
    text: &'a str,
    /// Where each line starts, in bytes.
    lines: Vec<usize>,
    /// The last place whose characters were counted, as a byte and its column: the next one is mostly near behind it, and a
    /// line may be as long as the file.
    counted: Cell<(usize, usize)>,
}

/// A part of a source. Its column and the text of its line are found only when something is to be said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    /// The byte at which it begins.
    pub(crate) start: usize,
    /// How many bytes it has.
    pub(crate) length: usize,
}

impl<'a> Source<'a> {
    pub(crate) fn new(name: Arc<str>, text: &'a str) -> Self {
        let after_newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { name, text, lines: std::iter::once(0).chain(after_newlines).collect(), counted: Cell::new((0, 1)) }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The byte at which `part`, a slice of the text, starts.
    pub(crate) fn offset_of(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len())
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    /// The place of `part`, a slice of the text.
    pub(crate) fn span(&self, part: &str) -> Span {
        self.span_at(self.offset_of(part), part.len())
    }

    /// The place of `length` bytes from `start` on.
    pub(crate) fn span_at(&self, start: usize, length: usize) -> Span {
        let start = start.min(self.text.len());
        Span { line: self.line(start), start, length: length.min(self.text.len() - start) }
    }

    /// The byte at which a line starts, from 1.
    pub(crate) fn line_start(&self, line: usize) -> usize {
        self.lines[line - 1]
    }

    /// The place of what stands on a line, from 1.
    pub(crate) fn line_span(&self, line: usize) -> Span {
        self.span(self.line_text(line).trim())
    }

    /// The place of one character, by its line and its column, both from 1; beyond the end of the line, of that end.
    pub(crate) fn span_of_column(&self, line: usize, column: usize) -> Span {
        let line = line.clamp(1, self.lines.len());
        let text = self.line_text(line);
        let at = text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
        self.span_at(self.lines[line - 1] + at, 0)
    }

    /// What stands there.
    pub(crate) fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.start + span.length).unwrap_or_default()
    }

    /// The place of a part of `text`, in bytes of it, when `whole` is what was written for that text: with quotes and escapes. Where
    /// that cannot be told, it is the whole.
    pub(crate) fn within(&self, whole: Span, text: &str, part: Range<usize>) -> Span {
        match written::part_of(self.slice(whole), text, part) {
            Some(part) => self.span_at(whole.start + part.start, part.len()),
            None => whole,
        }
    }

    pub(crate) fn position(&self, offset: usize) -> Position {
        let line = self.line(offset);
        let start = self.lines[line - 1];
        let (from, column) = match self.counted.get() {
            counted if (start..=offset).contains(&counted.0) => counted,
            _ => (start, 1),
        };
        let before = self.text[from..].char_indices().take_while(|(at, _)| from + at < offset).count();
        let column = column + before;
        if self.text.is_char_boundary(offset) {
            self.counted.set((offset, column));
        }
        Position { line, column }
    }

    /// How many bytes stand on the line before it.
    pub(crate) fn offset_in_line(&self, span: Span) -> usize {
        span.start - self.lines[span.line - 1]
    }

    /// The text of a line, from 1, without its end.
    pub(crate) fn line_text(&self, line: usize) -> &'a str {
        let end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        let text = &self.text[self.lines[line - 1]..end];
        text.strip_suffix('\r').unwrap_or(text)
    }
}

/// Collects what is found while a file is read: bounded, whatever the file is.
pub(crate) struct Findings<'s, 'a> {
    source: &'s Source<'a>,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    errors_not_listed: usize,
}

impl<'s, 'a> Findings<'s, 'a> {
    /// More than anybody reads, and little enough for a large file of garbage.
    const MOST: usize = 1000;

    pub(crate) fn new(source: &'s Source<'a>) -> Self {
        Self { source, errors: Vec::new(), warnings: Vec::new(), errors_not_listed: 0 }
    }

    /// A problem at a part of a string: in bytes of `text`, for which `whole` was written.
    pub(crate) fn at_within(&mut self, whole: Span, text: &str, part: Range<usize>, kind: ProblemKind) {
        self.at_span(self.source.within(whole, text, part), kind);
    }

    /// What is being read.
    pub(crate) fn source(&self) -> &'s Source<'a> {
        self.source
    }

    /// A problem at `part`, a slice of the text.
    pub(crate) fn at(&mut self, part: &str, kind: ProblemKind) {
        self.at_span(self.source.span(part), kind);
    }

    /// A problem at a byte of the text.
    pub(crate) fn at_offset(&mut self, offset: usize, kind: ProblemKind) {
        self.at_span(self.source.span_at(offset, 1), kind);
    }

    /// A problem at a part of the text.
    pub(crate) fn at_span(&mut self, span: Span, kind: ProblemKind) {
        let source = self.source;
        self.add(kind, |kind| Problem::at(source, span, kind));
    }

    /// That entries behind a close are never reached is one problem, at the first of them: now it is known how many they are.
    /// `line` has the one that closes.
    pub(crate) fn count_unreached(&mut self, line: usize, count: usize) {
        for problem in &mut self.errors {
            problem.count_unreached(line, count);
        }
    }

    /// A problem of the file as a whole.
    pub(crate) fn about_file(&mut self, kind: ProblemKind) {
        let name = Arc::clone(self.source.name());
        self.add(kind, |kind| Problem::of_file(name, kind));
    }

    fn add(&mut self, kind: ProblemKind, problem: impl FnOnce(ProblemKind) -> Problem) {
        let is_warning = kind.is_warning();
        let list = if is_warning { &mut self.warnings } else { &mut self.errors };
        if list.len() < Self::MOST {
            list.push(problem(kind));
        } else if !is_warning {
            self.errors_not_listed += 1;
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The warnings, if there is no error. Both are in the order of the file's lines.
    pub(crate) fn into_result(self) -> Result<Vec<Problem>, ReplayErrors> {
        let Self { mut errors, mut warnings, errors_not_listed: not_listed, .. } = self;
        for list in [&mut errors, &mut warnings] {
            // Some are found only at the end of a session.
            list.sort_by_key(|problem| problem.position().map(|position| position.line));
        }
        if errors.is_empty() {
            Ok(warnings)
        } else {
            Err(ReplayErrors { errors, warnings, not_listed, files: Vec::new() })
        }
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
        // Also when places are asked for in another order than that of the text.
        assert_eq!([at("z"), at("x"), at("\u{1f600}"), at("x")], [(4, 1), (2, 3), (2, 2), (2, 3)]);
        assert_eq!(source.position(text.len()), Position { line: 4, column: 2 });
        assert_eq!(source.position(text.len() + 9), Position { line: 4, column: 2 });
        assert_eq!(source.offset_of(&text[9..]), 9);
    }
}
