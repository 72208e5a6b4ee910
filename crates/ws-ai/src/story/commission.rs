//! Events by the passage: for who numbers, stamps and places them himself.

use std::sync::Arc;
use std::time::Duration;

use super::tray::Tray;
use super::writer::{Wish, Writer};
use crate::engine::Engine;
use crate::{AiError, Draft, StoryFacts};

/// One story that is written in passages, each as it is wanted.
pub(crate) struct Commission {
    writer: Writer,
    tray: Arc<Tray>,
}

/// What is wanted: all of it is asked for at once.
#[derive(Debug, Clone)]
pub(crate) struct Passage {
    pub(crate) wanted: usize,
    /// What happened before.
    pub(crate) recent: Vec<Draft>,
    /// What the client has said.
    pub(crate) said: Vec<String>,
    /// How long after the beginning its first event happens.
    pub(crate) starts: Duration,
    /// How long after each event the next one happens.
    pub(crate) step: Duration,
}

impl Commission {
    /// The story `facts`.
    pub(crate) fn new(engine: Arc<Engine>, facts: StoryFacts) -> Self {
        let tray = Arc::<Tray>::default();
        Self { writer: Writer::new(engine, facts, Arc::clone(&tray)), tray }
    }

    /// Writes a passage. Whoever drops this while it runs may ask anew.
    pub(crate) async fn write(&mut self, passage: Passage) -> Result<Vec<Draft>, AiError> {
        while self.tray.take().is_some() {}
        let Passage { wanted, recent, said, starts, step } = passage;
        self.writer.begin_passage(recent, said);
        let mut drafts = Vec::new();
        while drafts.len() < wanted {
            let written = u32::try_from(drafts.len()).unwrap_or(u32::MAX);
            let starts = starts.saturating_add(step.saturating_mul(written));
            if let Err(error) = self.writer.batch(Wish { wanted: wanted - drafts.len(), starts, step }).await {
                self.writer.replace(error)?;
            }
            while let Some(draft) = self.tray.take() {
                drafts.push(draft);
            }
        }
        Ok(drafts)
    }
}
