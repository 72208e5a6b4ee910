//! Which patterns a message may have been meant for: a quick estimate, so that few are compared in full.

use serde_json::Value;

use super::{Number, PatternSet};
use crate::MessageText;
use crate::pattern::{Literals, Pin, Requirement, Scalar, Wants};

/// So many patterns of a large set are estimated.
const ESTIMATED: usize = 4096;
/// So many patterns are compared in full,
const MOST_COMPARED: usize = 64;
/// but so few if the message is long,
const FEWEST_COMPARED: usize = 8;
/// so that no more than about so many bytes are gone through.
const BYTES_COMPARED: usize = 4 << 20;
/// What is added to the estimate of a pattern that an index found.
const FOUND: f32 = 0.2;
/// So many bytes of a text are looked at for an estimate.
const LOOKED_AT: usize = 48;
/// So many literals or pins of a pattern are looked at.
const FEW: usize = 4;

/// What a pattern is estimated by.
#[derive(Debug, Clone)]
pub(super) enum Hint {
    Nothing,
    Exact(Box<str>),
    Starts(Vec<Box<[u8]>>),
    Contains(Vec<Box<[u8]>>),
    Pins(Vec<Pin>),
}

impl Hint {
    pub(super) fn of(requirement: &Requirement<'_>) -> Self {
        match requirement {
            Requirement::Text(text) => Self::Exact((*text).into()),
            Requirement::Literals(Literals::AtStart(literals)) => Self::Starts(few(literals)),
            Requirement::Literals(Literals::Inside(literals)) => Self::Contains(few(literals)),
            Requirement::Json(pins) | Requirement::JsonUnlessObject(pins) => Self::Pins(few(pins)),
            Requirement::Nothing | Requirement::Impossible | Requirement::Literals(Literals::Unknown) => Self::Nothing,
        }
    }

    /// From 0 to 1.
    fn estimate(&self, message: &MessageText<'_>) -> f32 {
        let text = message.as_str().as_bytes();
        match self {
            Self::Nothing => 0.05,
            Self::Exact(exact) => likeness(exact.as_bytes(), text),
            Self::Starts(literals) => {
                let starts = literals.iter().map(|literal| likeness(literal, &text[..text.len().min(literal.len())]));
                0.8 * starts.fold(0.0, f32::max)
            }
            Self::Contains(literals) => {
                let there = pairs(text);
                let shares = literals.iter().map(|literal| {
                    let wanted = pairs(literal);
                    (wanted & there).count_ones() as f32 / wanted.count_ones().max(1) as f32
                });
                0.8 * shares.fold(0.0, f32::max)
            }
            Self::Pins(pins) => {
                let Some(json) = message.json().filter(|_| !pins.is_empty()) else { return 0.02 };
                pins.iter().map(|pin| estimate(pin, json)).sum::<f32>() / pins.len() as f32
            }
        }
    }
}

fn few<T: Clone>(all: &[T]) -> Vec<T> {
    all.iter().take(FEW).cloned().collect()
}

impl PatternSet {
    /// The patterns to compare with the message, most promising first.
    pub(super) fn promising(&self, message: &MessageText<'_>) -> Vec<Number> {
        let compared = BYTES_COMPARED / message.as_str().len().max(1);
        let compared = compared.clamp(FEWEST_COMPARED, MOST_COMPARED);
        if self.len() <= compared {
            return (0..).take(self.len()).collect();
        }
        let found = self.candidates(message);
        let far = found.iter().copied().filter(|number| *number as usize >= ESTIMATED).take(ESTIMATED);
        let estimated = (0..).take(self.len().min(ESTIMATED)).chain(far).map(|number| {
            let bonus = if found.binary_search(&number).is_ok() { FOUND } else { 0.0 };
            (bonus + self.hints[number as usize].estimate(message), number)
        });
        let mut estimated: Vec<(f32, Number)> = estimated.collect();
        estimated.sort_by(|(left, _), (right, _)| right.total_cmp(left));
        estimated.into_iter().take(compared).map(|(_, number)| number).collect()
    }
}

fn estimate(pin: &Pin, json: &Value) -> f32 {
    let Some(value) = pin.find(json) else { return 0.0 };
    match &pin.wants {
        Wants::Something => 1.0,
        Wants::OneOf(scalars) => {
            0.3 + 0.7 * scalars.iter().take(FEW).map(|scalar| near(scalar, value)).fold(0.0, f32::max)
        }
    }
}

fn near(wanted: &Scalar, found: &Value) -> f32 {
    match (wanted, found) {
        (Scalar::Text(wanted), Value::String(found)) => likeness(wanted.as_bytes(), found.as_bytes()),
        (Scalar::Text(_), _) => 0.0,
        (wanted, found) => {
            if Scalar::not_text(found).is_some_and(|found| found == *wanted) {
                1.0
            } else {
                0.0
            }
        }
    }
}

/// How many pairs of neighbours two texts share, of all that they have, in the beginning of each. Unlike a distance, that
/// takes no time to speak of.
fn likeness(left: &[u8], right: &[u8]) -> f32 {
    if left == right {
        return 1.0;
    }
    let (left, right) = (pairs(left), pairs(right));
    0.99 * (left & right).count_ones() as f32 / (left | right).count_ones().max(1) as f32
}

/// A bit for each pair of neighbours that is there; some pairs share one.
fn pairs(text: &[u8]) -> u128 {
    let text = &text[..text.len().min(LOOKED_AT)];
    let bits = text.windows(2).map(|pair| u32::from(pair[0]).wrapping_mul(31).wrapping_add(u32::from(pair[1])) % 128);
    bits.fold(0, |pairs, bit| pairs | 1 << bit)
}
