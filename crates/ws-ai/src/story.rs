//! The events of one client.

mod commission;
mod intake;
mod listener;
mod patience;
mod recent;
mod tray;
mod writer;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::engine::Engine;
use crate::{AiError, AiEvent, StoryFacts};
pub(crate) use commission::{Commission, Passage};
pub use listener::Listener;
use tray::Tray;
use writer::Writer;

/// The events of one client, as they are written. It has no pace: it gives what is there.
///
/// It ends after its last event, or with an error after the last one that could be written. Dropping it stops the call of the
/// provider that is open. No task is behind it: while nobody polls it, nothing is written.
///
/// ```
/// use futures_util::TryStreamExt;
/// use ws_ai::{AiEventGenerator, WebSocketAiConfig};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ws_ai::AiError> {
/// let narrative = "a busy stock market with AAPL and TSLA".to_owned();
/// let config = WebSocketAiConfig { narrative, event_count: 3, seed: Some(7), ..Default::default() };
/// let events: Vec<_> = AiEventGenerator::new(config)?.story().try_collect().await?;
/// assert_eq!(events.len(), 3);
/// assert_eq!(events[2].sequence, 3);
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct Story {
    engine: Arc<Engine>,
    facts: StoryFacts,
    tray: Arc<Tray>,
    listener: Listener,
    /// `None`: it is written, or has failed.
    writing: Option<BoxFuture<'static, Result<(), AiError>>>,
    failure: Option<AiError>,
    timeline: Timeline,
    sequence: u64,
}

/// When the events of a story happen.
#[derive(Debug, Clone, Copy)]
struct Timeline {
    rate: f64,
}

impl Timeline {
    /// How long after the beginning the event `sequence` happens.
    fn passed(self, sequence: u64) -> Duration {
        Duration::try_from_secs_f64(sequence.saturating_sub(1) as f64 / self.rate).unwrap_or(Duration::MAX)
    }
}

impl Story {
    /// The story `facts`, of so many events, `None`: without end. The rate is what its times follow from, if the clock is
    /// not the real one.
    pub(crate) fn begin(engine: Arc<Engine>, facts: StoryFacts, count: Option<u64>, rate: f64) -> Self {
        let (tray, timeline) = (Arc::<Tray>::default(), Timeline { rate });
        let listener = if engine.config.progressive_evolution { Listener::attentive() } else { Listener::default() };
        let writing: BoxFuture<'static, _> = if engine.config.enabled {
            let writer = Writer::new(Arc::clone(&engine), facts.clone(), Arc::clone(&tray));
            Box::pin(writer.write(count, listener.clone(), timeline))
        } else {
            Box::pin(async { Err(AiError::config("enabled", "it is false: no events are written")) })
        };
        Self { engine, facts, tray, listener, writing: Some(writing), failure: None, timeline, sequence: 0 }
    }

    /// Tells this story what its client says.
    #[must_use]
    pub fn listener(&self) -> Listener {
        self.listener.clone()
    }

    /// Waits for `other`, and lets the story be written ahead meanwhile.
    pub(crate) async fn beside<F: Future>(&mut self, other: F) -> F::Output {
        let mut other = pin!(other);
        poll_fn(|cx| {
            let polled = other.as_mut().poll(cx);
            if polled.is_pending() {
                self.work(cx);
            }
            polled
        })
        .await
    }

    /// The number and the time of what is sent next.
    pub(crate) fn next_stamp(&mut self) -> (u64, String) {
        self.sequence += 1;
        (self.sequence, timestamp(self.engine.time_at(self.timeline.passed(self.sequence))))
    }

    /// Whether there was the last event, and no failure: nobody need wait until another one would be due.
    pub(crate) fn has_ended(&self) -> bool {
        self.writing.is_none() && self.failure.is_none() && self.tray.is_empty()
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    fn work(&mut self, cx: &mut Context<'_>) {
        if let Some(writing) = &mut self.writing
            && let Poll::Ready(result) = writing.as_mut().poll(cx)
        {
            self.writing = None;
            self.failure = result.err();
        }
    }
}

/// RFC 3339 with milliseconds.
pub(crate) fn timestamp(time: Timestamp) -> String {
    format!("{time:.3}")
}

impl Stream for Story {
    type Item = Result<AiEvent, AiError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let story = self.get_mut();
        // What a provider that is instant writes is there when it was seen that nothing is.
        for _ in 0..2 {
            story.work(cx);
            if let Some(draft) = story.tray.take() {
                // There may be room for the next ones.
                story.work(cx);
                let (sequence, timestamp) = story.next_stamp();
                return Poll::Ready(Some(Ok(AiEvent { kind: draft.kind, timestamp, sequence, data: draft.data })));
            }
        }
        if story.writing.is_some() { Poll::Pending } else { Poll::Ready(story.failure.take().map(Err)) }
    }
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Story").field("facts", &self.facts).field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
