//! The line of a file that a problem is about, short enough for a terminal, with a mark below the place.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use crate::visible::visible;

/// The widest line that is shown whole, in columns.
const WIDEST: usize = 100;

/// How many columns before the place are shown at least of a line that is cut.
const BEFORE: usize = 40;

/// The most characters that are looked at on either side of the place: there are some without a width.
const MOST: usize = 4 * WIDEST;

/// What stands where a line was cut.
const CUT: &str = "...";

/// A part of a line, and which of its columns are marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snippet {
    text: String,
    before: usize,
    width: usize,
}

impl Snippet {
    /// What is shown of a line, of which `length` bytes from byte `start` on are meant: perhaps more than the line has. `None` if there
    /// is nothing to see.
    pub(super) fn cut(line: &str, start: usize, length: usize) -> Option<Self> {
        if line.trim().is_empty() {
            return None;
        }
        let start = line.floor_char_boundary(start);
        let end = line.ceil_char_boundary(start.saturating_add(length));
        let is_short = line.len() <= MOST && columns(&visible(line)) <= WIDEST;
        let behind = columns(&beginning_of(&line[start..], WIDEST));
        let before = if is_short {
            visible(&line[..start])
        } else {
            end_of(&line[..start], BEFORE.max(WIDEST.saturating_sub(behind + CUT.len())))
        };
        let room = WIDEST.saturating_sub(columns(&before));
        let to_the_mark = columns(&(before.clone() + &beginning_of(&line[start..end], room)));
        let text = before.clone() + &beginning_of(&line[start..], room);
        let before = columns(&before);
        Some(Self { text, before, width: to_the_mark.saturating_sub(before).max(1) })
    }

    pub(super) fn write(&self, line: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = line.to_string();
        write!(f, "\n  {number} | {}", self.text)?;
        let (none, margin, Self { before, width, .. }) = ("", number.len(), self);
        write!(f, "\n  {none:margin$} | {none:before$}{none:^<width$}")
    }
}

/// As much of the end of a text as there is room for.
fn end_of(text: &str, room: usize) -> String {
    let characters = text.char_indices().rev().take(MOST);
    let mut width = 0;
    let shown = characters.take_while(|(_, character)| {
        width += columns(&visible(character.encode_utf8(&mut [0; 4])));
        width <= room
    });
    let from = shown.last().map_or(text.len(), |(at, _)| at);
    let cut = if from > 0 { CUT } else { "" };
    cut.to_owned() + &visible(&text[from..])
}

/// As much of the beginning of a text as there is room for.
fn beginning_of(text: &str, room: usize) -> String {
    let mut width = 0;
    for (number, (at, character)) in text.char_indices().enumerate() {
        width += columns(&visible(character.encode_utf8(&mut [0; 4])));
        if width > room || number == MOST {
            return visible(&text[..at]) + CUT;
        }
    }
    visible(text)
}

fn columns(text: &str) -> usize {
    text.width()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(line: &str, marked: &str) -> String {
        struct Shown(Snippet);
        impl fmt::Display for Shown {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write(7, f)
            }
        }
        Shown(Snippet::cut(line, line.find(marked).unwrap(), marked.len()).unwrap()).to_string()
    }

    #[test]
    fn the_mark_stands_below_what_is_meant() {
        assert_eq!(written("a bcd e", "bcd"), "\n  7 | a bcd e\n    |   ^^^");
        // Tabs, wide characters, marks without a width, and what a terminal would obey.
        assert_eq!(written("\t\"x\"", "\"x\""), "\n  7 |     \"x\"\n    |     ^^^");
        assert_eq!(written("日本 x", "x"), "\n  7 | 日本 x\n    |      ^");
        assert_eq!(written("x 日本", "日本"), "\n  7 | x 日本\n    |   ^^^^");
        assert_eq!(written("e\u{301}x", "x"), "\n  7 | e\u{301}x\n    |  ^");
        assert_eq!(written("\u{1b}[2J\u{202e}x", "x"), "\n  7 | \u{fffd}[2J\u{fffd}x\n    |      ^");
    }

    #[test]
    fn places_at_and_behind_the_end_of_a_line_are_marked() {
        let cut = |start, length| Snippet::cut("abc", start, length).map(|it| (it.before, it.width));
        assert_eq!(cut(3, 0), Some((3, 1)));
        assert_eq!(cut(3, 1), Some((3, 1)));
        assert_eq!(cut(9, usize::MAX), Some((3, 1)));
        assert_eq!(cut(1, usize::MAX), Some((1, 2)));
        assert_eq!(Snippet::cut(" \t", 0, 1), None);
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let long = "x".repeat(1 << 20);
        for line in [format!("{long}HERE{long}"), format!("HERE{long}"), format!("{long}HERE"), format!("日{long}HERE")]
        {
            let snippet = Snippet::cut(&line, line.find("HERE").unwrap(), 4).unwrap();
            assert!(columns(&snippet.text) <= WIDEST + CUT.len(), "{snippet:?}");
            assert_eq!(&snippet.text[snippet.before..snippet.before + snippet.width], "HERE");
        }
        // Of characters without a width, no number fills a line.
        let marks = "\u{301}".repeat(1 << 20);
        let snippet = Snippet::cut(&format!("a{marks}HERE{marks}"), 1 + marks.len(), 4).unwrap();
        assert!(snippet.text.chars().count() < 3 * MOST, "{}", snippet.text.len());
        // Little is cut off a line that is only a little too long.
        let snippet = Snippet::cut(&format!("ab{}HERE", "x".repeat(WIDEST)), 2 + WIDEST, 4).unwrap();
        assert_eq!((snippet.before, snippet.width), (WIDEST - 4, 4));
        // What is marked may itself be too long.
        let snippet = Snippet::cut(&format!("ab{long}"), 2, long.len()).unwrap();
        assert_eq!((snippet.before, snippet.width), (2, WIDEST - 2 + CUT.len()));
    }
}
