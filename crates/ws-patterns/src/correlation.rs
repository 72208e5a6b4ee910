//! Correlation: which messages of a session belong together, and which are missing.
//!
//! A correlation watches; it does nothing. It knows no clock: the caller says what time it is.

mod builder;
mod event;
mod key;
mod open;
mod outcome;
mod reason;

use std::num::NonZeroUsize;
use std::time::Duration;

use ws_core::Direction;

use crate::MessageText;

pub use builder::{CorrelationBuilder, CorrelationError};
pub use event::Event;
use key::Key;
pub use open::CorrelationState;
pub use outcome::{Outcome, OutcomeKind};

/// A rule on how the messages of a session belong together, and for how long.
///
/// There are two kinds of duties, each of which is fulfilled or violated once:
/// - [`answered`](Self::answered): each request gets an answer of its own;
/// - [`followed`](Self::followed): after each first event, the second comes sometime;
///
/// and two kinds of happenings, which are fulfilled each time they happen, and then begin anew:
/// - [`counted`](Self::counted): a number of events, perhaps without another in between;
/// - [`absent`](Self::absent): an event does not come for a while.
///
/// The rule itself never changes; what one session has open is a [`CorrelationState`]. Time is a [`Duration`] since any
/// start that the caller likes. It should not go back; a time that does counts as the latest one before it. What has a
/// window of 2 s, and began at 1 s, is in time before 3 s, and at 3 s no longer.
///
/// A session has at most 1,024 events open in one correlation. Each one more makes it forget the oldest, which is an
/// [`Outcome`] of its own.
///
/// ```
/// use std::time::Duration;
/// use ws_core::Direction::{Inbound, Outbound};
/// use ws_patterns::{Correlation, Event, MessagePattern, MessageText, OutcomeKind};
///
/// let second = Duration::from_secs(1);
/// let request = Event::inbound(MessagePattern::jsonpath("$.method")).key("$.id")?;
/// let answer = Event::outbound(MessagePattern::jsonpath("$.result")).key("$.id")?;
/// let answered = Correlation::answered(request, answer).within(2 * second).build()?;
///
/// let mut session = answered.start(Duration::ZERO);
/// for id in [6, 7] {
///     let request = format!(r#"{{"id": {id}, "method": "get"}}"#);
///     assert!(answered.on_message(&mut session, second, Inbound, &MessageText::new(request)).is_empty());
/// }
/// let answer = MessageText::new(r#"{"id": 6, "result": "here"}"#);
/// let outcomes = answered.on_message(&mut session, 2 * second, Outbound, &answer);
/// assert_eq!(outcomes[0].reason(), "request 6 was answered after 1 s");
///
/// assert_eq!(answered.deadline(&session), Some(3 * second));
/// let outcomes = answered.on_time(&mut session, 3 * second);
/// assert_eq!(outcomes[0].kind(), OutcomeKind::Violated);
/// assert_eq!(outcomes[0].reason(), "no answer to request 7 within 2 s");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Correlation {
    rule: Rule,
}

/// No window is zero.
#[derive(Debug, Clone)]
enum Rule {
    Answered { request: Event, answer: Event, window: Option<Duration> },
    Followed { first: Event, then: Event, window: Option<Duration> },
    Counted { of: Event, count: NonZeroUsize, without: Option<Event>, window: Option<Duration> },
    Absent { of: Event, window: Duration },
}

impl Correlation {
    /// A session that begins at the time `now`.
    #[must_use]
    pub fn start(&self, now: Duration) -> CorrelationState {
        let mut state = CorrelationState::new(now);
        if let Rule::Absent { of, .. } = &self.rule
            && !of.has_key()
        {
            state.push(None);
        }
        state
    }

    /// What comes of a message: first what its time brought about, as [`on_time`](Self::on_time), then what the message
    /// itself did.
    #[must_use = "outcomes are told once"]
    pub fn on_message(
        &self,
        state: &mut CorrelationState,
        now: Duration,
        direction: Direction,
        message: &MessageText<'_>,
    ) -> Vec<Outcome> {
        let mut outcomes = self.on_time(state, now);
        let now = state.now();
        match &self.rule {
            Rule::Answered { request, answer, .. } => {
                let answered = answer.key_in(direction, message).and_then(|key| state.take_oldest(key.as_ref()));
                if let Some(open) = answered {
                    outcomes.push(self.happened(open, now));
                } else if let Some(key) = request.key_in(direction, message) {
                    outcomes.extend(self.open(state, key));
                }
            }
            Rule::Followed { first, then, .. } => {
                if let Some(key) = then.key_in(direction, message) {
                    let followed = state.take_all(key.as_ref());
                    outcomes.extend(followed.into_iter().map(|open| self.happened(open, now)));
                }
                if let Some(key) = first.key_in(direction, message) {
                    outcomes.extend(self.open(state, key));
                }
            }
            Rule::Counted { of, count, without, .. } => {
                let reset = without.as_ref().and_then(|without| without.key_in(direction, message));
                if let Some(key) = reset {
                    state.take_all(key.as_ref());
                } else if let Some(key) = of.key_in(direction, message) {
                    outcomes.extend(self.open(state, key.clone()));
                    if state.count(key.as_ref()) >= count.get() {
                        let last = state.take_all(key.as_ref()).pop_back();
                        outcomes.extend(last.map(|open| self.happened(open, now)));
                    }
                }
            }
            Rule::Absent { of, .. } => {
                if let Some(key) = of.key_in(direction, message) {
                    // At most one of each key is open.
                    state.take_oldest(key.as_ref());
                    outcomes.extend(self.open(state, key));
                }
            }
        }
        outcomes
    }

    /// What comes of the time alone: of the windows that have passed, in the order in which they did.
    #[must_use = "outcomes are told once"]
    pub fn on_time(&self, state: &mut CorrelationState, now: Duration) -> Vec<Outcome> {
        let now = state.advance(now);
        let mut outcomes = Vec::new();
        while self.deadline(state).is_some_and(|deadline| deadline <= now)
            && let Some(open) = state.take_first()
        {
            outcomes.extend(self.too_late(open, now));
        }
        outcomes
    }

    /// When the next window ends, and so [`on_time`](Self::on_time) is to be called; `None` if only a message can bring
    /// something about.
    #[must_use]
    pub fn deadline(&self, state: &CorrelationState) -> Option<Duration> {
        // One beyond the end of time never comes.
        state.first()?.since.checked_add(self.window()?)
    }

    /// What comes of the end of the session: duties that are still open will never be fulfilled, and so are violated.
    /// Afterwards nothing is open.
    #[must_use = "outcomes are told once"]
    pub fn finish(&self, state: &mut CorrelationState, now: Duration) -> Vec<Outcome> {
        let mut outcomes = self.on_time(state, now);
        while let Some(open) = state.take_first() {
            outcomes.extend(self.cut_off(open));
        }
        outcomes
    }

    fn window(&self) -> Option<Duration> {
        match &self.rule {
            Rule::Answered { window, .. } | Rule::Followed { window, .. } | Rule::Counted { window, .. } => *window,
            Rule::Absent { window, .. } => Some(*window),
        }
    }

    /// Opens an event, for which the oldest may have to give way.
    fn open(&self, state: &mut CorrelationState, key: Option<Key>) -> Option<Outcome> {
        state.push(key).map(|oldest| self.forgotten(oldest))
    }
}
