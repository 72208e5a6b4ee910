//! The messages that nobody took, kept for who asks why: the latest ones, with what came nearest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use ws_core::{Connection, SessionObserver, Unmatched};

/// A message that rules, waits or routes wanted to match and none of them did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UnmatchedMessage {
    /// When it was found that nobody takes it.
    pub at: SystemTime,
    /// The id of the connection that it came on.
    pub connection_id: String,
    /// The path of that connection.
    pub path: String,
    /// The message, and what came nearest.
    pub unmatched: Unmatched,
}

/// Keeps the latest of them, bounded in number and bytes.
#[derive(Debug, Default)]
pub(crate) struct UnmatchedMessages(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    messages: VecDeque<UnmatchedMessage>,
    bytes: usize,
}

impl UnmatchedMessages {
    const MOST: usize = 256;
    /// A single message may have more, and is then the only one.
    const MOST_BYTES: usize = 4 * 1024 * 1024;

    /// All that are kept, the oldest first.
    pub(crate) fn all(&self) -> Vec<UnmatchedMessage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).messages.iter().cloned().collect()
    }

    fn keep(&self, message: UnmatchedMessage) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += size(&message);
        kept.messages.push_back(message);
        while kept.messages.len() > Self::MOST || (kept.bytes > Self::MOST_BYTES && kept.messages.len() > 1) {
            if let Some(oldest) = kept.messages.pop_front() {
                kept.bytes -= size(&oldest);
            }
        }
    }
}

fn size(message: &UnmatchedMessage) -> usize {
    let misses = message.unmatched.near_misses.iter();
    let told: usize = misses.map(|miss| miss.expected_by.len() + miss.difference.len()).sum();
    message.unmatched.message.len() + told
}

impl SessionObserver for UnmatchedMessages {
    fn on_unmatched(&self, connection: &Arc<Connection>, unmatched: &Unmatched) {
        self.keep(UnmatchedMessage {
            at: SystemTime::now(),
            connection_id: connection.id().to_owned(),
            path: connection.path().to_owned(),
            unmatched: unmatched.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;
    use ws_core::engine::SessionContext;
    use ws_core::{Message, NoRooms, WsContext};

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "the unit-test recipe of the documents; nothing is sent")]
    fn context() -> WsContext {
        WsContext::new("c", "/ws", NoRooms, unbounded_channel::<Message>().0)
    }

    fn unmatched(text: String) -> Unmatched {
        let context = context();
        let connection = Arc::clone(context.connection());
        let mut context = SessionContext::new(connection, Arc::new(NoRooms), context.sender());
        context.view().add_near_misses(&Message::text(text), []);
        context.take_unmatched().unwrap()
    }

    fn keep(kept: &UnmatchedMessages, text: String) {
        kept.on_unmatched(context().connection(), &unmatched(text));
    }

    #[test]
    fn the_latest_are_kept() {
        let kept = UnmatchedMessages::default();
        for n in 0..UnmatchedMessages::MOST + 3 {
            keep(&kept, n.to_string());
        }
        let all = kept.all();
        assert_eq!(all.len(), UnmatchedMessages::MOST);
        assert_eq!(all[0].unmatched.message, Message::text("3"));
        assert_eq!((all[0].connection_id.as_str(), all[0].path.as_str()), ("c", "/ws"));
    }

    #[test]
    fn large_ones_push_others_out_but_not_themselves() {
        let kept = UnmatchedMessages::default();
        let large = "x".repeat(UnmatchedMessages::MOST_BYTES);
        keep(&kept, "small".to_owned());
        keep(&kept, large.clone() + "y");
        assert_eq!(kept.all().len(), 1);
        keep(&kept, large);
        assert_eq!(kept.all().len(), 1);
        assert_eq!(kept.0.lock().unwrap().bytes, UnmatchedMessages::MOST_BYTES);
    }
}
