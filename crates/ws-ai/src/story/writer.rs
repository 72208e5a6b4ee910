//! Writing a story: asking for events, batch after batch, and asking again.
//!
//! It starts no task: who polls it is who reads the story, and dropping it drops the call that is open.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::Timeline;
use super::intake::Intake;
use super::listener::Listener;
use super::patience::Patience;
use super::recent::Recent;
use super::tray::Tray;
use crate::engine::{Engine, for_log};
use crate::pace::interval;
use crate::prompt::estimate;
use crate::reply::ReplyReader;
use crate::{AiError, BudgetSpent, Draft, Narrator, Piece, Provider, ProviderError, Request, StoryFacts};

/// How much is read of an answer after its last event, in bytes: what it cost stands at the end.
const LONGEST_TAIL: usize = 256;

/// Writes one story.
pub(super) struct Writer {
    engine: Arc<Engine>,
    facts: StoryFacts,
    narrator: Box<dyn Narrator>,
    habits: Habits,
    is_replaced: bool,
    next_sequence: u64,
    intake: Intake,
    /// What the client said and no event was written after.
    said: Vec<String>,
    patience: Patience,
    tray: Arc<Tray>,
}

/// What is to be written next, and when it happens.
pub(super) struct Wish {
    pub(super) wanted: usize,
    pub(super) starts: Duration,
    pub(super) step: Duration,
}

/// How a provider is asked.
struct Habits {
    name: String,
    is_instant: bool,
    events_per_call: usize,
    cache_identity: Option<String>,
}

impl Habits {
    fn of(provider: &dyn Provider) -> Self {
        let is_instant = provider.is_instant();
        Self {
            name: provider.name(),
            is_instant,
            events_per_call: if is_instant { 1 } else { provider.events_per_call().max(1) },
            cache_identity: provider.cache_identity().filter(|_| !is_instant),
        }
    }
}

/// Why a call did not come to its end.
enum Broken {
    Provider(ProviderError),
    Budget(BudgetSpent),
}

impl Writer {
    pub(super) fn new(engine: Arc<Engine>, facts: StoryFacts, tray: Arc<Tray>) -> Self {
        Self {
            narrator: engine.provider.narrator(&facts),
            habits: Habits::of(&*engine.provider),
            is_replaced: false,
            next_sequence: 1,
            intake: Intake::new(Arc::clone(&engine), Arc::clone(&tray)),
            said: Vec::new(),
            patience: Patience::new(engine.config.limits.retries, &facts),
            tray,
            facts,
            engine,
        }
    }

    /// Writes `left` events, or without end. The next ones are asked for when half of those before were read; of a provider
    /// that is instant, when the reader waits.
    pub(super) async fn write(
        mut self,
        mut left: Option<u64>,
        listener: Listener,
        timeline: Timeline,
    ) -> Result<(), AiError> {
        loop {
            let at_most = left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
            let wanted = self.habits.events_per_call.min(at_most);
            if wanted == 0 {
                return Ok(());
            }
            if self.habits.is_instant {
                self.tray.awaited().await;
            } else {
                self.tray.at_most(self.habits.events_per_call / 2).await;
            }
            listener.drain_into(&mut self.said);
            let before = self.next_sequence;
            let wish = Wish { wanted, starts: timeline.passed(before), step: interval(timeline.rate) };
            if let Err(error) = self.batch(wish).await {
                self.replace(error)?;
            }
            left = left.map(|left| left.saturating_sub(self.next_sequence - before));
        }
    }

    /// What is written next follows on `recent` and `said`, instead of on what was written and said before.
    pub(super) fn begin_passage(&mut self, recent: Vec<Draft>, said: Vec<String>) {
        self.intake.recent = Recent::of(recent);
        self.said = said;
        self.patience.restore();
    }

    /// Asks once, and waits if it has failed; then it may be called again. An error is final.
    pub(super) async fn batch(&mut self, wish: Wish) -> Result<(), AiError> {
        let evolves = self.engine.config.progressive_evolution;
        let request = Arc::new(Request {
            narrative: Arc::clone(&self.engine.narrative),
            wanted: wish.wanted,
            event_schema: self.engine.schema_source.clone(),
            recent: if evolves { self.intake.recent.fitting() } else { Vec::new() },
            said: self.said.clone(),
            first_sequence: self.next_sequence,
            first_time: self.engine.time_at(wish.starts),
            step: wish.step,
            complaints: self.intake.complaints().to_vec(),
        });
        self.intake.begin(wish.wanted, self.habits.is_instant);
        let asked = self.ask(&request).await;
        let taken = self.intake.taken().len();
        if taken > 0 || self.habits.is_instant {
            self.said.clear();
        }
        if taken > 0 {
            self.next_sequence = self.next_sequence.saturating_add(taken as u64);
            self.patience.restore();
        }
        match asked {
            Err(Broken::Budget(spent)) => Err(spent.into()),
            Err(Broken::Provider(error)) => {
                let wait = self.patience.failed_call(error)?;
                sleep(wait).await;
                Ok(())
            }
            Ok(()) if taken == 0 => {
                let reason = self.intake.complaints().last().map_or("there was no event in it", String::as_str);
                self.patience.vain_answer(reason)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Takes what the answer to `request` holds, from the cache or from the provider.
    async fn ask(&mut self, request: &Arc<Request>) -> Result<(), Broken> {
        let identity = self.habits.cache_identity.clone();
        let Some((cache, identity)) = self.engine.cache.clone().zip(identity) else {
            return self.call(request).await;
        };
        if let Some(kept) = cache.get(&identity, &self.facts, request).await {
            self.intake.trust();
            let mut reader = ReplyReader::new();
            reader.push(&kept).into_iter().for_each(|found| self.intake.look_at(found));
            if !self.intake.taken().is_empty() {
                self.engine.meter.cached();
                return Ok(());
            }
        }
        let called = self.call(request).await;
        if !self.intake.taken().is_empty() {
            // What was taken is kept, not what was answered: the same is read again without any of the detours.
            let kept = json!({ "events": self.intake.taken() }).to_string();
            cache.put(&identity, &self.facts, request, kept).await;
        }
        called
    }

    /// Takes what the provider answers, as it comes.
    async fn call(&mut self, request: &Arc<Request>) -> Result<(), Broken> {
        if self.habits.is_instant {
            let mut pieces = self.narrator.write(Arc::clone(request));
            let mut reader = ReplyReader::new();
            while let Some(piece) = pieces.next().await {
                if let Piece::Text(text) = piece.map_err(Broken::Provider)? {
                    reader.push(&text).into_iter().for_each(|found| self.intake.look_at(found));
                }
            }
            return Ok(());
        }
        let mut call = self.engine.meter.admit(estimate(request)).await.map_err(Broken::Budget)?;
        let began = Instant::now();
        let mut pieces = self.narrator.write(Arc::clone(request));
        let mut reader = ReplyReader::new();
        let (mut result, mut tail, mut tokens) = (Ok(()), 0, None);
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(Piece::Text(text)) => {
                    call.wrote(&text);
                    if self.intake.is_satisfied() {
                        tail += text.len();
                    }
                    reader.push(&text).into_iter().for_each(|found| self.intake.look_at(found));
                    if reader.is_full() || tail > LONGEST_TAIL {
                        break;
                    }
                }
                Ok(Piece::Usage { prompt, completion }) => {
                    call.told(prompt, completion);
                    tokens = Some((prompt, completion));
                }
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        // Nothing is held while somebody waits to ask again, or for the next event to be due.
        drop(pieces);
        match &result {
            Ok(()) => call.answered(),
            Err(error) => {
                // Before its place is free, or another client would call at once.
                if let Some(asked_for) = error.retry_after {
                    self.engine.meter.hold_back(asked_for);
                }
                call.failed();
            }
        }
        if let Some(reject) = reader.finish() {
            self.intake.look_at(Err(reject));
        }
        debug!(
            provider = self.habits.name,
            path = self.facts.path,
            wanted = request.wanted,
            taken = self.intake.taken().len(),
            ?tokens,
            took = ?began.elapsed(),
            failure = result.as_ref().err().map(for_log),
            "called"
        );
        result.map_err(Broken::Provider)
    }

    /// Lets the embedded provider write on, if it may.
    pub(super) fn replace(&mut self, error: AiError) -> Result<(), AiError> {
        let Some(stand_in) = self.engine.stand_in.clone().filter(|_| !self.is_replaced) else {
            return Err(error);
        };
        let habits = Habits::of(&*stand_in);
        warn!(path = self.facts.path, error = for_log(&error), "`{}` writes on", habits.name);
        self.narrator = stand_in.narrator(&self.facts);
        self.habits = habits;
        self.is_replaced = true;
        self.patience.restore();
        Ok(())
    }
}
