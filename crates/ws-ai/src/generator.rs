//! The generator: stories after one configuration.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{Sink, Stream};
use jiff::Timestamp;
use ws_core::Message;
use ws_replay::TemplateClock;

use crate::config::check_rate;
use crate::engine::Engine;
use crate::socket::tell_socket;
use crate::story::Commission;
use crate::{AiError, AiEvent, AiObserver, Provider, Story, StoryFacts, Usage, WebSocketAiConfig, telling};

/// Writes streams of events after a narrative, to as many clients at once as there are: each gets a [`Story`] of its own. Budget,
/// rate limits and cache are shared by all of them, and by all clones.
#[derive(Clone)]
pub struct AiEventGenerator {
    engine: Arc<Engine>,
}

impl AiEventGenerator {
    /// A generator with the provider that the configuration names.
    ///
    /// Keys are taken from the environment: `MOCKFORGE_AI_API_KEY`, and for OpenAI `OPENAI_API_KEY`.
    ///
    /// # Errors
    /// The configuration, or a file that it names, makes no events: [`AiError::Config`], [`AiError::Schema`],
    /// [`AiError::File`].
    pub fn new(config: WebSocketAiConfig) -> Result<Self, AiError> {
        Ok(Self { engine: Arc::new(Engine::new(config)?) })
    }

    /// A generator with a provider of your own.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_provider(config: WebSocketAiConfig, provider: impl Provider + 'static) -> Result<Self, AiError> {
        Ok(Self { engine: Arc::new(Engine::with_provider(config, Arc::new(provider))?) })
    }

    /// Tells `observer` of calls, tokens and events, of all clones, instead of whom it told before.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn AiObserver>) -> Self {
        self.engine.meter.observed_by(observer);
        self
    }

    /// Takes the times of events from `clock`. By default it is the real one; with a seed, one that starts at
    /// 2024-01-01T00:00:00Z with each story and moves with it.
    #[must_use]
    pub fn clock(self, clock: TemplateClock) -> Self {
        Self { engine: Arc::new(Arc::unwrap_or_clone(self.engine).with_clock(clock)) }
    }

    /// The events of one more client, as they are written.
    pub fn story(&self) -> Story {
        self.story_of("")
    }

    /// The events of one more client of `path`. With a seed, the n-th story of a path is the same in every run.
    pub fn story_of(&self, path: &str) -> Story {
        self.begin(path, self.engine.config.event_count, self.engine.config.events_per_second)
    }

    /// Sends one more story to a socket, at the rate of the configuration; see
    /// [`stream_events_with_rate`](Self::stream_events_with_rate).
    ///
    /// # Errors
    /// As there.
    pub async fn stream_events<S, M, E>(&self, socket: S, max_events: Option<usize>) -> Result<u64, AiError>
    where
        S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Send,
        M: From<Message> + Into<Message>,
    {
        self.stream_events_with_rate(socket, max_events, self.engine.config.events_per_second).await
    }

    /// Sends one more story to a socket, `rate` events a second, and says how many it has sent. The first leaves when it is written.
    ///
    /// There are `max_events` of them, as many as the configuration says if that is `None`; 0 means until the client leaves.
    /// What the client says turns the story, if that evolves. After the last event the socket is closed with code 1000. That the
    /// client leaves before is no error.
    ///
    /// # Errors
    /// [`AiError::Config`] if there can be no events with this `rate`, or the configuration is not enabled: nothing is sent. Else, why there
    /// are no more events; the client has got an event of the type `error`, and is closed with code 1011.
    pub async fn stream_events_with_rate<S, M, E>(
        &self,
        socket: S,
        max_events: Option<usize>,
        rate: f64,
    ) -> Result<u64, AiError>
    where
        S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Send,
        M: From<Message> + Into<Message>,
    {
        check_rate("rate", rate)?;
        if !self.engine.config.enabled {
            return Err(AiError::config("enabled", "it is false: no events are written"));
        }
        let story = self.begin("", max_events.unwrap_or(self.engine.config.event_count), rate);
        tell_socket(story, rate, socket).await
    }

    /// What was spent so far, by all clones.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.engine.meter.usage()
    }

    /// What it writes after.
    #[must_use]
    pub fn config(&self) -> &WebSocketAiConfig {
        &self.engine.config
    }

    /// Who writes, for the log.
    #[must_use]
    pub fn provider_name(&self) -> String {
        self.engine.provider.name()
    }

    /// What makes all that is random repeat: that of the configuration, or one that was drawn.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.engine.seed
    }

    /// Whether nobody is called.
    pub(crate) fn is_instant(&self) -> bool {
        self.engine.provider.is_instant()
    }

    /// The same for what is written at once and read later: the real clock starts now and moves with the file.
    pub(crate) fn for_a_file(&self) -> Self {
        if self.engine.clock == TemplateClock::real() {
            return self.clone().clock(TemplateClock::starting_at(SystemTime::now()));
        }
        self.clone()
    }

    /// The story of a file: the first one of a path that no client has, each time.
    pub(crate) fn first_story(&self, count: u64) -> Story {
        let facts = StoryFacts::new("", 0, self.engine.seed);
        Story::begin(Arc::clone(&self.engine), facts, Some(count), self.engine.config.events_per_second)
    }

    fn begin(&self, path: &str, count: usize, rate: f64) -> Story {
        let count = (count > 0).then_some(count as u64);
        Story::begin(Arc::clone(&self.engine), self.engine.next_story(path), count, rate)
    }

    /// A story in passages, the same each time.
    pub(crate) fn commission(&self) -> Commission {
        Commission::new(Arc::clone(&self.engine), StoryFacts::new("", 0, self.engine.seed))
    }

    /// The time of an event that is `passed` into its story.
    pub(crate) fn time_at(&self, passed: Duration) -> Timestamp {
        self.engine.time_at(passed)
    }

    /// What an event is as a message.
    pub(crate) fn text_of(&self, event: &AiEvent) -> String {
        telling::text_of(&self.engine, event)
    }

    /// The message that tells a client of a failure; `None`: it is told by the close code alone.
    pub(crate) fn failure_message(&self, error: &AiError, sequence: u64, timestamp: String) -> Option<Message> {
        telling::failure_message(&self.engine, error, sequence, timestamp)
    }
}

impl fmt::Debug for AiEventGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AiEventGenerator")
            .field("provider", &self.provider_name())
            .field("config", self.config())
            .finish_non_exhaustive()
    }
}
