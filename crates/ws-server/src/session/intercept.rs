//! Shows a message to everybody who may change it on its way, and collects what they make of it.

use std::sync::Arc;

use ws_core::engine::Outbound;
use ws_core::{Connection, Message, Middleware, Verdict, WsHandler};

/// A message from the client goes through the middleware in order.
pub(super) fn inbound(
    middleware: &[Arc<dyn Middleware>],
    connection: &Arc<Connection>,
    message: Message,
    deliver: &mut impl FnMut(Message),
) {
    show(middleware, message, &|middleware, message| middleware.on_inbound(connection, message), deliver);
}

/// A message to the client goes through the handlers' hooks, then through the middleware, each in order.
pub(super) fn outbound(
    handlers: &[Arc<dyn WsHandler>],
    middleware: &[Arc<dyn Middleware>],
    connection: &Arc<Connection>,
    Outbound { message, origin }: Outbound,
    deliver: &mut impl FnMut(Outbound),
) {
    let ask_handler =
        |handler: &Arc<dyn WsHandler>, message: &Message| handler.on_outbound(connection, message, origin);
    let ask_middleware =
        |middleware: &Arc<dyn Middleware>, message: &Message| middleware.on_outbound(connection, message, origin);
    show(handlers, message, &ask_handler, &mut |message| {
        show(middleware, message, &ask_middleware, &mut |message| deliver(Outbound::new(message, origin)));
    });
}

/// Each of `viewers` is asked in turn; what one makes of a message is what the next one sees.
fn show<V>(
    viewers: &[V],
    mut message: Message,
    ask: &impl Fn(&V, &Message) -> Verdict,
    deliver: &mut impl FnMut(Message),
) {
    let mut viewers = viewers.iter();
    while let Some(viewer) = viewers.next() {
        match ask(viewer, &message) {
            Verdict::Replace(other) => message = other,
            Verdict::Drop => return,
            Verdict::Several(messages) => {
                return messages.into_iter().for_each(|message| show(viewers.as_slice(), message, ask, deliver));
            }
            _ => {}
        }
    }
    deliver(message);
}
