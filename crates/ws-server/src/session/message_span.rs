//! The span of one message, which says how the message came out, also where nobody is left to say it.

use std::fmt::Display;

use tracing::Span;
use tracing::span::Entered;
use ws_core::{Direction, Message};
use ws_metrics::{create_ws_message_span, record_ws_message_failure, record_ws_message_success};

/// The span of a text or binary message; of other messages, and where nobody wants it, none.
pub(super) struct MessageSpan {
    span: Span,
    size: usize,
}

impl MessageSpan {
    pub(super) fn of(direction: Direction, message: &Message) -> Self {
        let span = if message.is_data() { create_ws_message_span(direction, message) } else { Span::none() };
        Self { span, size: message.len() }
    }

    /// From here on until what this returns is dropped, all happens in the span.
    pub(super) fn enter(&self) -> Entered<'_> {
        self.span.enter()
    }

    /// The message came through.
    pub(super) fn succeed(mut self) {
        record_ws_message_success(&self.take(), self.size);
    }

    /// It did not, or not in the way it should.
    pub(super) fn fail(mut self, failure: &dyn Display) {
        record_ws_message_failure(&self.take(), self.size, failure);
    }

    fn take(&mut self) -> Span {
        std::mem::replace(&mut self.span, Span::none())
    }
}

impl Drop for MessageSpan {
    /// The connection has ended while handlers were at it, or one of them has panicked.
    fn drop(&mut self) {
        if !self.span.is_none() {
            record_ws_message_failure(&self.span, self.size, &"it was cut short");
        }
    }
}
