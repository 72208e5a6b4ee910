//! What each end of an event is to the correlation, in words for people.

use std::time::Duration;

use super::open::{MAX_OPEN, Open};
use super::{Correlation, Key, Outcome, OutcomeKind, Rule};
use crate::span_in_words::SpanInWords;

impl Correlation {
    /// What the correlation describes has happened at the time `now`, for the event that was open.
    pub(super) fn happened(&self, open: Open, now: Duration) -> Outcome {
        let took = SpanInWords(now.saturating_sub(open.since));
        let what = self.opened(open.key.as_ref());
        let reason = match &self.rule {
            Rule::Answered { .. } => format!("{what} was answered after {took}"),
            Rule::Followed { then, .. } => format!("{then} came {took} after {what}"),
            Rule::Counted { count, without, .. } => {
                let without = without.as_ref().map(|event| format!(" without {event}")).unwrap_or_default();
                format!("{count} times {what}{without}{}", self.within())
            }
            Rule::Absent { window, .. } => format!("no {what} for {}", SpanInWords(*window)),
        };
        Outcome::new(OutcomeKind::Fulfilled, open.key, reason)
    }

    /// The window has passed.
    pub(super) fn too_late(&self, open: Open, now: Duration) -> Option<Outcome> {
        let what = self.opened(open.key.as_ref());
        let reason = match &self.rule {
            Rule::Answered { .. } => format!("no answer to {what}{}", self.within()),
            Rule::Followed { then, .. } => format!("no {then}{} after {what}", self.within()),
            // It counts no longer.
            Rule::Counted { .. } => return None,
            Rule::Absent { .. } => return Some(self.happened(open, now)),
        };
        Some(Outcome::new(OutcomeKind::Violated, open.key, reason))
    }

    /// The session has ended before the window did.
    pub(super) fn cut_off(&self, open: Open) -> Option<Outcome> {
        let what = self.opened(open.key.as_ref());
        let reason = match &self.rule {
            Rule::Answered { .. } => format!("no answer to {what} before the session ended"),
            Rule::Followed { then, .. } => format!("no {then} after {what} before the session ended"),
            Rule::Counted { .. } | Rule::Absent { .. } => return None,
        };
        Some(Outcome::new(OutcomeKind::Violated, open.key, reason))
    }

    /// It had to give way to newer ones.
    pub(super) fn forgotten(&self, open: Open) -> Outcome {
        let what = self.opened(open.key.as_ref());
        let reason = format!("{what} was forgotten: more than {MAX_OPEN} are open");
        Outcome::new(OutcomeKind::Forgotten, open.key, reason)
    }

    /// What is open, with its key.
    fn opened(&self, key: Option<&Key>) -> String {
        let event = match &self.rule {
            Rule::Answered { .. } => return key.map_or("the request".to_owned(), |key| format!("request {key}")),
            Rule::Followed { first: event, .. } | Rule::Counted { of: event, .. } | Rule::Absent { of: event, .. } => {
                event
            }
        };
        match key {
            Some(key) => format!("{event} of {key}"),
            None => event.to_string(),
        }
    }

    fn within(&self) -> String {
        self.window().map(|window| format!(" within {}", SpanInWords(window))).unwrap_or_default()
    }
}
