//! A regular expression as a pattern holds it: what it takes to ask more of it than whether it matches.

use std::sync::OnceLock;

use regex::Regex;
use regex_syntax::hir::{Hir, Look};

use super::literals::Literals;

/// A compiled regular expression. What only some callers ask for is worked out when it is first asked for, and once.
#[derive(Debug)]
pub(crate) struct Regular {
    pub(super) regex: Regex,
    /// The same, but for whole texts; `None` if that one is too large.
    whole: OnceLock<Option<Regex>>,
    literals: OnceLock<Literals>,
}

impl Regular {
    pub(super) fn new(pattern: &str) -> Result<Self, regex::Error> {
        Ok(Self { regex: Regex::new(pattern)?, whole: OnceLock::new(), literals: OnceLock::new() })
    }

    /// Whether some match of it is the whole text.
    pub(super) fn matches_whole(&self, text: &str) -> bool {
        match self.regex.find(text) {
            None => false,
            Some(found) if found.len() == text.len() => true,
            // In `a|ab` the first alternative wins, but the second would take all of "ab".
            Some(_) => self.whole.get_or_init(|| self.anchored()).as_ref().is_some_and(|whole| whole.is_match(text)),
        }
    }

    /// What every text in which it matches contains.
    pub(crate) fn literals(&self) -> &Literals {
        self.literals.get_or_init(|| self.parsed().map_or(Literals::Unknown, |parsed| Literals::of(&parsed)))
    }

    /// Put together as a tree, since around the written text a comment or a flag would change what is added.
    fn anchored(&self) -> Option<Regex> {
        let anchored = Hir::concat(vec![Hir::look(Look::Start), self.parsed()?, Hir::look(Look::End)]);
        Regex::new(&anchored.to_string()).ok()
    }

    fn parsed(&self) -> Option<Hir> {
        regex_syntax::parse(self.regex.as_str()).ok()
    }
}
