//! Which provider writes, where it is, and which key it gets: what follows from the configuration and the environment.
//!
//! The environment is a function that the caller gives. A key goes to whom it is meant for: `OPENAI_API_KEY` to the
//! provider `openai` alone, `MOCKFORGE_AI_API_KEY` to whichever is chosen.

use std::time::Duration;

use http::Uri;

use super::api_key::ApiKey;
use crate::{AiError, Provider, WebSocketAiConfig};

const OUR_KEY: &str = "MOCKFORGE_AI_API_KEY";
const OPENAI_KEY: &str = "OPENAI_API_KEY";
const OPENAI_BASE: &str = "OPENAI_BASE_URL";

/// Who writes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Choice {
    /// The embedded provider.
    Embedded,
    /// A language model.
    Model(ModelEndpoint),
}

/// A language model, and where it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelEndpoint {
    /// The provider's name in the configuration.
    pub(super) provider: &'static str,
    /// Where its API is, without a slash at the end.
    pub(super) base_url: String,
    pub(super) model: String,
    pub(super) key: Option<ApiKey>,
    pub(super) temperature: Option<f32>,
    pub(super) seed: Option<u64>,
    pub(super) events_per_call: usize,
}

impl ModelEndpoint {
    /// Its provider, each of whose calls takes at most `call_timeout`.
    #[cfg(feature = "openai")]
    pub(crate) fn provider(self, call_timeout: Duration) -> Result<Box<dyn Provider>, AiError> {
        Ok(Box::new(super::openai::OpenAiProvider::new(self, call_timeout)?))
    }

    /// Without the feature there is none.
    #[cfg(not(feature = "openai"))]
    pub(crate) fn provider(self, _: Duration) -> Result<Box<dyn Provider>, AiError> {
        let problem = format!("`{}` needs the feature `openai` of ws-ai, and this was built without it", self.provider);
        Err(AiError::config("replay.provider", problem))
    }
}

/// A language model's provider that can be named, and where it usually is.
struct Known {
    name: &'static str,
    base_url: Option<&'static str>,
}

const OPENAI: Known = Known { name: "openai", base_url: Some("https://api.openai.com/v1") };
const OTHER: Known = Known { name: "openai-compatible", base_url: None };
const MODELS: [Known; 5] = [
    OPENAI,
    Known { name: "ollama", base_url: Some("http://127.0.0.1:11434/v1") },
    Known { name: "llama.cpp", base_url: Some("http://127.0.0.1:8080/v1") },
    Known { name: "vllm", base_url: Some("http://127.0.0.1:8000/v1") },
    OTHER,
];
const EMBEDDED: [&str; 2] = ["embedded", "offline"];

/// The names of providers, as a configuration has them.
pub const PROVIDER_NAMES: [&str; 6] =
    [EMBEDDED[0], MODELS[0].name, MODELS[1].name, MODELS[2].name, MODELS[3].name, MODELS[4].name];

/// Which provider a name means.
enum Named {
    Nobody,
    Embedded,
    Model(Known),
}

fn named(name: &str) -> Result<Named, AiError> {
    let name = name.trim();
    if name.is_empty() {
        return Ok(Named::Nobody);
    }
    if EMBEDDED.iter().any(|embedded| embedded.eq_ignore_ascii_case(name)) {
        return Ok(Named::Embedded);
    }
    let known = MODELS.into_iter().find(|known| known.name.eq_ignore_ascii_case(name));
    known.map(Named::Model).ok_or_else(|| unknown(name))
}

/// Refuses names that mean no provider.
pub(crate) fn check_name(name: &str) -> Result<(), AiError> {
    named(name).map(drop)
}

/// Who writes by this configuration; `variable` looks up a variable of the environment.
pub(crate) fn choose(config: &WebSocketAiConfig, variable: impl Fn(&str) -> Option<String>) -> Result<Choice, AiError> {
    let replay = config.replay.clone().unwrap_or_default();
    let set = |name| variable(name).filter(|value| !value.trim().is_empty());
    let model = replay.model.trim();
    let named_base = replay.base_url.as_deref().map(str::trim).filter(|url| !url.is_empty());
    let key_that_is_set = [OUR_KEY, OPENAI_KEY].into_iter().find(|&name| set(name).is_some());
    let known = match (named(&replay.provider)?, key_that_is_set) {
        (Named::Embedded, _) if !model.is_empty() || named_base.is_some() => {
            let (field, what) = if model.is_empty() { ("replay.base_url", "place") } else { ("replay.model", "model") };
            let problem = format!("the embedded provider has no {what}: leave it out, or name another provider");
            return Err(AiError::config(field, problem));
        }
        (Named::Embedded, _) => return Ok(Choice::Embedded),
        (Named::Model(known), _) => known,
        (Named::Nobody, _) if named_base.is_some() => OTHER,
        // Without a key it is refused below.
        (Named::Nobody, _) if !model.is_empty() => OPENAI,
        (Named::Nobody, key) => {
            // A key that happens to be set must not spend money by accident.
            if let Some(key) = key {
                tracing::info!(
                    "{key} is not used for events of an `ai_config` that names no model: name one to have `openai` write them"
                );
            }
            return Ok(Choice::Embedded);
        }
    };
    if model.is_empty() {
        let name = known.name;
        let problem = format!("`{name}` writes, but no model is named: name one, or take the provider `embedded`");
        return Err(AiError::config("replay.model", problem));
    }
    if config.narrative.trim().is_empty() && replay.narrative.trim().is_empty() {
        return Err(AiError::config("narrative", "a language model needs one: say what happens"));
    }
    let openai_base = set(OPENAI_BASE).filter(|_| known.name == OPENAI.name);
    let base_url = match (named_base, &openai_base, known.base_url) {
        (Some(url), ..) => base_url(url, "replay.base_url")?,
        (None, Some(url), _) => base_url(url.trim(), OPENAI_BASE)?,
        (None, None, Some(usual)) => usual.to_owned(),
        (None, None, None) => {
            let problem = format!("`{}` can be anywhere: name it, e.g. http://127.0.0.1:1234/v1", known.name);
            return Err(AiError::config("replay.base_url", problem));
        }
    };
    let key = match set(OUR_KEY) {
        Some(key) => Some(usable(&key, OUR_KEY)?),
        None if known.name == OPENAI.name => match set(OPENAI_KEY) {
            Some(key) => Some(usable(&key, OPENAI_KEY)?),
            None => return Err(no_key()),
        },
        None => None,
    };
    Ok(Choice::Model(ModelEndpoint {
        provider: known.name,
        base_url,
        model: model.to_owned(),
        key,
        temperature: replay.temperature,
        seed: config.seed,
        events_per_call: replay.events_per_call,
    }))
}

fn unknown(name: &str) -> AiError {
    let folded = name.to_lowercase();
    let slips = |known: &&str| strsim::osa_distance(&folded, known);
    let near = PROVIDER_NAMES.into_iter().filter(|known| slips(known) <= 3.min(known.len() / 2)).min_by_key(slips);
    let problem = match near {
        Some(near) => format!("`{name}` is not known: did you mean `{near}`?"),
        None => format!("`{name}` is not known: expected one of {}", PROVIDER_NAMES.join(", ")),
    };
    AiError::config("replay.provider", problem)
}

fn no_key() -> AiError {
    let problem = format!("`openai` needs a key: set {OPENAI_KEY} or {OUR_KEY}, or take the provider `embedded`");
    AiError::config("replay.provider", problem)
}

fn usable(key: &str, variable: &'static str) -> Result<ApiKey, AiError> {
    // The key itself is not said, nor what of it is wrong.
    ApiKey::new(key).ok_or_else(|| AiError::config(variable, "this is no key: it has blanks or other odd characters"))
}

/// An `http` or `https` URL to which `/chat/completions` can be added. What is wrong with it is said without quoting it,
/// where it may have a secret in it.
fn base_url(text: &str, field: &'static str) -> Result<String, AiError> {
    let refused = |problem: String| Err(AiError::config(field, problem));
    let expected = "expected e.g. http://127.0.0.1:11434/v1";
    let uri: Uri = match text.parse() {
        Ok(uri) => uri,
        Err(error) => return refused(format!("this is no URL ({error}); {expected}")),
    };
    let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return refused(format!("this is no http or https URL; {expected}"));
    };
    if authority.as_str().contains('@') {
        return refused(format!("a URL must hold no secret: put the key into {OUR_KEY}"));
    }
    if authority.host().is_empty() {
        return refused(format!("this URL has no host; {expected}"));
    }
    if uri.query().is_some() || text.contains('#') {
        return refused(format!("this URL must end with its path; {expected}"));
    }
    let base = text.trim_end_matches('/');
    // People copy the whole address.
    Ok(base.strip_suffix("/chat/completions").unwrap_or(base).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReplayAugmentationConfig;

    fn config(provider: &str, model: &str, base_url: Option<&str>) -> WebSocketAiConfig {
        let replay = ReplayAugmentationConfig {
            provider: provider.to_owned(),
            model: model.to_owned(),
            base_url: base_url.map(str::to_owned),
            ..ReplayAugmentationConfig::default()
        };
        WebSocketAiConfig {
            narrative: "a stock market".to_owned(),
            replay: Some(replay),
            ..WebSocketAiConfig::default()
        }
    }

    fn with(variables: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        |asked| variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
    }

    fn model(config: &WebSocketAiConfig, variables: &'static [(&'static str, &'static str)]) -> ModelEndpoint {
        match choose(config, with(variables)).unwrap() {
            Choice::Model(model) => model,
            Choice::Embedded => panic!("embedded"),
        }
    }

    fn refused(config: &WebSocketAiConfig, variables: &'static [(&'static str, &'static str)]) -> String {
        choose(config, with(variables)).unwrap_err().to_string()
    }

    #[test]
    fn with_nothing_named_and_nothing_set_the_embedded_one_writes() {
        for config in [WebSocketAiConfig::default(), config("", "", None), config("", " ", Some(" "))] {
            assert_eq!(choose(&config, with(&[])).unwrap(), Choice::Embedded);
            // A key alone means nothing.
            assert_eq!(choose(&config, with(&[("OPENAI_API_KEY", "sk-1")])).unwrap(), Choice::Embedded);
        }
        for name in ["embedded", "offline", "Embedded"] {
            let chosen = choose(&config(name, "", None), with(&[("OPENAI_API_KEY", "sk-1")])).unwrap();
            assert_eq!(chosen, Choice::Embedded);
        }
    }

    #[test]
    fn what_is_named_says_whose_api_it_is() {
        let at = |provider: &str| model(&config(provider, "m", None), &[("MOCKFORGE_AI_API_KEY", "k")]).base_url;
        assert_eq!(at("openai"), "https://api.openai.com/v1");
        assert_eq!(at(""), "https://api.openai.com/v1");
        assert_eq!(at("Ollama"), "http://127.0.0.1:11434/v1");
        assert_eq!(at("llama.cpp"), "http://127.0.0.1:8080/v1");
        assert_eq!(at("vllm"), "http://127.0.0.1:8000/v1");
        let other = model(&config("", "m", Some("http://box:1234/v1/")), &[]);
        assert_eq!((other.provider, &*other.base_url), ("openai-compatible", "http://box:1234/v1"));
        let whole = model(&config("vllm", "m", Some("https://box/v1/chat/completions")), &[]);
        assert_eq!(whole.base_url, "https://box/v1");
    }

    #[test]
    fn a_key_goes_to_whom_it_is_meant_for() {
        const BOTH: &[(&str, &str)] = &[("MOCKFORGE_AI_API_KEY", "ours"), ("OPENAI_API_KEY", "sk-theirs")];
        const THEIRS: &[(&str, &str)] = &[("OPENAI_API_KEY", "sk-theirs"), ("OPENAI_BASE_URL", "http://proxy/v1")];
        let key =
            |provider, variables| model(&config(provider, "m", None), variables).key.map(|key| key.reveal().to_owned());
        assert_eq!(key("openai", BOTH).as_deref(), Some("ours"));
        assert_eq!(key("openai", THEIRS).as_deref(), Some("sk-theirs"));
        assert_eq!(key("ollama", BOTH).as_deref(), Some("ours"));
        assert_eq!(key("ollama", THEIRS), None);
        assert_eq!(model(&config("", "m", Some("http://box/v1")), THEIRS).key, None);
        assert_eq!(model(&config("openai", "m", None), THEIRS).base_url, "http://proxy/v1");
        assert_eq!(model(&config("openai", "m", Some("http://box/v1")), THEIRS).base_url, "http://box/v1");
        assert_eq!(model(&config("vllm", "m", None), THEIRS).base_url, "http://127.0.0.1:8000/v1");
    }

    #[test]
    #[cfg(not(feature = "openai"))]
    fn without_the_feature_a_model_is_refused_by_its_name() {
        let error = model(&config("ollama", "m", None), &[]).provider(Duration::from_secs(1)).err().unwrap();
        let expected = "replay.provider: `ollama` needs the feature `openai` of ws-ai, and this was built without it";
        assert_eq!(error.to_string(), expected);
    }

    /// G10: the key is in the choice, and not in what is shown of it.
    #[test]
    fn a_choice_does_not_show_its_key() {
        let shown = format!("{:?}", model(&config("openai", "m", None), &[("OPENAI_API_KEY", "sk-secret")]));
        assert!(shown.contains("***") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn what_cannot_write_is_refused_with_the_way_out() {
        const KEY: &[(&str, &str)] = &[("OPENAI_API_KEY", "sk-secret")];
        for provider in ["openai", "ollama", "llama.cpp", "vllm"] {
            let expected = format!(
                "replay.model: `{provider}` writes, but no model is named: name one, or take the provider `embedded`"
            );
            assert_eq!(refused(&config(provider, " ", None), KEY), expected);
        }
        assert!(refused(&config("", "", Some("http://box/v1")), &[]).starts_with("replay.model: "));
        assert!(refused(&config("", "gpt-4", None), &[("OPENAI_API_KEY", " ")]).contains("OPENAI_API_KEY"));
        assert!(refused(&config("openai", "gpt-4", None), &[]).contains("OPENAI_API_KEY"));
        assert_eq!(
            refused(&config("olama", "m", None), &[]),
            "replay.provider: `olama` is not known: did you mean `ollama`?"
        );
        assert!(refused(&config("embedded", "gpt-4", None), &[]).starts_with("replay.model: "));
        assert!(refused(&config("offline", "", Some("http://box/v1")), &[]).starts_with("replay.base_url: "));
        assert!(refused(&config("anthropic", "m", None), &[]).contains("embedded, openai, ollama, llama.cpp, vllm"));
        assert!(refused(&config("openai-compatible", "m", None), &[]).starts_with("replay.base_url: "));
        let silent = WebSocketAiConfig { narrative: " ".to_owned(), ..config("ollama", "m", None) };
        assert!(refused(&silent, &[]).starts_with("narrative: "));
        let odd_key = refused(&config("openai", "m", None), &[("OPENAI_API_KEY", "sk secret")]);
        assert!(odd_key.starts_with("OPENAI_API_KEY: ") && !odd_key.contains("secret"), "{odd_key}");
    }

    #[test]
    fn urls_that_lead_nowhere_or_hold_a_secret_are_refused() {
        let urls =
            ["ftp://box/v1", "box", "/v1", "http://", "http://me:s3cr3t@box/v1", "http://box/v1?key=s3cr3t", "a b"];
        for url in urls {
            let problem = refused(&config("vllm", "m", Some(url)), &[]);
            assert!(problem.starts_with("replay.base_url: ") && !problem.contains("s3cr3t"), "{url}: {problem}");
        }
        let leaked = refused(&config("openai", "m", None), &[("OPENAI_API_KEY", "k"), ("OPENAI_BASE_URL", "box")]);
        assert!(leaked.starts_with("OPENAI_BASE_URL: "), "{leaked}");
    }
}
