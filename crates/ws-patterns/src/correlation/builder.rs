//! Putting a correlation together, and refusing those that could not mean anything.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::open::MAX_OPEN;
use super::{Correlation, Event, Rule};

/// A definition of a [`Correlation`] that is being written.
#[must_use = "a definition is of use once it is built"]
#[derive(Debug, Clone)]
pub struct CorrelationBuilder {
    draft: Draft,
    without: Option<Event>,
    within: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Draft {
    Answered { request: Event, answer: Event },
    Followed { first: Event, then: Event },
    Counted { of: Event, count: usize },
    Absent { of: Event },
}

/// Why a definition is no correlation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorrelationError {
    /// No time at all was given for something to happen.
    #[error("a window takes no time; it needs more than 0")]
    NoTime,
    /// An absence was not told how long it takes.
    #[error("an absence needs a window: for how long the event does not come")]
    NoWindow,
    /// No event is to be counted, or more than are remembered.
    #[error("cannot count to {count}; what can be counted is 1 to {}", MAX_OPEN)]
    Count {
        /// The number that was given.
        count: usize,
    },
    /// Only what is counted can be counted without something else.
    #[error("`without` belongs to what is counted only")]
    Without,
    /// The event that ends the other has a key, and the other has none to compare with.
    #[error("{ending} has a key, and {begun}, which it is to belong to, has none")]
    LoneKey {
        /// The event without a key.
        begun: String,
        /// The event with a key.
        ending: String,
    },
}

impl Correlation {
    /// Each `request` gets an `answer` of its own: the next one with the same key. Without a key, an answer answers the
    /// oldest request. A message that is an answer and answers something is no request, too. An answer that nobody asked
    /// for is no matter. Without a window, an answer may take as long as the session.
    pub fn answered(request: Event, answer: Event) -> CorrelationBuilder {
        CorrelationBuilder::new(Draft::Answered { request, answer })
    }

    /// After each `first`, a `then` comes, with the same key if it has one. One `then` ends all that came before it. A
    /// message may be both: the end of one, and the beginning of the next. Without a window, it may take as long as the
    /// session.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ws_core::Direction::Inbound;
    /// use ws_patterns::{Correlation, Event, MessagePattern, MessageText};
    ///
    /// // A heartbeat follows each heartbeat.
    /// let heartbeat = Event::inbound(MessagePattern::exact("ping"));
    /// let beating = Correlation::followed(heartbeat.clone(), heartbeat).within(Duration::from_secs(30)).build()?;
    ///
    /// let mut session = beating.start(Duration::ZERO);
    /// let ping = MessageText::new("ping");
    /// assert!(beating.on_message(&mut session, Duration::ZERO, Inbound, &ping).is_empty());
    /// assert!(beating.on_message(&mut session, Duration::from_secs(29), Inbound, &ping)[0].is_fulfilled());
    /// assert!(!beating.on_time(&mut session, Duration::from_secs(59))[0].is_fulfilled());
    /// # Ok::<(), ws_patterns::CorrelationError>(())
    /// ```
    pub fn followed(first: Event, then: Event) -> CorrelationBuilder {
        CorrelationBuilder::new(Draft::Followed { first, then })
    }

    /// `of` comes `count` times, 1 to 1,024; with a key, that often for one key. With a window, those within any such
    /// time count; with [`without`](CorrelationBuilder::without), those since that event.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ws_core::Direction::Inbound;
    /// use ws_patterns::{Correlation, Event, MessagePattern, MessageText};
    ///
    /// let failed = Event::inbound(MessagePattern::regex("^FAILED (.+)")?).key("1")?;
    /// let logged_in = Event::inbound(MessagePattern::regex("^LOGGED IN (.+)")?).key("1")?;
    /// let guessing = Correlation::counted(failed, 2).without(logged_in).within(Duration::from_secs(60)).build()?;
    ///
    /// let mut session = guessing.start(Duration::ZERO);
    /// let mut fulfilled = 0;
    /// for (at, text) in [(0, "FAILED ann"), (1, "FAILED bob"), (2, "LOGGED IN ann"), (3, "FAILED ann"), (4, "FAILED bob")] {
    ///     let outcomes = guessing.on_message(&mut session, Duration::from_secs(at), Inbound, &MessageText::new(text));
    ///     fulfilled += outcomes.len();
    ///     assert!(outcomes.iter().all(|outcome| outcome.key() == Some(&"bob".into())));
    /// }
    /// assert_eq!(fulfilled, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn counted(of: Event, count: usize) -> CorrelationBuilder {
        CorrelationBuilder::new(Draft::Counted { of, count })
    }

    /// `of` does not come for a whole window, which this needs: since it last came or, without a key, since the session
    /// began. It is told once, until the event has come again.
    pub fn absent(of: Event) -> CorrelationBuilder {
        CorrelationBuilder::new(Draft::Absent { of })
    }
}

impl CorrelationBuilder {
    fn new(draft: Draft) -> Self {
        Self { draft, without: None, within: None }
    }

    /// How much time there is. At its end it is too late.
    pub fn within(self, window: Duration) -> Self {
        Self { within: Some(window), ..self }
    }

    /// An event that makes a count begin anew: of its key or, if it has none, of all. A message that is both is not
    /// counted.
    pub fn without(self, event: Event) -> Self {
        Self { without: Some(event), ..self }
    }

    /// The correlation.
    ///
    /// # Errors
    /// [`CorrelationError`] if the window is zero, or missing where it is needed, if what is counted is nothing or too
    /// much, if there is a `without` but no count, or if an event has a key to belong to another that has none.
    pub fn build(self) -> Result<Correlation, CorrelationError> {
        if self.within.is_some_and(|window| window.is_zero()) {
            return Err(CorrelationError::NoTime);
        }
        if self.without.is_some() && !matches!(self.draft, Draft::Counted { .. }) {
            return Err(CorrelationError::Without);
        }
        let window = self.within;
        let rule = match self.draft {
            Draft::Answered { request, answer } => {
                both_keys(&request, Some(&answer))?;
                Rule::Answered { request, answer, window }
            }
            Draft::Followed { first, then } => {
                both_keys(&first, Some(&then))?;
                Rule::Followed { first, then, window }
            }
            Draft::Counted { of, count } => {
                both_keys(&of, self.without.as_ref())?;
                let possible = NonZeroUsize::new(count).filter(|count| count.get() <= MAX_OPEN);
                let count = possible.ok_or(CorrelationError::Count { count })?;
                Rule::Counted { of, count, without: self.without, window }
            }
            Draft::Absent { of } => Rule::Absent { of, window: window.ok_or(CorrelationError::NoWindow)? },
        };
        Ok(Correlation { rule })
    }
}

/// An event that ends what another began can only have a key if the other has one.
fn both_keys(begun: &Event, ending: Option<&Event>) -> Result<(), CorrelationError> {
    match ending {
        Some(ending) if ending.has_key() && !begun.has_key() => {
            Err(CorrelationError::LoneKey { begun: begun.to_string(), ending: ending.to_string() })
        }
        _ => Ok(()),
    }
}
