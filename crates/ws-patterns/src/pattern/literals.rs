//! The literal texts of a regular expression, one of which must be in a text before a match is worth looking for.

use regex_syntax::hir::literal::{ExtractKind, Extractor, Seq};
use regex_syntax::hir::{Hir, HirKind, Look};

/// More alternatives than these say too little to be worth looking for.
const MOST: usize = 32;
/// Longer literals are cut: their beginning tells as much.
const LONGEST: usize = 32;
/// A shorter literal inside a text is in most texts anyway.
const SHORTEST_INSIDE: usize = 2;

/// So many parts of a long expression are looked at,
const PARTS: usize = 64;
/// each together with so many behind it.
const RUN: usize = 8;

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
        // Each part of a concatenation must match somewhere, and so must each run of them.
        if let HirKind::Concat(parts) = unwrapped(hir).kind() {
            for start in 1..parts.len().min(PARTS) {
                let end = parts.len().min(start + RUN);
                sequences.push(extract(ExtractKind::Prefix, &Hir::concat(parts[start..end].to_vec())));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> Literals {
        Literals::of(&regex_syntax::parse(pattern).unwrap())
    }

    fn boxed(literals: &[&str]) -> Vec<Box<[u8]>> {
        literals.iter().map(|literal| literal.as_bytes().into()).collect()
    }

    #[test]
    fn literals_are_at_the_start_if_the_expression_is_anchored_there() {
        let cases: [(&str, &[&str]); 5] = [
            ("^/join (.+)$", &["/join "]),
            ("^(?:ping|pong)$", &["ping", "pong"]),
            ("(^a)b", &["ab"]),
            ("^a|^b", &["a", "b"]),
            (r"\A\{", &["{"]),
        ];
        for (pattern, expected) in cases {
            assert_eq!(of(pattern), Literals::AtStart(boxed(expected)), "{pattern}");
        }
    }

    #[test]
    fn the_longest_literals_inside_are_taken() {
        let cases: [(&str, &[&str]); 9] = [
            ("ping", &["ping"]),
            ("^ping|pong", &["ping", "pong"]),
            ("(?m)^ping", &["ping"]),
            (r"\d+ items", &[" items"]),
            (r"\w+-needle-\w+", &["-needle-"]),
            (r"(\d+(?:abc|de)\d+)", &["abc", "de"]),
            (r"ab\d+longer\d+cd", &["longer"]),
            ("(?i)ab", &["AB", "Ab", "aB", "ab"]),
            ("\u{e9}", &["\u{e9}"]),
        ];
        for (pattern, expected) in cases {
            assert_eq!(of(pattern), Literals::Inside(boxed(expected)), "{pattern}");
        }
    }

    #[test]
    fn of_what_has_none_nothing_is_known() {
        for pattern in ["", "^", ".*", r"\d+", "a", "a|bc", "(abc)?", "x*", "[a&&b]", r"^\w", "^(?:a|)"] {
            assert_eq!(of(pattern), Literals::Unknown, "{pattern}");
        }
    }

    #[test]
    fn long_expressions_are_looked_at_in_part() {
        let many: String = (0..2_000).map(|n| format!(r"{n}\d")).collect();
        assert!(matches!(of(&many), Literals::Inside(literals) if literals.len() == 1));
        assert!(
            matches!(of(&format!("^{}", "x".repeat(5_000))), Literals::AtStart(literals) if literals[0].len() == LONGEST)
        );
        let words: Vec<String> = (0..500).map(|n| format!("word{n}")).collect();
        assert!(matches!(of(&words.join("|")), Literals::Unknown | Literals::Inside(_)));
    }
}
