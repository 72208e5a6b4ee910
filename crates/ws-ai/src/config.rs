//! What is to be written, by whom, and how much that may cost.

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use crate::AiError;
use crate::provider::choice::check_name;

/// The highest rate of events, per second.
pub const MAX_RATE: f64 = 1_000.0;

/// A stream of events that follows a narrative.
///
/// ```
/// use ws_ai::{ReplayAugmentationConfig, WebSocketAiConfig};
///
/// let config = WebSocketAiConfig {
///     narrative: "Simulate 5 minutes of live stock market trading".to_owned(),
///     event_count: 20,
///     replay: Some(ReplayAugmentationConfig {
///         provider: "ollama".to_owned(),
///         model: "llama3.2".to_owned(),
///         ..Default::default()
///     }),
///     ..Default::default()
/// };
/// assert!(config.enabled);
/// assert_eq!(config.events_per_second, 1.0);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebSocketAiConfig {
    /// Whether events are streamed at all. On by default: who writes such a configuration wants it.
    pub enabled: bool,
    /// What happens, in words: `a busy stock market with AAPL and TSLA`.
    pub narrative: String,
    /// How many events each client gets, 20 by default; 0: until it leaves.
    #[serde(alias = "max_events")]
    pub event_count: usize,
    /// How many events are sent in a second, above 0 and at most [`MAX_RATE`]; 1 by default.
    #[serde(alias = "event_rate", deserialize_with = "written_rate")]
    pub events_per_second: f64,
    /// Who writes the events; and which points of a replay script are enriched, instead of streaming events alone.
    pub replay: Option<ReplayAugmentationConfig>,
    /// A file with the JSON Schema that the `data` of every event satisfies.
    pub event_schema: Option<PathBuf>,
    /// A file with an example of the `data` of an event, or several (a JSON array, or one in each line); its schema is made of it.
    pub event_example: Option<PathBuf>,
    /// Whether events are `{"type","timestamp","sequence","data"}`; if not, the `data` alone is sent.
    pub envelope: bool,
    /// Whether the last events, and what the client said, go into the next request, so that a story continues.
    pub progressive_evolution: bool,
    /// What happens when a provider has failed for good.
    pub on_failure: OnFailure,
    /// Makes all that is random repeat.
    pub seed: Option<u64>,
    /// The folder in which answers of language models are kept, so that the same is never asked twice.
    pub cache_dir: Option<PathBuf>,
    /// How much may be spent, by all clients together.
    pub limits: AiLimits,
}

impl Default for WebSocketAiConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            narrative: String::new(),
            event_count: 20,
            events_per_second: 1.0,
            replay: None,
            event_schema: None,
            event_example: None,
            envelope: true,
            progressive_evolution: true,
            on_failure: OnFailure::Report,
            seed: None,
            cache_dir: None,
            limits: AiLimits::default(),
        }
    }
}

impl WebSocketAiConfig {
    /// Checks what can be checked without looking at files, the environment or a provider.
    ///
    /// # Errors
    /// [`AiError::Config`] names a field whose value makes no events.
    pub fn validate(&self) -> Result<(), AiError> {
        check_rate("events_per_second", self.events_per_second)?;
        if self.event_schema.is_some() && self.event_example.is_some() {
            return Err(AiError::config("event_example", "`event_schema` says the same more exactly: leave out one"));
        }
        if let Some(replay) = &self.replay {
            replay.validate()?;
        }
        self.limits.validate()
    }
}

/// Refuses rates at which nothing, or nothing sensible, is sent.
pub(crate) fn check_rate(field: &'static str, rate: f64) -> Result<(), AiError> {
    rate_within(rate).map_err(|problem| AiError::config(field, problem))
}

fn rate_within(rate: f64) -> Result<(), String> {
    if rate > 0.0 && rate <= MAX_RATE {
        return Ok(());
    }
    Err(format!("expected a number above 0 and at most {MAX_RATE} events a second, found {rate}"))
}

/// Who writes events, and at which points of a replay script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReplayAugmentationConfig {
    /// What happens, in words; by default, the narrative around this.
    pub narrative: String,
    /// The points of a script after which events are written: the `step_id` of an entry, or the `type` of its JSON text.
    pub augmentation_points: Vec<String>,
    /// `embedded`, `openai`, `ollama`, `llama.cpp`, `vllm` or `openai-compatible`. By default, the embedded one,
    /// unless a model or a URL is named.
    pub provider: String,
    /// The model, as the provider calls it.
    pub model: String,
    /// Where the provider is, e.g. `http://127.0.0.1:11434/v1`; by default, where it usually is.
    pub base_url: Option<String>,
    /// How far a language model strays, 0 to 2; by default, as the provider has it.
    pub temperature: Option<f32>,
    /// How many events are written at each point, 1 to 100; 3 by default.
    pub events_per_point: usize,
    /// How many events a language model is asked for at once, 1 to 50; 5 by default. A story turns with the next request.
    pub events_per_call: usize,
}

impl Default for ReplayAugmentationConfig {
    fn default() -> Self {
        Self {
            narrative: String::new(),
            augmentation_points: Vec::new(),
            provider: String::new(),
            model: String::new(),
            base_url: None,
            temperature: None,
            events_per_point: 3,
            events_per_call: 5,
        }
    }
}

impl ReplayAugmentationConfig {
    fn validate(&self) -> Result<(), AiError> {
        let within = |field, value: usize, most: usize| {
            if (1..=most).contains(&value) {
                return Ok(());
            }
            Err(AiError::config(field, format!("expected 1 to {most}, found {value}")))
        };
        within("replay.events_per_point", self.events_per_point, 100)?;
        within("replay.events_per_call", self.events_per_call, 50)?;
        check_name(&self.provider)?;
        match self.temperature {
            Some(temperature) if !(0.0..=2.0).contains(&temperature) => {
                Err(AiError::config("replay.temperature", format!("expected 0 to 2, found {temperature}")))
            }
            _ => Ok(()),
        }
    }
}

/// What happens when a provider has failed for good: it cannot be reached, its events stay invalid, or the budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum OnFailure {
    /// The client gets an event of the type `error`, and is closed with code 1011.
    #[default]
    Report,
    /// The embedded provider writes what is missing.
    Replace,
}

/// How much may be spent, by all clients of a generator together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AiLimits {
    /// The most calls of a language model, 1,000 by default.
    pub max_calls: u64,
    /// The most tokens, those of requests and answers together; 1,000,000 by default.
    pub max_tokens: u64,
    /// How long after the first call there may be others; by default, for ever.
    #[serde(deserialize_with = "written_duration_or_none", serialize_with = "write_duration_or_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub max_time: Option<Duration>,
    /// How many calls may begin in a minute; 0, the default: as many as it takes.
    pub calls_per_minute: u32,
    /// How many calls may run at once, 8 by default.
    pub concurrent_calls: usize,
    /// How long a call may take, and how long nothing may come of it; 60 s by default.
    #[serde(deserialize_with = "written_duration", serialize_with = "write_duration")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub call_timeout: Duration,
    /// How often a failed call is repeated, and how often invalid events are asked for again; 3 by default, at most 20.
    pub retries: u32,
}

impl Default for AiLimits {
    fn default() -> Self {
        Self {
            max_calls: 1_000,
            max_tokens: 1_000_000,
            max_time: None,
            calls_per_minute: 0,
            concurrent_calls: 8,
            call_timeout: Duration::from_secs(60),
            retries: 3,
        }
    }
}

impl AiLimits {
    fn validate(&self) -> Result<(), AiError> {
        let none = |field| Err(AiError::config(field, "expected 1 or more, found 0"));
        if self.max_calls == 0 {
            return none("limits.max_calls");
        }
        if self.max_tokens == 0 {
            return none("limits.max_tokens");
        }
        if !(1..=10_000).contains(&self.concurrent_calls) {
            let found = self.concurrent_calls;
            return Err(AiError::config("limits.concurrent_calls", format!("expected 1 to 10000, found {found}")));
        }
        if self.call_timeout.is_zero() {
            return Err(AiError::config("limits.call_timeout", "expected more than no time"));
        }
        if self.retries > 20 {
            return Err(AiError::config("limits.retries", format!("expected at most 20, found {}", self.retries)));
        }
        Ok(())
    }
}

/// Who reads a file wants to hear of a wrong rate at its place, which of its two names it may have.
fn written_rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let rate = f64::deserialize(deserializer)?;
    rate_within(rate).map_err(de::Error::custom)?;
    Ok(rate)
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<SignedDuration, _> = text.parse();
    parsed
        .ok()
        .and_then(|duration| duration.try_into().ok())
        .ok_or_else(|| format!("expected a number and a unit, such as 200ms, 30s or 5m, found `{text}`"))
}

fn written_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    duration(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn written_duration_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.as_deref().map(duration).transpose().map_err(de::Error::custom)
}

fn write_duration<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Whole nanoseconds: it reads back as what it was.
    serializer.collect_str(&format_args!("{:#}", SignedDuration::try_from(*duration).unwrap_or(SignedDuration::MAX)))
}

fn write_duration_or_none<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => write_duration(duration, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// G01.
    #[test]
    fn both_spellings_are_read_and_what_is_left_out_has_its_default() {
        let ours: WebSocketAiConfig =
            serde_json::from_str(r#"{"narrative": "x", "event_count": 3, "events_per_second": 2.5}"#).unwrap();
        let theirs: WebSocketAiConfig =
            serde_json::from_str(r#"{"narrative": "x", "max_events": 3, "event_rate": 2.5, "enabled": true}"#).unwrap();
        assert_eq!(ours, theirs);
        let expected = WebSocketAiConfig {
            narrative: "x".to_owned(),
            event_count: 3,
            events_per_second: 2.5,
            ..WebSocketAiConfig::default()
        };
        assert_eq!(ours, expected);
        assert_eq!(serde_json::from_str::<WebSocketAiConfig>("{}").unwrap(), WebSocketAiConfig::default());
        let written = WebSocketAiConfig {
            replay: Some(ReplayAugmentationConfig::default()),
            limits: AiLimits { max_time: Some(Duration::from_millis(90_500)), ..AiLimits::default() },
            ..expected
        };
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<WebSocketAiConfig>(&text).unwrap(), written);
    }

    #[test]
    fn what_makes_no_events_is_refused_with_the_reason() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1_000.1, 1e300] {
            let config = WebSocketAiConfig { events_per_second: rate, ..WebSocketAiConfig::default() };
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with("events_per_second: ") && error.ends_with(&format!("found {rate}")), "{error}");
        }
        let with_limits = |limits| WebSocketAiConfig { limits, ..WebSocketAiConfig::default() };
        let with_replay = |replay| WebSocketAiConfig { replay: Some(replay), ..WebSocketAiConfig::default() };
        let cases = [
            ("limits.max_calls", with_limits(AiLimits { max_calls: 0, ..AiLimits::default() })),
            ("limits.max_tokens", with_limits(AiLimits { max_tokens: 0, ..AiLimits::default() })),
            ("limits.concurrent_calls", with_limits(AiLimits { concurrent_calls: 0, ..AiLimits::default() })),
            ("limits.call_timeout", with_limits(AiLimits { call_timeout: Duration::ZERO, ..AiLimits::default() })),
            ("limits.retries", with_limits(AiLimits { retries: 21, ..AiLimits::default() })),
            (
                "replay.events_per_call",
                with_replay(ReplayAugmentationConfig { events_per_call: 0, ..ReplayAugmentationConfig::default() }),
            ),
            (
                "replay.events_per_point",
                with_replay(ReplayAugmentationConfig { events_per_point: 101, ..ReplayAugmentationConfig::default() }),
            ),
            (
                "replay.temperature",
                with_replay(ReplayAugmentationConfig {
                    temperature: Some(f32::NAN),
                    ..ReplayAugmentationConfig::default()
                }),
            ),
        ];
        for (field, config) in cases {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{field}: ")), "{error}");
        }
        WebSocketAiConfig::default().validate().unwrap();
    }

    #[test]
    fn durations_are_written_as_people_write_them() {
        let limits: AiLimits = serde_json::from_str(r#"{"max_time": "5m", "call_timeout": "200ms"}"#).unwrap();
        assert_eq!(limits.max_time, Some(Duration::from_secs(300)));
        assert_eq!(limits.call_timeout, Duration::from_millis(200));
        let error = serde_json::from_str::<AiLimits>(r#"{"call_timeout": "soon"}"#).unwrap_err().to_string();
        assert!(error.contains("`soon`") && error.contains("30s"), "{error}");
    }
}
