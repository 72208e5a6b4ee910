//! The literal texts of a regular expression, one of which must be in a text before a match is worth looking for.

use regex_syntax::hir::literal::{ExtractKind, Extractor, Seq};
use regex_syntax::hir::{Hir, HirKind, Look};

/// More alternatives than these say too little to be worth looking for.
const MOST: usize = 32;
/// Longer literals are cut: their beginning tells as much.
const LONGEST: usize = 32;
/// A shorter literal inside a text is in most texts anyway.
const SHORTEST_INSIDE: usize = 2;

/// What every text in which a regular expression matches has. Literals are bytes: one may end inside a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Literals {
    /// The text starts with one of these.
    AtStart(Vec<Box<[u8]>>),
    /// The text contains one of these.
    Inside(Vec<Box<[u8]>>),
    /// Nothing is known.
    Unknown,
}

impl Literals {
    pub(super) fn of(hir: &Hir) -> Self {
        let starts = extract(ExtractKind::Prefix, hir);
        if hir.properties().look_set_prefix().contains(Look::Start)
            && let Some(literals) = known(&starts, 1)
        {
            return Self::AtStart(literals);
        }
        let mut sequences = vec![starts, extract(ExtractKind::Suffix, hir)];
        // Each part of a concatenation must match somewhere, and so must each run of parts.
        if let HirKind::Concat(parts) = unwrapped(hir).kind() {
            for inner in 1..parts.len() {
                sequences.push(extract(ExtractKind::Prefix, &Hir::concat(parts[inner..].to_vec())));
            }
        }
        let known = sequences.iter().filter_map(|sequence| known(sequence, SHORTEST_INSIDE));
        // The longest say most; of equally long ones the fewest, then those that come first.
        let best = known.reduce(|best, other| if worth(&other) > worth(&best) { other } else { best });
        best.map_or(Self::Unknown, Self::Inside)
    }
}

/// Without the group around all of it.
fn unwrapped(mut hir: &Hir) -> &Hir {
    while let HirKind::Capture(group) = hir.kind() {
        hir = &group.sub;
    }
    hir
}

fn extract(kind: ExtractKind, hir: &Hir) -> Seq {
    let mut extractor = Extractor::new();
    extractor.kind(kind).limit_total(MOST).limit_literal_len(LONGEST);
    extractor.extract(hir)
}

/// The literals, unless there are none or one is too short to tell anything.
fn known(sequence: &Seq, shortest: usize) -> Option<Vec<Box<[u8]>>> {
    let literals = sequence.literals()?;
    let tells = !literals.is_empty() && literals.iter().all(|literal| literal.len() >= shortest);
    tells.then(|| {
        let mut known: Vec<Box<[u8]>> = literals.iter().map(|literal| literal.as_bytes().into()).collect();
        known.sort();
        known.dedup();
        known
    })
}

fn worth(literals: &[Box<[u8]>]) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = literals.iter().map(|literal| literal.len()).min().unwrap_or_default();
    (shortest, std::cmp::Reverse(literals.len()))
}
