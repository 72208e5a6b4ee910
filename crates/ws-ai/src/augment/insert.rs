//! Putting entries into the text of a script: all that stood there still stands there, byte for byte.

/// Entries that come behind another.
#[derive(Debug)]
pub(super) struct Insertion {
    /// The byte behind the entry that is there.
    pub(super) end: usize,
    /// Whether that is an element of an array, and so these will be.
    pub(super) is_element: bool,
    /// The new ones, each in one line.
    pub(super) entries: Vec<String>,
}

/// The text with the insertions, which are in its order. Each new entry has a line of its own, where the old ones have.
pub(super) fn insert(text: &str, insertions: &[Insertion]) -> String {
    let new: usize = insertions.iter().flat_map(|insertion| &insertion.entries).map(|entry| entry.len() + 8).sum();
    let (mut inserted, mut copied) = (String::with_capacity(text.len() + new), 0);
    for insertion in insertions {
        let (at, lines) = insertion.lines(text);
        inserted.push_str(&text[copied..at]);
        inserted.push_str(&lines);
        copied = at;
    }
    inserted + &text[copied..]
}

impl Insertion {
    /// What is put in, and where.
    fn lines(&self, text: &str) -> (usize, String) {
        let Self { end, is_element, entries } = self;
        let join = |before: &str, after: &str| {
            entries.iter().map(|entry| format!("{before}{entry}{after}")).collect::<String>()
        };
        let rest = text[*end..].trim_start_matches(BLANKS);
        let behind_comma = rest.strip_prefix(',').map(|rest| rest.trim_start_matches(BLANKS));
        let next_line = |rest: &str| rest.strip_prefix('\n').map(|next| text.len() - next.len());
        match (next_line(rest), behind_comma.and_then(next_line)) {
            (Some(next), _) if !is_element => (next, join("", line_end(&text[..next]))),
            _ if !is_element => (text.len(), join(line_end(text), "")),
            (Some(next), _) => (next, join(&format!("{},", indent(text, *end)), line_end(&text[..next]))),
            (_, Some(next)) => (next, join(indent(text, *end), &format!(",{}", line_end(&text[..next])))),
            // More elements, or the end of the array, stand on the same line.
            _ => (*end, join(",", "")),
        }
    }
}

/// What may stand between an entry and the end of its line.
const BLANKS: [char; 3] = [' ', '\t', '\r'];

/// How the last line of a text ends that has an end.
fn line_end(text: &str) -> &'static str {
    if text[..text.rfind('\n').unwrap_or(0)].ends_with('\r') { "\r\n" } else { "\n" }
}

/// The blanks with which the line begins that an entry ends on.
fn indent(text: &str, end: usize) -> &str {
    let line = &text[text[..end].rfind('\n').map_or(0, |at| at + 1)..end];
    &line[..line.len() - line.trim_start_matches(BLANKS).len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `N` and `M` behind its entry `A`.
    fn behind_a(text: &str, is_element: bool) -> String {
        let entries = vec!["N".to_owned(), "M".to_owned()];
        insert(text, &[Insertion { end: text.find('A').unwrap() + 1, is_element, entries }])
    }

    #[test]
    fn lines_come_behind_lines() {
        for (text, expected) in [
            ("A\nB\n", "A\nN\nM\nB\n"),
            ("A \r\nB\r\n", "A \r\nN\r\nM\r\nB\r\n"),
            ("B\r\n A", "B\r\n A\r\nN\r\nM"),
            ("A", "A\nN\nM"),
            ("A  ", "A  \nN\nM"),
            ("A\n\n# c\n", "A\nN\nM\n\n# c\n"),
            ("\u{feff}A\n", "\u{feff}A\nN\nM\n"),
            // Mixed, as it stands there.
            ("A\nB\r\n", "A\nN\nM\nB\r\n"),
        ] {
            assert_eq!(behind_a(text, false), expected, "{text:?}");
        }
    }

    #[test]
    fn elements_come_behind_elements() {
        for (text, expected) in [
            ("[\n  A,\r\n  B\n]", "[\n  A,\r\n  N,\r\n  M,\r\n  B\n]"),
            ("[\n\tA\n]\n", "[\n\tA\n\t,N\n\t,M\n]\n"),
            ("[\n  A\n# c\n, B]", "[\n  A\n  ,N\n  ,M\n# c\n, B]"),
            ("[A,B]", "[A,N,M,B]"),
            ("[A]\n", "[A,N,M]\n"),
            ("[A, B\n]", "[A,N,M, B\n]"),
            ("[\n  A", "[\n  A,N,M"),
        ] {
            assert_eq!(behind_a(text, true), expected, "{text:?}");
        }
    }

    #[test]
    fn several_places_keep_their_order() {
        let at = |end, entry: &str| Insertion { end, is_element: false, entries: vec![entry.to_owned()] };
        assert_eq!(insert("A\nB\nC", &[at(1, "x"), at(5, "y")]), "A\nx\nB\nC\ny");
        assert_eq!(insert("A\n", &[]), "A\n");
    }
}
