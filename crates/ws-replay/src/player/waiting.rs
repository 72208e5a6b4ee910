//! What an open wait makes of a message.

use ws_core::NearMiss;
use ws_patterns::{MessagePattern, MessageText};

use super::inbox::Arrived;
use crate::released::Released;
use crate::script::{Expected, Learned, Step, decisive};

/// A message that ends a wait.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) released: Released,
    /// The number of the alternative that it is like.
    pub(super) choice: Option<usize>,
    /// Whether it is what the step waits for; if not, it is only an alternative.
    pub(super) releases: bool,
}

/// What a wait makes of a message, if anything. One that is not `fresh` came before something that was released: only a
/// wait that knows what it wants takes such a message.
pub(super) fn accept(step: &Step, message: &Arrived, fresh: bool, learned: &mut Learned) -> Option<Taken> {
    let expected = step.wait.as_ref().map(|wait| &wait.expected);
    let released = match (expected, message) {
        (Some(Expected::Text(pattern)), Arrived::Text(text)) => pattern.captures(text).map(Released::Text),
        (Some(Expected::Recorded(recorded)), Arrived::Text(text)) if recorded.matches(text, learned) => whole(text),
        (Some(Expected::Binary(bytes)), Arrived::Binary(data)) => {
            let is_it = bytes.as_ref().is_none_or(|bytes| bytes == data);
            is_it.then(|| Released::Binary(data.clone()))
        }
        (Some(Expected::Any), Arrived::Text(text)) if fresh => whole(text),
        (Some(Expected::Any), Arrived::Binary(data)) if fresh => Some(Released::Binary(data.clone())),
        _ => None,
    };
    if let Some(released) = released {
        let choice = message.as_text().and_then(|text| choice(step, text)).map(|(number, _)| number);
        return Some(Taken { released, choice, releases: true });
    }
    let text = message.as_text().filter(|_| fresh)?;
    let (number, pattern) = choice(step, text)?;
    let released = pattern.captures(text).map(Released::Text)?;
    Some(Taken { released, choice: Some(number), releases: step.awaits_answer() })
}

/// Whether a message is word for word what was recorded: then it goes before others that are only like it.
pub(super) fn is_recorded(step: &Step, message: &Arrived) -> bool {
    match (step.wait.as_ref().map(|wait| &wait.expected), message) {
        (Some(Expected::Recorded(recorded)), Arrived::Text(text)) => recorded.is_verbatim(text),
        _ => false,
    }
}

/// How a message differs from each of what the step waits for; `place` is that of the step.
pub(super) fn near_misses(step: &Step, message: &Arrived, learned: &Learned, place: &str) -> Vec<NearMiss> {
    let Some(text) = message.as_text() else {
        return vec![NearMiss::new(place, format!("expected {}, found {}", step.awaited(), message.excerpt()))];
    };
    let expected = step.wait.as_ref().and_then(|wait| match &wait.expected {
        Expected::Text(pattern) => pattern.difference(text),
        Expected::Recorded(recorded) => recorded.difference(text, learned),
        _ => None,
    });
    let others = step.alternatives().iter().filter_map(|other| other.pattern.difference(text));
    let differences = expected.into_iter().chain(others);
    differences.map(|it| NearMiss::new(place, it.text()).closeness(it.closeness())).collect()
}

fn choice<'s>(step: &'s Step, text: &MessageText<'_>) -> Option<(usize, &'s MessagePattern)> {
    decisive(step.alternatives().iter().map(|other| &other.pattern).enumerate(), text)
}

/// A message of which nothing was taken but all of it.
fn whole(text: &MessageText<'_>) -> Option<Released> {
    MessagePattern::any().captures(text).map(Released::Text)
}
