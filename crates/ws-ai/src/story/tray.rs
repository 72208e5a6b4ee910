//! The few events of a story that are written and not taken yet.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::Draft;

/// Stands between who writes a story and who reads it; both are in one task. It holds at most what was asked for.
#[derive(Debug, Default)]
pub(super) struct Tray {
    content: Mutex<Content>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Content {
    drafts: VecDeque<Draft>,
    /// Whether the reader found nothing.
    is_awaited: bool,
}

impl Tray {
    /// The next event, for the reader.
    pub(super) fn take(&self) -> Option<Draft> {
        let mut content = self.lock();
        let draft = content.drafts.pop_front();
        content.is_awaited = draft.is_none();
        drop(content);
        self.changed.notify_one();
        draft
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().drafts.is_empty()
    }

    /// A further event, from the writer.
    pub(super) fn put(&self, draft: Draft) {
        self.lock().drafts.push_back(draft);
    }

    /// Waits until at most `most` events are left.
    pub(super) async fn at_most(&self, most: usize) {
        while self.lock().drafts.len() > most {
            self.changed.notified().await;
        }
    }

    /// Waits until the reader finds nothing.
    pub(super) async fn awaited(&self) {
        loop {
            {
                let content = self.lock();
                if content.drafts.is_empty() && content.is_awaited {
                    return;
                }
            }
            self.changed.notified().await;
        }
    }

    /// The lock is never held across an await, nor while code of others runs.
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
