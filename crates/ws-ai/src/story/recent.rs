//! The last events of a story.

use std::collections::VecDeque;

use crate::Draft;

/// The most events that are remembered.
const MOST_EVENTS: usize = 8;
/// The most bytes of them, as JSON, that go into a request.
const MOST_BYTES: usize = 4 * 1024;
/// How far back an event counts as repeated. Further back, it is chance: a die has six sides.
const REPETITION: usize = 2;

/// The last events of a story: what follows continues them, and does not repeat them.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Draft>);

impl Recent {
    /// The last of `drafts`.
    pub(super) fn of(drafts: Vec<Draft>) -> Self {
        let mut recent = Self::default();
        drafts.into_iter().for_each(|draft| recent.add(draft));
        recent
    }

    pub(super) fn add(&mut self, draft: Draft) {
        if self.0.len() == MOST_EVENTS {
            self.0.pop_front();
        }
        self.0.push_back(draft);
    }

    /// Whether `draft` was there shortly before.
    pub(super) fn repeats(&self, draft: &Draft) -> bool {
        self.0.iter().rev().take(REPETITION).any(|recent| recent == draft)
    }

    /// Those that fit into a request, the latest at the end.
    pub(super) fn fitting(&self) -> Vec<Draft> {
        let mut left = MOST_BYTES;
        let fits = |draft: &&Draft| {
            let length = draft.kind.len() + draft.data.to_string().len();
            left.checked_sub(length).map(|rest| left = rest).is_some()
        };
        let mut fitting: Vec<Draft> = self.0.iter().rev().take_while(fits).cloned().collect();
        fitting.reverse();
        fitting
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draft(n: usize, length: usize) -> Draft {
        Draft { kind: "t".to_owned(), data: json!({ "n": n, "text": "x".repeat(length) }) }
    }

    #[test]
    fn the_last_events_that_fit_go_into_a_request() {
        let recent = Recent::of((0..12).map(|n| draft(n, 1)).collect());
        assert_eq!(recent.fitting(), (4..12).map(|n| draft(n, 1)).collect::<Vec<_>>());
        assert!(recent.repeats(&draft(10, 1)) && recent.repeats(&draft(11, 1)) && !recent.repeats(&draft(9, 1)));
        let large = Recent::of((0..8).map(|n| draft(n, 1900)).collect());
        assert_eq!(large.fitting(), [draft(6, 1900), draft(7, 1900)]);
        assert_eq!(Recent::of(vec![draft(0, 1), draft(1, 5000)]).fitting(), []);
    }
}
