//! What all stories of a generator share: who writes, what is valid, what may be spent, what time it is.

use std::env;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;
use serde_json::Value;
use tracing::info;
use ws_replay::{PathCounts, ReplayOptions, TemplateClock};

use crate::cache::Cache;
use crate::meter::Meter;
use crate::provider::choice::{Choice, choose};
use crate::reply::ReplyReader;
use crate::schema::EventSchema;
use crate::{AiError, EmbeddedProvider, OnFailure, Piece, Provider, Request, StoryFacts, WebSocketAiConfig};

/// How many events are tried before the embedded provider is believed to be able to write for a schema.
const TRIALS: usize = 20;
/// How much of what a provider says goes into the log, in characters.
const LONGEST_LOGGED: usize = 300;

/// What all stories of a generator share. Clones share it, too, but for the clock.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) config: Arc<WebSocketAiConfig>,
    pub(crate) provider: Arc<dyn Provider>,
    /// Who writes on when the provider has failed for good.
    pub(crate) stand_in: Option<Arc<dyn Provider>>,
    pub(crate) schema: Option<Arc<EventSchema>>,
    /// The same, as providers get it.
    pub(crate) schema_source: Option<Arc<Value>>,
    pub(crate) narrative: Arc<str>,
    pub(crate) meter: Meter,
    pub(crate) cache: Option<Arc<Cache>>,
    pub(crate) clock: TemplateClock,
    pub(crate) seed: u64,
    pub(crate) paths: Arc<PathCounts>,
}

impl Engine {
    /// With the provider that the configuration and the environment choose.
    pub(crate) fn new(config: WebSocketAiConfig) -> Result<Self, AiError> {
        config.validate()?;
        let schema = schema_of(&config)?;
        let provider: Arc<dyn Provider> = match choose(&config, |name| env::var(name).ok())? {
            Choice::Embedded => embedded(&config, schema.as_ref())?,
            Choice::Model(endpoint) => Arc::from(endpoint.provider(config.limits.call_timeout)?),
        };
        let engine = Self::assemble(config, provider, schema)?;
        if engine.provider.is_instant() && engine.config.enabled && engine.config.seed.is_none() {
            info!("`--seed {}` repeats the events of this run", engine.seed);
        }
        Ok(engine)
    }

    pub(crate) fn with_provider(config: WebSocketAiConfig, provider: Arc<dyn Provider>) -> Result<Self, AiError> {
        config.validate()?;
        let schema = schema_of(&config)?;
        Self::assemble(config, provider, schema)
    }

    fn assemble(
        config: WebSocketAiConfig,
        provider: Arc<dyn Provider>,
        schema: Option<EventSchema>,
    ) -> Result<Self, AiError> {
        let stand_in = match config.on_failure {
            OnFailure::Replace => Some(embedded(&config, schema.as_ref())?),
            OnFailure::Report => None,
        };
        Ok(Self {
            provider,
            stand_in,
            schema_source: schema.as_ref().map(|schema| Arc::new(schema.source().clone())),
            schema: schema.map(Arc::new),
            narrative: narrative(&config).into(),
            meter: Meter::new(&config.limits),
            cache: config.cache_dir.as_deref().map(Cache::open).transpose()?.map(Arc::new),
            clock: config.seed.map_or_else(TemplateClock::real, |seed| ReplayOptions::seeded(seed).clock),
            seed: config.seed.unwrap_or_else(rand::random),
            paths: Arc::default(),
            config: Arc::new(config),
        })
    }

    /// The same, with another clock.
    pub(crate) fn with_clock(self, clock: TemplateClock) -> Self {
        Self { clock, ..self }
    }

    /// The next story on `path`.
    pub(crate) fn next_story(&self, path: &str) -> StoryFacts {
        StoryFacts::new(path, self.paths.next(path), self.seed)
    }

    /// The time that is `passed` into a story.
    pub(crate) fn time_at(&self, passed: Duration) -> Timestamp {
        Timestamp::try_from(self.clock.time_at(passed)).unwrap_or(Timestamp::MAX)
    }
}

/// What is written after: the narrative of the replay is nearer than the one around it.
fn narrative(config: &WebSocketAiConfig) -> &str {
    let of_replay = config.replay.as_ref().map(|replay| replay.narrative.trim());
    of_replay.filter(|narrative| !narrative.is_empty()).unwrap_or(&config.narrative)
}

fn schema_of(config: &WebSocketAiConfig) -> Result<Option<EventSchema>, AiError> {
    match (&config.event_schema, &config.event_example) {
        (Some(file), _) => EventSchema::load(file).map(Some),
        (None, Some(file)) => EventSchema::from_example(file).map(Some),
        (None, None) => Ok(None),
    }
}

/// The embedded provider, if it can write for the schema.
fn embedded(config: &WebSocketAiConfig, schema: Option<&EventSchema>) -> Result<Arc<dyn Provider>, AiError> {
    let provider = EmbeddedProvider::new(narrative(config), schema.map(EventSchema::source))?;
    if let Some(schema) = schema
        && let Err(reason) = try_out(&provider, schema)
    {
        let file = config.event_schema.as_deref().or(config.event_example.as_deref()).unwrap_or(Path::new(""));
        let problem = format!("the embedded provider cannot write events for this schema: {reason}");
        return Err(AiError::Schema { file: file.to_owned(), problem });
    }
    Ok(Arc::new(provider))
}

fn try_out(provider: &EmbeddedProvider, schema: &EventSchema) -> Result<(), String> {
    let request = Request {
        wanted: TRIALS,
        event_schema: Some(Arc::new(schema.source().clone())),
        first_sequence: 1,
        step: Duration::from_secs(1),
        ..Request::default()
    };
    let mut narrator = provider.narrator(&StoryFacts::new("", 0, 0));
    let pieces = narrator.write(Arc::new(request)).collect::<Vec<_>>().now_or_never().unwrap_or_default();
    let mut reader = ReplyReader::new();
    let mut tried = 0;
    for piece in pieces {
        if let Piece::Text(text) = piece.map_err(|error| error.to_string())? {
            for found in reader.push(&text) {
                schema.check(&found.map_err(|reject| reject.reason)?.data)?;
                tried += 1;
            }
        }
    }
    if tried < TRIALS { Err("it wrote too few".to_owned()) } else { Ok(()) }
}

/// What a provider said, fit for the log: short, in one line, without control characters.
pub(crate) fn for_log(words: &impl Display) -> String {
    let words = words.to_string();
    let escaped = |letter: char| {
        let is_plain = !letter.is_control();
        let (plain, escaped) = (is_plain.then_some(letter), (!is_plain).then(|| letter.escape_default()));
        plain.into_iter().chain(escaped.into_iter().flatten())
    };
    words.chars().take(LONGEST_LOGGED).flat_map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_breaks_no_line_of_the_log() {
        assert_eq!(for_log(&"a\nb\u{1b}[31m \u{e9}"), "a\\nb\\u{1b}[31m \u{e9}");
        assert_eq!(for_log(&"x".repeat(1000)).len(), LONGEST_LOGGED);
    }
}
