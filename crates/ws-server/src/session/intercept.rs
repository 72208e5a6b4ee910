//! Shows a message to everybody who may change it on its way, and collects what they make of it.

use std::sync::Arc;

use ws_core::{Connection, Message, Middleware, Origin, SharedMessages, Verdict};

use super::chain::Metered;

/// A message from the client goes through the middleware in order. Gives back what they make of it, unless all of them leave it
/// as it is.
pub(super) fn inbound(
    middleware: &[Arc<dyn Middleware>],
    connection: &Arc<Connection>,
    message: &Message,
) -> Option<Vec<Message>> {
    show(middleware, message, &|middleware, message| middleware.on_inbound(connection, message))
}

/// How far messages to the client have come on their way through hooks and middleware.
#[derive(Default)]
pub(super) struct Shown {
    /// How many were shown to somebody, be it that he panicked at the last one.
    pub(super) begun: usize,
    /// How many of these all have left as they are.
    pub(super) passed: usize,
}

/// Shows messages that others get, too, until somebody makes something else of one; that is what this gives back.
pub(super) fn outbound_run(
    handlers: &[Metered],
    middleware: &[Arc<dyn Middleware>],
    connection: &Arc<Connection>,
    messages: SharedMessages<'_>,
    origin: Origin,
    shown: &mut Shown,
) -> Option<Vec<Message>> {
    for message in messages.iter() {
        shown.begun += 1;
        let made = outbound(handlers, middleware, connection, message, origin);
        if made.is_some() {
            return made;
        }
        shown.passed += 1;
    }
    None
}

/// A message to the client goes through the handlers' hooks, then through the middleware, each in order. Gives back what they
/// make of it, unless all of them leave it as it is.
// Always: for most messages the calls would cost as much as the looking.
#[inline(always)]
pub(super) fn outbound(
    handlers: &[Metered],
    middleware: &[Arc<dyn Middleware>],
    connection: &Arc<Connection>,
    message: &Message,
    origin: Origin,
) -> Option<Vec<Message>> {
    let ask_handler = |metered: &Metered, message: &Message| metered.handler.on_outbound(connection, message, origin);
    let ask_middleware =
        |middleware: &Arc<dyn Middleware>, message: &Message| middleware.on_outbound(connection, message, origin);
    match show(handlers, message, &ask_handler) {
        None => show(middleware, message, &ask_middleware),
        Some(messages) => Some(show_all(middleware, messages, &ask_middleware)),
    }
}

/// Each of `viewers` is asked in turn; what one makes of a message is what the next one sees.
#[inline(always)]
fn show<V>(viewers: &[V], message: &Message, ask: &impl Fn(&V, &Message) -> Verdict) -> Option<Vec<Message>> {
    let mut viewers = viewers.iter();
    while let Some(viewer) = viewers.next() {
        match ask(viewer, message) {
            Verdict::Pass => {}
            verdict => return Some(made(verdict, message, viewers.as_slice(), ask)),
        }
    }
    None
}

/// What `viewers` make of what one before them has made of `message`.
#[cold]
fn made<V>(verdict: Verdict, message: &Message, viewers: &[V], ask: &impl Fn(&V, &Message) -> Verdict) -> Vec<Message> {
    let messages = match verdict {
        Verdict::Replace(other) => vec![other],
        Verdict::Drop => Vec::new(),
        Verdict::Several(messages) => messages,
        _ => vec![message.clone()],
    };
    show_all(viewers, messages, ask)
}

#[cold]
fn show_all<V>(viewers: &[V], messages: Vec<Message>, ask: &impl Fn(&V, &Message) -> Verdict) -> Vec<Message> {
    let shown = |message| show(viewers, &message, ask).unwrap_or_else(|| vec![message]);
    messages.into_iter().flat_map(shown).collect()
}
