//! Texts that match a regular expression.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::world::Dice;

/// How often something is repeated beyond what it must.
const MORE: u32 = 4;
/// How long a text becomes at most, in bytes, before it is given up.
const LONGEST: usize = 10_000;

/// A text in which the expression is found. Anchors are taken as kept: where they stand in the middle, whoever checks
/// finds out.
///
/// # Errors
/// The expression cannot be read: it uses what JavaScript has and this does not, such as looking ahead.
pub(super) fn make(regex: &str, dice: &mut Dice) -> Result<String, String> {
    let hir = ParserBuilder::new().build().parse(regex);
    let hir = hir.map_err(|_| format!("no text can be made for the pattern `{regex}`"))?;
    let mut made = String::new();
    push(&hir, &mut made, dice);
    if made.len() > LONGEST {
        return Err(format!("texts for the pattern `{regex}` are too long"));
    }
    Ok(made)
}

fn push(hir: &Hir, made: &mut String, dice: &mut Dice) {
    if made.len() > LONGEST {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => made.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges: Vec<(char, char)> = class.ranges().iter().map(|range| (range.start(), range.end())).collect();
            made.extend(of_class(&ranges, dice));
        }
        HirKind::Class(Class::Bytes(class)) => {
            let ranges: Vec<(char, char)> =
                class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect();
            made.extend(of_class(&ranges, dice));
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX).min(repetition.min.saturating_add(MORE));
            let count = dice.between(i64::from(repetition.min), i64::from(most));
            for _ in 0..count {
                if made.len() > LONGEST {
                    return;
                }
                push(&repetition.sub, made, dice);
            }
        }
        HirKind::Capture(capture) => push(&capture.sub, made, dice),
        HirKind::Concat(parts) => parts.iter().for_each(|part| push(part, made, dice)),
        HirKind::Alternation(parts) => push(dice.pick(parts), made, dice),
    }
}

/// A character of a class: one that can be printed and is in ASCII, if it has any.
fn of_class(ranges: &[(char, char)], dice: &mut Dice) -> Option<char> {
    const PLAIN: &[(char, char)] = &[('a', 'z'), ('A', 'Z'), ('0', '9')];
    const PRINTED: &[(char, char)] = &[(' ', '~')];
    let among = |wanted: &[(char, char)]| -> Vec<(char, char)> {
        let both = |(from, to): &(char, char)| {
            wanted
                .iter()
                .map(|(low, high)| ((*from).max(*low), (*to).min(*high)))
                .filter(|(low, high)| low <= high)
                .collect::<Vec<_>>()
        };
        ranges.iter().flat_map(both).collect()
    };
    let plain = among(PLAIN);
    let printed = among(PRINTED);
    let ranges = [&plain, &printed].into_iter().find(|found| !found.is_empty()).map_or(ranges, Vec::as_slice);
    let weighted: Vec<(i64, (char, char))> = ranges
        .iter()
        .map(|(from, to)| (i64::from(u32::from(*to)) - i64::from(u32::from(*from)) + 1, (*from, *to)))
        .collect();
    if weighted.is_empty() {
        return None;
    }
    let (from, to) = dice.weighted(&weighted);
    let code = dice.between(i64::from(u32::from(from)), i64::from(u32::from(to)));
    // A range may reach over what is no character.
    u32::try_from(code).ok().and_then(char::from_u32).or(Some(from))
}
