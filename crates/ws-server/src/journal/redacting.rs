//! What the configuration wants redacted is told by nobody: neither by recordings nor by the journal.
//!
//! Patterns are asked of messages as they came, so that a test can wait for one of which a part is secret.

use bytes::Bytes;
use ws_core::{Message, NearMiss};
use ws_replay::Redaction;

use super::event::{EventKind, JournalEvent};

/// What stands in the place of a text in which nothing can be found, as its end is missing.
const CUT: &str = "[redacted: it is cut]";
const HIDDEN: &str = "[redacted]";

/// Replaces in an event what `redactions` find.
pub(super) fn redact(event: &mut JournalEvent, redactions: &[Redaction]) {
    match &mut event.kind {
        EventKind::Message { message, cut, .. } => {
            redact_message(message, *cut, redactions);
        }
        EventKind::Unmatched { message, cut, near_misses, .. } => {
            let has_secret = redact_message(message, *cut, redactions);
            near_misses.iter_mut().filter(|_| has_secret).for_each(hide);
        }
        EventKind::Error { text } | EventKind::End { reason: Some(text), .. } => redact_text(text, redactions),
        EventKind::Open { subprotocol, query, headers, .. } => {
            let texts = subprotocol.iter_mut().chain(query).chain(headers.values_mut());
            texts.for_each(|text| redact_text(text, redactions));
        }
        _ => {}
    }
    event.path.iter_mut().for_each(|path| redact_text(path, redactions));
}

/// Replaces in a text what `redactions` find.
pub(crate) fn redact_text(text: &mut String, redactions: &[Redaction]) {
    if let Some(redacted) = Redaction::apply(redactions, text) {
        *text = redacted;
    }
}

/// It shows parts of the message.
fn hide(miss: &mut NearMiss) {
    HIDDEN.clone_into(&mut miss.difference);
}

/// Whether there was something to replace.
fn redact_message(message: &mut Message, cut: bool, redactions: &[Redaction]) -> bool {
    let text = match &*message {
        Message::Text(text) => Some(&**text),
        Message::Binary(data) | Message::Ping(data) | Message::Pong(data) => std::str::from_utf8(data).ok(),
        Message::Close(frame) => frame.as_ref().map(|frame| &*frame.reason),
    };
    let redacted = match text {
        Some(_) if cut => Some(CUT.to_owned()),
        Some(text) => Redaction::apply(redactions, text),
        None => None,
    };
    let Some(redacted) = redacted else { return false };
    match message {
        Message::Text(text) => *text = redacted.into(),
        Message::Binary(data) | Message::Ping(data) | Message::Pong(data) => *data = Bytes::from(redacted),
        Message::Close(Some(frame)) => frame.reason = redacted.into(),
        Message::Close(None) => {}
    }
    true
}
