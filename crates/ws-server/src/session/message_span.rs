//! The span of one message, which says how the message came out, also where nobody is left to say it.

use std::fmt::Display;

use tracing::span::Entered;
use tracing::{Level, Span, level_enabled};
use ws_core::{Direction, Message};
use ws_metrics::{create_ws_message_span, record_ws_message_failure, record_ws_message_success};

/// The span of a text or binary message; of other messages, and where nobody wants it, none.
pub(super) struct MessageSpan(Option<Box<Recorded>>);

struct Recorded {
    span: Span,
    size: usize,
}

impl MessageSpan {
    /// Whether anybody may want one.
    #[inline]
    pub(super) fn is_wanted() -> bool {
        level_enabled!(Level::DEBUG)
    }

    pub(super) fn of(direction: Direction, message: &Message) -> Self {
        if !Self::is_wanted() || !message.is_data() {
            return Self(None);
        }
        let span = create_ws_message_span(direction, message);
        Self((!span.is_disabled()).then(|| Box::new(Recorded { span, size: message.len() })))
    }

    /// From here on until what this returns is dropped, all happens in the span.
    pub(super) fn enter(&self) -> Option<Entered<'_>> {
        self.0.as_ref().map(|recorded| recorded.span.enter())
    }

    /// The message came through, or it did not.
    pub(super) fn came_to<E: Display>(self, outcome: &Result<(), E>) {
        match outcome {
            Ok(()) => self.succeed(),
            Err(failure) => self.fail(failure),
        }
    }

    /// The message came through.
    pub(super) fn succeed(mut self) {
        if let Some(recorded) = self.0.take() {
            record_ws_message_success(&recorded.span, recorded.size);
        }
    }

    /// It did not, or not in the way it should.
    pub(super) fn fail(mut self, failure: &dyn Display) {
        if let Some(recorded) = self.0.take() {
            record_ws_message_failure(&recorded.span, recorded.size, failure);
        }
    }
}

impl Drop for MessageSpan {
    /// The connection has ended while handlers were at it, or one of them has panicked.
    fn drop(&mut self) {
        if let Some(recorded) = &self.0 {
            record_ws_message_failure(&recorded.span, recorded.size, &"it was cut short");
        }
    }
}
