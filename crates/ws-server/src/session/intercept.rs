//! Shows a message to everybody who may change it on its way, and collects what they make of it.

use std::sync::Arc;

use ws_core::engine::Outbound;
use ws_core::{Connection, Message, Middleware, Verdict, WsHandler};

/// A message from the client goes through the middleware in order.
pub(super) fn inbound(
    middleware: &[Arc<dyn Middleware>],
    connection: &Arc<Connection>,
    message: Message,
    deliver: &mut dyn FnMut(Message),
) {
    let Some((first, rest)) = middleware.split_first() else { return deliver(message) };
    let verdict = first.on_inbound(connection, &message);
    apply(verdict, message, &mut |message| inbound(rest, connection, message, deliver));
}

/// A message to the client goes through the handlers' hooks, then through the middleware, each in order.
pub(super) fn outbound(
    handlers: &[Arc<dyn WsHandler>],
    middleware: &[Arc<dyn Middleware>],
    connection: &Arc<Connection>,
    Outbound { message, origin }: Outbound,
    deliver: &mut dyn FnMut(Outbound),
) {
    if let Some((first, rest)) = handlers.split_first() {
        let verdict = first.on_outbound(connection, &message, origin);
        apply(verdict, message, &mut |message| {
            outbound(rest, middleware, connection, Outbound::new(message, origin), deliver);
        });
    } else if let Some((first, rest)) = middleware.split_first() {
        let verdict = first.on_outbound(connection, &message, origin);
        apply(verdict, message, &mut |message| {
            outbound(&[], rest, connection, Outbound::new(message, origin), deliver);
        });
    } else {
        deliver(Outbound::new(message, origin));
    }
}

fn apply(verdict: Verdict, message: Message, go_on: &mut dyn FnMut(Message)) {
    match verdict {
        Verdict::Replace(message) => go_on(message),
        Verdict::Drop => {}
        Verdict::Several(messages) => messages.into_iter().for_each(go_on),
        _ => go_on(message),
    }
}
