//! Finds patterns by the text itself: exact texts, and the literals that regular expressions need.

use std::collections::{BTreeSet, HashMap};

use aho_corasick::AhoCorasick;
use aho_corasick::automaton::OverlappingState;

use super::Number;
use crate::pattern::Literals;

/// Exact texts and literals of many patterns.
#[derive(Debug, Clone)]
pub(super) struct TextIndex {
    exact: HashMap<Box<str>, Vec<Number>>,
    longest_exact: usize,
    /// Literals with which a text must start.
    starts: HashMap<Box<[u8]>, Vec<Number>>,
    /// The lengths that these literals have.
    start_lengths: Vec<usize>,
    inside: Option<Inside>,
}

/// Literals that must be somewhere in a text.
#[derive(Debug, Clone)]
struct Inside {
    automaton: AhoCorasick,
    /// By the automaton's number of a literal.
    numbers: Vec<Vec<Number>>,
}

#[derive(Debug, Default)]
pub(super) struct TextIndexBuilder {
    exact: HashMap<Box<str>, Vec<Number>>,
    starts: HashMap<Box<[u8]>, Vec<Number>>,
    inside: HashMap<Box<[u8]>, Vec<Number>>,
}

impl TextIndexBuilder {
    pub(super) fn add_exact(&mut self, text: &str, number: Number) {
        self.exact.entry(text.into()).or_default().push(number);
    }

    /// Whether there is anything to look up.
    pub(super) fn add_literals(&mut self, literals: &Literals, number: Number) -> bool {
        let (index, literals) = match literals {
            Literals::AtStart(literals) => (&mut self.starts, literals),
            Literals::Inside(literals) => (&mut self.inside, literals),
            Literals::Unknown => return false,
        };
        for literal in literals {
            index.entry(literal.clone()).or_default().push(number);
        }
        true
    }

    /// The index, and the patterns that found no room in it.
    pub(super) fn build(self) -> (TextIndex, BTreeSet<Number>) {
        let start_lengths: BTreeSet<usize> = self.starts.keys().map(|literal| literal.len()).collect();
        let (literals, numbers): (Vec<_>, Vec<_>) = self.inside.into_iter().unzip();
        let (inside, not_indexed) = if literals.is_empty() {
            (None, BTreeSet::new())
        } else {
            match AhoCorasick::new(literals) {
                Ok(automaton) => (Some(Inside { automaton, numbers }), BTreeSet::new()),
                // More literals than the automaton can number.
                Err(_) => (None, numbers.into_iter().flatten().collect()),
            }
        };
        let index = TextIndex {
            longest_exact: self.exact.keys().map(|text| text.len()).max().unwrap_or_default(),
            exact: self.exact,
            starts: self.starts,
            start_lengths: start_lengths.into_iter().collect(),
            inside,
        };
        (index, not_indexed)
    }
}

impl TextIndex {
    /// Adds the patterns that may match `text`, perhaps several times.
    pub(super) fn find(&self, text: &str, found: &mut Vec<Number>) {
        // A longer text need not be hashed.
        if text.len() <= self.longest_exact
            && let Some(numbers) = self.exact.get(text)
        {
            found.extend(numbers);
        }
        for length in &self.start_lengths {
            let Some(start) = text.as_bytes().get(..*length) else { break };
            if let Some(numbers) = self.starts.get(start) {
                found.extend(numbers);
            }
        }
        if let Some(inside) = &self.inside {
            inside.find(text, found);
        }
    }
}

impl Inside {
    /// Goes over the text once. Literals may overlap in it, and each counts once however often it is there.
    fn find(&self, text: &str, found: &mut Vec<Number>) {
        let mut seen = vec![false; self.numbers.len()];
        let mut unseen = self.numbers.len();
        let mut state = OverlappingState::start();
        loop {
            self.automaton.find_overlapping(text, &mut state);
            let Some(literal) = state.get_match().map(|found| found.pattern().as_usize()) else { return };
            if !seen[literal] {
                seen[literal] = true;
                unseen -= 1;
                found.extend(&self.numbers[literal]);
                if unseen == 0 {
                    return;
                }
            }
        }
    }
}
