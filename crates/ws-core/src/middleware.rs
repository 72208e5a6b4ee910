//! Looking at messages on their way, before handlers see them and after they have sent them.

use std::sync::Arc;

use crate::{Connection, Message, Origin};

/// What happens to a message that a hook has looked at.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Verdict {
    /// It goes on as it is.
    #[default]
    Pass,
    /// This one goes on instead.
    Replace(Message),
    /// Nothing goes on.
    Drop,
    /// These go on instead, in this order.
    Several(Vec<Message>),
}

/// Pre- and post-processing of the messages of all paths, in the order in which it was added.
///
/// It never sends and never waits: it decides what becomes of one message.
pub trait Middleware: Send + Sync {
    /// Looks at a message from the client before the handlers get it.
    fn on_inbound(&self, connection: &Arc<Connection>, message: &Message) -> Verdict {
        let _ = (connection, message);
        Verdict::Pass
    }

    /// Looks at a message before it goes to the client, after the handlers' own outbound hooks.
    fn on_outbound(&self, connection: &Arc<Connection>, message: &Message, origin: Origin) -> Verdict {
        let _ = (connection, message, origin);
        Verdict::Pass
    }
}

/// Middleware that lets only those messages reach the handlers for which `keep` says so. Pings and pongs are asked about,
/// too.
///
/// ```
/// use ws_core::{Message, inbound_filter};
///
/// let no_spam = inbound_filter(|_, message| !message.as_text().is_some_and(|text| text.contains("spam")));
/// ```
pub fn inbound_filter(
    keep: impl Fn(&Arc<Connection>, &Message) -> bool + Send + Sync + 'static,
) -> impl Middleware + 'static {
    InboundFilter(keep)
}

struct InboundFilter<F>(F);

impl<F: Fn(&Arc<Connection>, &Message) -> bool + Send + Sync> Middleware for InboundFilter<F> {
    fn on_inbound(&self, connection: &Arc<Connection>, message: &Message) -> Verdict {
        if (self.0)(connection, message) { Verdict::Pass } else { Verdict::Drop }
    }
}
