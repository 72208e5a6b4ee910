//! Flags of events that nobody wrote: what happens, who writes it, and what that may cost.

use std::path::PathBuf;

use clap::builder::{BoolishValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::value_parser;
use mockforge_ws::{OnFailure, PROVIDER_NAMES, WebSocketAiConfig, WsConfig, parse_rate};
use tracing::warn;

/// Those of `serve`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Events that nobody wrote")]
pub(crate) struct Events {
    /// Stream events to every connection, which follow this narrative, e.g. "a busy stock market"
    #[arg(long = "ai", value_name = "NARRATIVE", value_parser = narrative, env = "MOCKFORGE_WS_AI")]
    narrative: Option<String>,
    /// How many events each client gets, then it is closed; 0: until it leaves [default: 20]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count, env = "MOCKFORGE_WS_EVENTS")]
    events: Option<usize>,
    /// How many events are sent in a second [default: 1]
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = parse_rate, env = "MOCKFORGE_WS_RATE")]
    rate: Option<f64>,
    #[command(flatten)]
    writing: Writing,
}

/// Who writes events, as what, and what that may cost.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub(crate) struct Writing {
    /// Who writes the events: the embedded provider needs nothing and is no language model; the others are behind the API of
    /// OpenAI [default: embedded, unless a model or a URL is named]
    #[arg(long, value_name = "NAME", value_parser = provider(), env = "MOCKFORGE_WS_AI_PROVIDER")]
    ai_provider: Option<String>,
    /// The model, as its provider calls it
    #[arg(long, value_name = "NAME", env = "MOCKFORGE_WS_AI_MODEL")]
    ai_model: Option<String>,
    /// Where the provider is, e.g. http://127.0.0.1:11434/v1 [default: where it usually is]
    #[arg(long, value_name = "URL", env = "MOCKFORGE_WS_AI_BASE_URL")]
    ai_base_url: Option<String>,
    /// The JSON Schema of the `data` of every event
    #[arg(long, value_name = "FILE", env = "MOCKFORGE_WS_AI_SCHEMA")]
    ai_schema: Option<PathBuf>,
    /// An example of the `data` of an event, or several in a JSON array or line by line: their schema is made of it
    #[arg(long, value_name = "FILE", conflicts_with = "ai_schema", env = "MOCKFORGE_WS_AI_EXAMPLE")]
    ai_example: Option<PathBuf>,
    /// Keep the answers of language models in this folder, so that the same is never asked twice
    #[arg(long, value_name = "DIR", env = "MOCKFORGE_WS_AI_CACHE")]
    ai_cache: Option<PathBuf>,
    /// When a language model has failed for good: report it and end, or let the embedded provider replace it
    /// [default: report]
    #[arg(long, value_name = "POLICY", value_parser = on_failure(), env = "MOCKFORGE_WS_AI_ON_FAILURE")]
    ai_on_failure: Option<OnFailure>,
    /// The most calls of a language model, by all clients together [default: 1000]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..), env = "MOCKFORGE_WS_AI_MAX_CALLS")]
    ai_max_calls: Option<u64>,
    /// The most tokens, in and out, by all clients together [default: 1000000]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..), env = "MOCKFORGE_WS_AI_MAX_TOKENS")]
    ai_max_tokens: Option<u64>,
    /// Send the `data` of events alone, without type, timestamp and sequence
    #[arg(long, value_parser = BoolishValueParser::new(), env = "MOCKFORGE_WS_AI_RAW")]
    ai_raw: bool,
}

/// The flags that set fields of `ai_config`.
const FLAGS: [(&str, &str); 11] = [
    ("narrative", "--ai"),
    ("event_count", "--events"),
    ("events_per_second", "--rate"),
    ("replay.provider", "--ai-provider"),
    ("replay.model", "--ai-model"),
    ("replay.base_url", "--ai-base-url"),
    ("event_schema", "--ai-schema"),
    ("event_example", "--ai-example"),
    ("cache_dir", "--ai-cache"),
    ("limits.max_calls", "--ai-max-calls"),
    ("limits.max_tokens", "--ai-max-tokens"),
];

/// The flag that sets a field of `ai_config`.
pub(crate) fn flag_of(field: &str) -> Option<&'static str> {
    FLAGS.iter().find(|(name, _)| *name == field).map(|(_, flag)| *flag)
}

impl Events {
    pub(crate) fn are_asked_for(&self) -> bool {
        self.narrative.is_some()
    }

    /// Warns if there is nothing in `config`, which they are part of, that they say more of.
    pub(crate) fn warn_if_without_effect(&self, config: &WsConfig) {
        let say_more = self.events.is_some() || self.rate.is_some() || self.writing != Writing::default();
        if say_more && config.ai_config.is_none() {
            warn!("--events, --rate and --ai-... have no effect without a narrative: --ai NARRATIVE");
        }
    }

    /// `config`, where no flag says otherwise.
    pub(crate) fn over(self, config: WsConfig) -> WsConfig {
        let ai = match (self.narrative, config.ai_config) {
            (Some(narrative), ai) => WebSocketAiConfig { narrative, enabled: true, ..ai.unwrap_or_default() },
            (None, Some(ai)) => ai,
            (None, None) => return WsConfig { ai_config: None, ..config },
        };
        let ai = WebSocketAiConfig {
            event_count: self.events.unwrap_or(ai.event_count),
            events_per_second: self.rate.unwrap_or(ai.events_per_second),
            ..self.writing.over(ai)
        };
        WsConfig { ai_config: Some(ai), ..config }
    }
}

impl Writing {
    /// `config`, where no flag says otherwise.
    pub(crate) fn over(self, mut config: WebSocketAiConfig) -> WebSocketAiConfig {
        if self.ai_provider.is_some() || self.ai_model.is_some() || self.ai_base_url.is_some() {
            let replay = config.replay.get_or_insert_default();
            replay.provider = self.ai_provider.unwrap_or_else(|| std::mem::take(&mut replay.provider));
            replay.model = self.ai_model.unwrap_or_else(|| std::mem::take(&mut replay.model));
            replay.base_url = self.ai_base_url.or(replay.base_url.take());
        }
        if self.ai_schema.is_some() || self.ai_example.is_some() {
            (config.event_schema, config.event_example) = (self.ai_schema, self.ai_example);
        }
        config.cache_dir = self.ai_cache.or(config.cache_dir);
        config.on_failure = self.ai_on_failure.unwrap_or(config.on_failure);
        config.limits.max_calls = self.ai_max_calls.unwrap_or(config.limits.max_calls);
        config.limits.max_tokens = self.ai_max_tokens.unwrap_or(config.limits.max_tokens);
        config.envelope &= !self.ai_raw;
        config
    }
}

/// What happens, in words: some.
pub(crate) fn narrative(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("say what happens, such as \"a busy stock market\"".to_owned());
    }
    Ok(text.to_owned())
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number, 0 or more".to_owned())
}

const EMBEDDED: &str = "embedded";

fn provider() -> PossibleValuesParser {
    let embedded = PossibleValue::new(EMBEDDED).alias("offline");
    let others = PROVIDER_NAMES.into_iter().filter(|name| *name != EMBEDDED).map(PossibleValue::new);
    PossibleValuesParser::new([embedded].into_iter().chain(others))
}

fn on_failure() -> impl TypedValueParser<Value = OnFailure> {
    PossibleValuesParser::new(["report", "replace"]).map(|name| match name.as_str() {
        "replace" => OnFailure::Replace,
        _ => OnFailure::Report,
    })
}
