//! Shows a message to everybody who may change it on its way, and collects what they make of it.

use std::borrow::Cow;
use std::sync::Arc;

use ws_core::{Connection, Message, Middleware, Origin, Verdict, WsHandler};

/// A message from the client goes through the middleware in order.
pub(super) fn inbound(
    middleware: &[Arc<dyn Middleware>],
    connection: &Arc<Connection>,
    message: Message,
    deliver: &mut impl FnMut(Message),
) {
    let ask = |middleware: &Arc<dyn Middleware>, message: &Message| middleware.on_inbound(connection, message);
    show(middleware, Cow::Owned(message), &ask, &mut |message| deliver(message.into_owned()));
}

/// A message to the client goes through the handlers' hooks, then through the middleware, each in order. It is borrowed still if
/// nobody has made anything else of it.
pub(super) fn outbound(
    handlers: &[Arc<dyn WsHandler>],
    middleware: &[Arc<dyn Middleware>],
    connection: &Arc<Connection>,
    message: &Message,
    origin: Origin,
    deliver: &mut impl FnMut(Cow<'_, Message>),
) {
    let ask_handler =
        |handler: &Arc<dyn WsHandler>, message: &Message| handler.on_outbound(connection, message, origin);
    let ask_middleware =
        |middleware: &Arc<dyn Middleware>, message: &Message| middleware.on_outbound(connection, message, origin);
    show(handlers, Cow::Borrowed(message), &ask_handler, &mut |message| {
        show(middleware, message, &ask_middleware, deliver);
    });
}

/// Each of `viewers` is asked in turn; what one makes of a message is what the next one sees.
fn show<V>(
    viewers: &[V],
    mut message: Cow<'_, Message>,
    ask: &impl Fn(&V, &Message) -> Verdict,
    deliver: &mut impl FnMut(Cow<'_, Message>),
) {
    let mut viewers = viewers.iter();
    while let Some(viewer) = viewers.next() {
        match ask(viewer, &message) {
            Verdict::Replace(other) => message = Cow::Owned(other),
            Verdict::Drop => return,
            Verdict::Several(messages) => {
                let shown = |message| show(viewers.as_slice(), Cow::Owned(message), ask, deliver);
                return messages.into_iter().for_each(shown);
            }
            _ => {}
        }
    }
    deliver(message);
}
