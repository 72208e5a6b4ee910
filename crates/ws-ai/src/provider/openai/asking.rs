//! What a request says in this API, and what of it can be left out for servers that do not know it.

use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::provider::choice::ModelEndpoint;
use crate::schema::reply_schema;
use crate::{ProviderErrorKind, Request, prompt};

/// Parts of a request that are good to have, and that some servers refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Parts(u8);

/// A part: its bit, its name, and how servers speak of it when they refuse it.
struct Part {
    bit: u8,
    name: &'static str,
    words: &'static [&'static str],
}

const FORMAT: Part = Part {
    bit: 1,
    name: "response_format",
    words: &["response_format", "json_schema", "schema", "grammar", "structured output"],
};
const LIMIT: Part =
    Part { bit: 2, name: "a limit of tokens", words: &["max_tokens", "max_completion_tokens", "max tokens"] };
const USAGE: Part = Part { bit: 4, name: "stream_options", words: &["stream_options", "include_usage"] };
const TEMPERATURE: Part = Part { bit: 8, name: "temperature", words: &["temperature"] };
const SEED: Part = Part { bit: 16, name: "seed", words: &["seed"] };
const PARTS: [Part; 5] = [FORMAT, LIMIT, USAGE, TEMPERATURE, SEED];

/// Words of refusals that are about the length of what was asked: leaving something out would hide that.
const OF_LENGTH: [&str; 4] = ["context", "token", "too long", "too large"];

impl Parts {
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    fn has(self, part: &Part) -> bool {
        self.0 & part.bit != 0
    }
}

/// How a model is asked.
pub(super) struct Asking {
    model: String,
    temperature: Option<f32>,
    seed: Option<u64>,
    /// `max_tokens` is the older name, which all know but the newer models of OpenAI.
    limit: &'static str,
    omitted: AtomicU8,
}

impl Asking {
    pub(super) fn new(endpoint: &ModelEndpoint) -> Self {
        let ModelEndpoint { provider, model, temperature, seed, .. } = endpoint;
        let limit = if *provider == "openai" { "max_completion_tokens" } else { "max_tokens" };
        Self { model: model.clone(), temperature: *temperature, seed: *seed, limit, omitted: AtomicU8::new(0) }
    }

    /// What this server has turned out not to know.
    pub(super) fn omitted(&self) -> Parts {
        Parts(self.omitted.load(Ordering::Relaxed))
    }

    /// The server has answered without these.
    pub(super) fn remember(&self, omitted: Parts, endpoint: &ModelEndpoint) {
        let before = Parts(self.omitted.fetch_or(omitted.0, Ordering::Relaxed));
        for part in PARTS.iter().filter(|part| omitted.has(part) && !before.has(part)) {
            let (provider, base_url) = (endpoint.provider, &endpoint.base_url);
            tracing::warn!(provider, %base_url, "the server refuses {}: it is asked without from now on", part.name);
        }
    }

    /// The body of a call for the story `number`.
    pub(super) fn body(&self, request: &Request, number: u64, omitted: Parts) -> Value {
        let mut body = json!({
            "model": self.model,
            "stream": true,
            "messages": [
                {"role": "system", "content": prompt::RULES},
                {"role": "user", "content": prompt::wish(request)},
            ],
        });
        let mut add = |part: &Part, name: &str, value: Value| {
            if !omitted.has(part) {
                body[name] = value;
            }
        };
        let schema = reply_schema(request.event_schema.as_deref(), request.wanted);
        // Not strict: OpenAI's strict mode knows a part of JSON Schema alone, and every event is checked here anyway.
        let format = json!({"name": "events", "strict": false, "schema": schema});
        add(&FORMAT, "response_format", json!({"type": "json_schema", "json_schema": format}));
        add(&LIMIT, self.limit, json!(prompt::longest_answer(request)));
        add(&USAGE, "stream_options", json!({"include_usage": true}));
        if let Some(temperature) = self.temperature {
            // By its shortest form: 0.7 is not 0.699999988079071.
            let written = temperature.to_string().parse::<f64>().unwrap_or_else(|_| f64::from(temperature));
            add(&TEMPERATURE, "temperature", json!(written));
        }
        if let Some(seed) = self.seed {
            // Some servers take 32 bits only.
            add(&SEED, "seed", json!(seed.wrapping_add(number) & 0x7fff_ffff));
        }
        body
    }

    /// What is to be left out next, if that may help.
    pub(super) fn blamed(&self, refusal: &Refusal, omitted: Parts) -> Parts {
        if !matches!(refusal.error.kind, ProviderErrorKind::Status(400 | 422)) {
            return Parts::default();
        }
        let said = refusal.said.to_lowercase();
        let speaks_of = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let sent = PARTS.iter().filter(|part| !omitted.has(part) && self.sends(part));
        let blamed = sent.filter(|part| speaks_of(part.words)).fold(0, |bits, part| bits | part.bit);
        let is_unclear = blamed == 0 && !speaks_of(&OF_LENGTH) && !omitted.has(&FORMAT);
        Parts(if is_unclear { FORMAT.bit } else { blamed })
    }

    fn sends(&self, part: &Part) -> bool {
        match part.bit {
            8 => self.temperature.is_some(),
            16 => self.seed.is_some(),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProviderError;

    fn asking(provider: &'static str) -> Asking {
        Asking::new(&ModelEndpoint {
            provider,
            base_url: "http://box/v1".to_owned(),
            model: "m".to_owned(),
            key: None,
            temperature: Some(0.7),
            seed: Some(u64::MAX),
            events_per_call: 5,
        })
    }

    fn request() -> Request {
        Request { narrative: "x".into(), wanted: 5, first_sequence: 1, ..Request::default() }
    }

    fn refusal(status: u16, said: &str) -> Refusal {
        Refusal { error: ProviderError::new(ProviderErrorKind::Status(status), ""), said: said.to_owned() }
    }

    #[test]
    fn all_is_asked_for_once() {
        let body = asking("ollama").body(&request(), 2, Parts::default());
        assert_eq!((&body["model"], &body["stream"], &body["temperature"]), (&json!("m"), &json!(true), &json!(0.7)));
        assert_eq!((&body["max_tokens"], &body["seed"]), (&json!(2_048 + 5 * 256), &json!(1)));
        assert_eq!(body["stream_options"], json!({"include_usage": true}));
        let format = &body["response_format"];
        assert_eq!((&format["type"], &format["json_schema"]["strict"]), (&json!("json_schema"), &json!(false)));
        assert_eq!(format["json_schema"]["schema"]["properties"]["events"]["minItems"], 5);
        let openai = asking("openai").body(&request(), 0, Parts::default());
        assert!(openai.get("max_tokens").is_none() && openai["max_completion_tokens"] == 3_328);
    }

    #[test]
    fn what_a_server_refuses_by_name_is_left_out() {
        let asking = asking("openai");
        let cases = [
            ("Unsupported value: 'temperature' does not support 0.7", TEMPERATURE.bit),
            ("Unsupported parameter: 'max_completion_tokens'", LIMIT.bit),
            ("unknown field \"stream_options\"", USAGE.bit),
            ("This response_format type is unavailable now", FORMAT.bit),
            ("failed to parse grammar", FORMAT.bit),
            ("Bad Request", FORMAT.bit),
        ];
        for (said, expected) in cases {
            assert_eq!(asking.blamed(&refusal(400, said), Parts::default()), Parts(expected), "{said}");
        }
        let left = Parts(TEMPERATURE.bit | FORMAT.bit);
        let body = asking.body(&request(), 0, left);
        assert!(body.get("temperature").is_none() && body.get("response_format").is_none());
        assert!(body.get("seed").is_some() && body.get("stream_options").is_some());
    }

    #[test]
    fn other_refusals_stand() {
        let asking = asking("openai");
        let hopeless = [
            refusal(400, "exceed_context_size_error: 5031 tokens, 2048 fit"),
            refusal(401, "response_format"),
            refusal(500, "response_format"),
        ];
        for refusal in hopeless {
            assert!(asking.blamed(&refusal, Parts::default()).is_empty(), "{}", refusal.said);
        }
        // What is out already is not to blame: the loop ends.
        assert!(asking.blamed(&refusal(400, "no response_format"), Parts(FORMAT.bit)).is_empty());
    }
}
