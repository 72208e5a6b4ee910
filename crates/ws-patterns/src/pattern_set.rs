//! Many patterns at once: which of them match a message, without trying all of them.

mod json_index;
mod nearest;
mod text_index;

use std::fmt;

use json_index::{JsonIndex, JsonIndexBuilder};
use nearest::Hint;
use text_index::{TextIndex, TextIndexBuilder};

use crate::pattern::Requirement;
use crate::{Difference, MessagePattern, MessageText};

/// The number of a pattern in its set.
type Number = u32;

/// Patterns, numbered from 0, that decide about messages together.
///
/// It finds what trying one pattern after the other would find, but looks at few of them: exact texts, the literals of
/// regular expressions, and the values that JSON patterns want at a place are looked up. What has none of these (`any`,
/// `\d+`, `$..id`) is tried each time.
///
/// ```
/// use ws_patterns::{MessagePattern, PatternSet};
///
/// let set = PatternSet::new([
///     MessagePattern::exact("ping"),
///     MessagePattern::regex("^/join (.+)$")?,
///     r#"$.type:"order""#.parse()?,
///     MessagePattern::any(),
/// ]);
/// assert_eq!(set.matches(&r#"{"type":"order"}"#.into()).collect::<Vec<_>>(), [2, 3]);
/// assert_eq!(set.matches(&"/join lobby".into()).next(), Some(1));
/// # Ok::<(), ws_core::HandlerError>(())
/// ```
#[derive(Clone)]
pub struct PatternSet {
    patterns: Vec<MessagePattern>,
    hints: Vec<Hint>,
    texts: TextIndex,
    json: JsonIndex,
    /// What no index knows, in ascending order.
    others: Vec<Number>,
}

impl PatternSet {
    /// Indexes the patterns; the first has the number 0.
    pub fn new(patterns: impl IntoIterator<Item = MessagePattern>) -> Self {
        let patterns: Vec<MessagePattern> = patterns.into_iter().collect();
        let mut texts = TextIndexBuilder::default();
        let mut json = JsonIndexBuilder::default();
        let mut others = Vec::new();
        let mut hints = Vec::with_capacity(patterns.len());
        for (number, pattern) in (0..).zip(&patterns) {
            let requirement = pattern.requirement();
            hints.push(Hint::of(&requirement));
            match requirement {
                Requirement::Nothing => others.push(number),
                Requirement::Impossible => {}
                Requirement::Text(text) => texts.add_exact(text, number),
                Requirement::Literals(literals) => {
                    if !texts.add_literals(literals, number) {
                        others.push(number);
                    }
                }
                Requirement::Json(pins) => json.add(pins, number),
                Requirement::JsonUnlessObject(pins) => json.add_unless_object(pins, number),
            }
        }
        let (texts, not_indexed) = texts.build();
        others.extend(not_indexed);
        others.sort_unstable();
        Self { texts, json: json.build(), others, hints, patterns }
    }

    /// The numbers of the patterns that match, in ascending order. Each is tried when it is asked for: who wants only the
    /// first pays only for that.
    pub fn matches<'s>(&'s self, message: &'s MessageText<'_>) -> impl Iterator<Item = usize> + 's {
        let candidates = self.candidates(message).into_iter().map(|number| number as usize);
        candidates.filter(move |number| self.patterns[*number].matches_text(message))
    }

    /// The patterns that may match, in ascending order.
    fn candidates(&self, message: &MessageText<'_>) -> Vec<Number> {
        let mut found = self.others.clone();
        self.texts.find(message.as_str(), &mut found);
        if !self.json.is_empty()
            && let Some(json) = message.json()
        {
            self.json.find(json, &mut found);
        }
        // Stable, since it makes use of the runs that are in order already.
        found.sort();
        found.dedup();
        found
    }

    /// The patterns that a message nearly matches, nearest first, at most `most`, with what is different.
    ///
    /// The work is bounded: of the first 4,096 patterns, and those that an index finds, the 64 that look nearest (fewer
    /// for a long message) are compared in full.
    #[must_use]
    pub fn nearest(&self, message: &MessageText<'_>, most: usize) -> Vec<(usize, Difference)> {
        let compared = self.promising(message).into_iter().filter_map(|number| {
            let number = number as usize;
            Some((number, self.patterns[number].difference(message)?))
        });
        let mut nearest: Vec<_> = compared.collect();
        nearest.sort_by(|(left, near), (right, nearer)| {
            nearer.closeness().total_cmp(&near.closeness()).then(left.cmp(right))
        });
        nearest.truncate(most);
        nearest
    }

    /// The pattern of this number.
    ///
    /// # Panics
    /// If there is none, as with the index of a slice.
    #[must_use]
    pub fn pattern(&self, number: usize) -> &MessagePattern {
        &self.patterns[number]
    }

    /// How many patterns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there is no pattern.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}

impl Default for PatternSet {
    fn default() -> Self {
        Self::new([])
    }
}

impl FromIterator<MessagePattern> for PatternSet {
    fn from_iter<I: IntoIterator<Item = MessagePattern>>(patterns: I) -> Self {
        Self::new(patterns)
    }
}

/// The patterns alone.
impl fmt::Debug for PatternSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.patterns).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns of all kinds that can be looked up, and messages that match one each.
    fn pattern(n: usize) -> MessagePattern {
        let written = match n % 6 {
            0 => format!("^/command-{n} "),
            1 => format!("say word-{n}!"),
            2 => format!("$.type:\"event-{n}\""),
            3 => format!("$.field-{n}").replace("$.", "$['") + "'][*].x",
            4 => return MessagePattern::json_subset(serde_json::json!({"type": "order", "user": {"id": n}})),
            _ => return MessagePattern::exact(format!("text {n}")),
        };
        written.parse().unwrap()
    }

    fn message(n: usize) -> String {
        match n % 6 {
            0 => format!("/command-{n} now"),
            1 => format!("you say word-{n}!"),
            2 => format!("{{\"type\":\"event-{n}\"}}"),
            3 => format!("{{\"field-{n}\":[{{\"x\":1}}]}}"),
            4 => format!("{{\"type\":\"order\",\"user\":{{\"id\":{n}}}}}"),
            _ => format!("text {n}"),
        }
    }

    /// Not time, which depends on the machine, but how many patterns are tried.
    #[test]
    fn few_patterns_of_a_large_set_are_tried() {
        for size in [60, 600, 3_000] {
            let set = PatternSet::new((0..size).map(pattern));
            for n in (0..size).step_by(size / 60 + 1) {
                let text = message(n);
                let message = MessageText::new(text.as_str());
                assert_eq!(set.matches(&message).collect::<Vec<_>>(), [n], "{text}");
                assert_eq!(set.candidates(&message), [n as Number], "{text}, of {size} patterns");
            }
        }
    }

    /// What has nothing to be looked up is tried each time, and JSON is parsed only if some pattern needs it.
    #[test]
    fn the_rest_is_tried_each_time() {
        let set = PatternSet::new([r"\d+", "x", "", "$..a"].map(|text| text.parse().unwrap()));
        assert_eq!(set.candidates(&"text".into()), [0, 1, 2]);
        assert_eq!(set.candidates(&"{}".into()), [0, 1, 2, 3]);
        let parsed = MessageText::parsed_as("not JSON", serde_json::json!({"a": 1}));
        assert_eq!(set.matches(&parsed).collect::<Vec<_>>(), [2, 3]);
        let texts = PatternSet::new([MessagePattern::exact("{}")]);
        assert_eq!(texts.matches(&parsed).next(), None);
    }

    #[cfg(feature = "json-schema")]
    #[test]
    fn schemas_are_looked_up_by_what_they_demand() {
        let of = |kind: &str| {
            let schema = serde_json::json!({
                "type": "object",
                "required": ["head"],
                "properties": {
                    "head": {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": [kind, "all"]}}},
                },
            });
            MessagePattern::json_schema(&schema).unwrap()
        };
        let set = PatternSet::new([of("a"), of("b"), of("c")]);
        assert_eq!(set.candidates(&r#"{"head":{"kind":"b"}}"#.into()), [1]);
        assert_eq!(set.candidates(&r#"{"head":{"kind":"all"}}"#.into()), [0, 1, 2]);
        assert!(set.candidates(&r#"{"head":{}}"#.into()).is_empty());
        assert!(set.candidates(&"[]".into()).is_empty());
    }

    #[test]
    fn of_a_large_set_few_patterns_are_compared() {
        let set = PatternSet::new((0..4_400).map(pattern));
        assert_eq!(set.promising(&"text".into()).len(), 64);
        assert_eq!(set.promising(&"text".repeat(100_000).as_str().into()).len(), 10);
        assert_eq!(set.promising(&"text".repeat(1 << 20).as_str().into()).len(), 8);
        // Also one that is beyond those that are estimated, if an index finds it.
        assert_eq!(set.promising(&"you say word-4399!".into())[0], 4399);
    }
}
