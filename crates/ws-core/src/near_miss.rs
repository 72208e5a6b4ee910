//! Why a message was not taken: what the rules, waits and routes that came nearest say of it.

use crate::Message;

/// Why one rule, wait or route did not take a message.
///
/// ```
/// use ws_core::NearMiss;
///
/// let miss = NearMiss::new("rules.yaml:12: greet", "`$.type`: expected \"hello\", found \"helo\"").closeness(0.9);
/// assert_eq!(miss.to_string(), "rules.yaml:12: greet: `$.type`: expected \"hello\", found \"helo\"");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NearMiss {
    /// Who would have taken it: a place in a file, a name.
    pub expected_by: String,
    /// The first thing that was different.
    pub difference: String,
    /// How near it came, from 0 (not at all) to 1 (nearly the same).
    pub closeness: f64,
}

impl NearMiss {
    /// A miss of closeness 0.
    #[must_use]
    pub fn new(expected_by: impl Into<String>, difference: impl Into<String>) -> Self {
        Self { expected_by: expected_by.into(), difference: difference.into(), closeness: 0.0 }
    }

    /// Sets how near it came, from 0 to 1.
    #[must_use]
    pub fn closeness(self, closeness: f64) -> Self {
        // What is no number sorts anywhere.
        Self { closeness: if closeness.is_nan() { 0.0 } else { closeness.clamp(0.0, 1.0) }, ..self }
    }
}

impl std::fmt::Display for NearMiss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.expected_by, self.difference)
    }
}

/// A message that somebody wanted to match and nobody did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Unmatched {
    /// The message.
    pub message: Message,
    /// The how manieth frame of the client it was, as [`ObservedFrame::number`](crate::ObservedFrame::number) has it; 0, if
    /// nobody has counted.
    pub number: u64,
    /// What came nearest, the nearest first: at most [`MOST_NEAR_MISSES`](Self::MOST_NEAR_MISSES). Empty if there was
    /// nothing to compare it with.
    pub near_misses: Vec<NearMiss>,
}

impl Unmatched {
    /// How many near misses are kept of a message.
    pub const MOST_NEAR_MISSES: usize = 5;

    pub(crate) fn new(message: Message) -> Self {
        Self { message, number: 0, near_misses: Vec::new() }
    }

    /// Of equally near ones, the first stays before the later.
    pub(crate) fn add(&mut self, misses: impl IntoIterator<Item = NearMiss>) {
        self.near_misses.extend(misses);
        self.near_misses.sort_by(|a, b| b.closeness.total_cmp(&a.closeness));
        self.near_misses.truncate(Self::MOST_NEAR_MISSES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_kept_in_order() {
        let mut unmatched = Unmatched::new(Message::text("x"));
        let miss = |name: &str, closeness| NearMiss::new(name, "").closeness(closeness);
        unmatched.add([miss("a", 0.1), miss("b", 0.9), miss("c", 0.5)]);
        unmatched.add([miss("d", 0.9), miss("e", f64::NAN), miss("f", 0.2), miss("g", 0.05)]);
        let names: Vec<_> = unmatched.near_misses.iter().map(|miss| miss.expected_by.as_str()).collect();
        assert_eq!(names.len(), Unmatched::MOST_NEAR_MISSES);
        assert_eq!(names[..2], ["b", "d"]);
    }
}
