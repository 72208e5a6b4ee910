//! The members of one room, and the fan-out to them.

use std::sync::Arc;

use indexmap::IndexMap;
use tokio::sync::OwnedSemaphorePermit;
use ws_core::{Fanout, Message, Offered, WhenFull, WsSender};

use crate::slots::Content;

/// The members of one room on this node.
pub(crate) struct Members {
    /// `None` for a connection that joined by its id alone: it is listed, but nothing reaches it. Entries lie side by
    /// side, which a fan-out to thousands feels.
    senders: IndexMap<Arc<str>, Option<WsSender>>,
    fanout: Fanout,
    /// Counts the room against the limit for as long as it lives.
    _permit: OwnedSemaphorePermit,
}

/// What became of one message.
#[derive(Default)]
pub(crate) struct Delivery {
    pub(crate) sent: usize,
    pub(crate) cut: u64,
    pub(crate) skipped: u64,
}

impl Members {
    pub(crate) fn new(permit: OwnedSemaphorePermit) -> Self {
        Self { senders: IndexMap::new(), fanout: Fanout::new(), _permit: permit }
    }

    /// Makes a connection a member; says whether it was none before. The newest sender is the one that counts.
    pub(crate) fn insert(&mut self, connection_id: &Arc<str>, sender: Option<WsSender>) -> bool {
        match self.senders.get_mut(connection_id) {
            Some(known) => {
                if sender.is_some() {
                    *known = sender;
                    self.fanout.regroup();
                }
                false
            }
            None => {
                self.fanout.regroup();
                self.senders.insert(Arc::clone(connection_id), sender).is_none()
            }
        }
    }

    /// Lets what is broadcast reach a member that joined by its id alone.
    pub(crate) fn set_sender(&mut self, connection_id: &str, sender: &WsSender) {
        if let Some(known) = self.senders.get_mut(connection_id) {
            *known = Some(sender.clone());
            self.fanout.regroup();
        }
    }

    /// Ends a membership; says whether there was one.
    pub(crate) fn remove(&mut self, connection_id: &str) -> bool {
        self.fanout.regroup();
        self.senders.swap_remove(connection_id).is_some()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.senders.keys()
    }

    /// Sends to all members. Those that cannot be reached any more are members no longer; `forgotten` gets their ids.
    pub(crate) fn send(
        &mut self,
        message: &Message,
        slow_member: WhenFull,
        mut forgotten: impl FnMut(&str),
    ) -> Delivery {
        let mut delivery = Delivery::default();
        let mut gone = Vec::new();
        let senders = &self.senders;
        let sender = |index| senders.get_index(index).and_then(|(_, sender)| sender.as_ref());
        let refused = |index, offered| match offered {
            Offered::Skipped => delivery.skipped += 1,
            offered => {
                delivery.cut += u64::from(offered == Offered::Cut);
                gone.push(index);
            }
        };
        delivery.sent = self.fanout.send(message.clone(), slow_member, senders.len(), sender, refused);
        // From the last one on, so that the others keep their places until then.
        gone.sort_unstable();
        if !gone.is_empty() {
            self.fanout.regroup();
        }
        for index in gone.into_iter().rev() {
            if let Some((id, _)) = self.senders.swap_remove_index(index) {
                forgotten(&id);
            }
        }
        delivery
    }
}

impl Content for Members {
    fn is_empty(&self) -> bool {
        self.senders.is_empty()
    }
}
