//! The provider that needs nothing: small simulations that the words of the narrative choose. It is not a language model.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::narrative::{Narrative, Said};
use crate::world::{Choice, Dice, Shaped, World};
use crate::{AiError, Draft, Narrator, Piece, Pieces, Provider, ProviderError, ProviderErrorKind, Request, StoryFacts};

/// How many events are tried out for a schema.
const REHEARSED: usize = 20;
/// How many of the events that somebody else has told are taken up at once.
const TAKEN_UP: usize = 3;
/// How many events a story remembers: more than a request ever brings.
const KNOWN: usize = 24;

/// Writes synthetic events without a language model, a key or a network.
///
/// A narrative chooses one of its worlds (stock market, chat, sensors, orders, game, support desk, news, presence, or
/// general activity) by its words, and gives it names, numbers and a mood. It is not understood beyond that; that of a
/// request is not looked at. The same story, by seed, path and number, is the same on every machine.
///
/// ```
/// use ws_ai::{EmbeddedProvider, Provider};
///
/// let provider = EmbeddedProvider::new("a busy stock market with AAPL and TSLA", None)?;
/// assert_eq!(provider.world(), "stock market");
/// assert!(provider.name().contains("no language model"));
/// # Ok::<(), ws_ai::AiError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EmbeddedProvider {
    narrative: Arc<Narrative>,
    choice: Choice,
    schema: Option<Arc<Value>>,
    announced: Arc<Once>,
}

impl EmbeddedProvider {
    /// The provider of a narrative. With a schema, the `data` of its events is made to satisfy it.
    ///
    /// # Errors
    /// Nothing can be written for a part of the schema, which is named. That the schema is not refused does not yet mean
    /// that all that is written satisfies it: keywords such as `not` are not looked at.
    pub fn new(narrative: &str, event_schema: Option<&Value>) -> Result<Self, AiError> {
        let narrative = Narrative::read(narrative);
        let choice = Choice::of(&narrative);
        let schema = event_schema.cloned().map(Arc::new);
        let provider = Self { narrative: Arc::new(narrative), choice, schema, announced: Arc::new(Once::new()) };
        provider.rehearse().map_err(|problem| {
            AiError::config("event_schema", format!("the embedded provider cannot write for it: {problem}"))
        })?;
        Ok(provider)
    }

    /// The world that the narrative has chosen.
    #[must_use]
    pub fn world(&self) -> &'static str {
        self.choice.kind.name()
    }

    /// Writes some events that nobody sees, to find out whether it can.
    fn rehearse(&self) -> Result<(), String> {
        if self.schema.is_none() {
            return Ok(());
        }
        let mut telling = Telling::of(&StoryFacts::new("", 0, 0));
        telling.start(self, Duration::ZERO)?;
        (0..REHEARSED).try_for_each(|_| telling.draft(Timestamp::UNIX_EPOCH).map(drop))
    }
}

impl Provider for EmbeddedProvider {
    fn name(&self) -> String {
        format!("embedded (synthetic, no language model), world {}", self.world())
    }

    /// Making them again costs less than keeping them.
    fn cache_identity(&self) -> Option<String> {
        None
    }

    /// One: so each event is written after all that the client said before it.
    fn events_per_call(&self) -> usize {
        1
    }

    fn is_instant(&self) -> bool {
        true
    }

    fn narrator(&self, story: &StoryFacts) -> Box<dyn Narrator> {
        // Not before: it may only stand by for another provider.
        self.announced.call_once(|| {
            let reason = self.choice.reason();
            tracing::info!(world = self.world(), reason, "the embedded provider writes: synthetic, no language model");
            if self.choice.is_a_guess() && self.schema.is_none() && self.narrative.stems().next().is_some() {
                tracing::warn!(
                    "the narrative names none of its worlds - stock market, chat, sensors, orders, game, support desk, news, \
                     presence -, in English: events are generic. A schema or an example gives them a shape, a language \
                     model a meaning"
                );
            }
        });
        Box::new(EmbeddedNarrator { provider: self.clone(), telling: Arc::new(Mutex::new(Telling::of(story))) })
    }
}

/// Writes one story.
struct EmbeddedNarrator {
    provider: EmbeddedProvider,
    // Pieces outlive the call that asks for them. Nobody holds the lock for longer than an event takes to be made.
    telling: Arc<Mutex<Telling>>,
}

impl Narrator for EmbeddedNarrator {
    fn write(&mut self, request: Arc<Request>) -> Pieces {
        locked(&self.telling).hear(&self.provider, &request);
        let telling = Arc::clone(&self.telling);
        let mut time = request.first_time;
        let step = SignedDuration::try_from(request.step).unwrap_or(SignedDuration::ZERO);
        let events = (0..request.wanted).map(move |_| {
            let event = locked(&telling).piece(time);
            time = time.saturating_add(step).unwrap_or(time);
            event
        });
        let usage = Piece::Usage { prompt: 0, completion: 0 };
        stream::iter(events).chain(stream::iter([Ok(usage)])).boxed()
    }
}

/// A story as far as it is told, and what moves it.
struct Telling {
    /// Begun with the first request, which says how fast it goes.
    teller: Option<Teller>,
    dice: Dice,
    /// The last events that were told, here or by somebody else.
    known: VecDeque<Draft>,
}

enum Teller {
    World(Box<dyn World>),
    Shaped(Box<Shaped>),
}

impl Telling {
    fn of(facts: &StoryFacts) -> Self {
        Self { teller: None, dice: Dice::of(facts), known: VecDeque::new() }
    }

    fn start(&mut self, provider: &EmbeddedProvider, step: Duration) -> Result<(), String> {
        let narrative = Narrative::clone(&provider.narrative).paced(step);
        let dice = &mut self.dice;
        let world = provider.choice.kind.begin(&narrative, dice);
        self.teller = Some(match &provider.schema {
            None => Teller::World(world),
            Some(schema) => {
                let mut twin = provider.choice.kind.begin(&narrative, dice);
                Teller::Shaped(Box::new(Shaped::new(schema, world, twin.as_mut(), dice)?))
            }
        });
        Ok(())
    }

    fn hear(&mut self, provider: &EmbeddedProvider, request: &Request) {
        // What goes wrong was said when the provider was made, and is said again with each event.
        if self.teller.is_none() && self.start(provider, request.step).is_err() {
            return;
        }
        // Somebody else has told a part of the story. Its latest turns are taken up, each once.
        let unknown: Vec<&Draft> = request.recent.iter().filter(|draft| !self.known.contains(draft)).collect();
        for draft in &unknown[unknown.len().saturating_sub(TAKEN_UP)..] {
            self.take_up(&Said::overheard(&draft.data));
        }
        for draft in unknown {
            self.remember(draft.clone());
        }
        for said in &request.said {
            self.take_up(&Said::read(said));
        }
    }

    fn take_up(&mut self, said: &Said) {
        match &mut self.teller {
            Some(Teller::World(world)) => world.hear(said, &mut self.dice),
            Some(Teller::Shaped(shaped)) => shaped.hear(said, &mut self.dice),
            None => {}
        }
    }

    fn draft(&mut self, time: Timestamp) -> Result<Draft, String> {
        match &mut self.teller {
            Some(Teller::World(world)) => Ok(world.next(&mut self.dice)),
            Some(Teller::Shaped(shaped)) => shaped.next(time, &mut self.dice),
            None => Err("nothing can be written for the schema".to_owned()),
        }
    }

    fn remember(&mut self, draft: Draft) {
        if self.known.len() >= KNOWN {
            self.known.pop_front();
        }
        self.known.push_back(draft);
    }

    fn piece(&mut self, time: Timestamp) -> Result<Piece, ProviderError> {
        let malformed = |problem| ProviderError::new(ProviderErrorKind::Malformed, problem);
        let draft = self.draft(time).map_err(malformed)?;
        self.remember(draft.clone());
        let text = serde_json::to_string(&draft).map_err(|error| malformed(error.to_string()))?;
        Ok(Piece::Text(text + "\n"))
    }
}

/// What a panic left behind can still be gone on with.
fn locked(telling: &Mutex<Telling>) -> MutexGuard<'_, Telling> {
    telling.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
