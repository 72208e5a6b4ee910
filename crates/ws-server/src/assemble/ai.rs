//! Events that nobody wrote, as a mode: streamed alone, or put into a script.

use std::path::Path;
use std::sync::Arc;

use ws_ai::{
    AiError, AiEventGenerator, AiHandler, AiObserver, AugmentedScript, CallOutcome, RejectKind, WebSocketAiConfig,
};
use ws_metrics::MetricsRegistry;
use ws_replay::TemplateClock;

use super::blueprint::Part;
use super::{Assembly, EVERYONE};
use crate::ServerError;

impl Assembly<'_> {
    /// Who streams events to each connection; rules answer before.
    pub(super) fn events(
        &self,
        config: &WebSocketAiConfig,
        rules: Option<&Path>,
        audience: &str,
    ) -> Result<Vec<Part>, ServerError> {
        let rules = rules.map(|file| self.rules_before(file, audience)).transpose()?;
        let generator = self.generator(config, audience)?;
        self.making.say(format!("streaming events to {audience}: {}", generator.provider_name()));
        let mode = Part::Shared(Arc::new(AiHandler::new(generator)));
        Ok(rules.into_iter().chain([mode]).collect())
    }

    /// Who plays a script that is enriched with events; rules answer what it does not wait for.
    pub(super) fn enriched(
        &self,
        script: &Path,
        config: &WebSocketAiConfig,
        rules: Option<&Path>,
        audience: &str,
    ) -> Result<Vec<Part>, ServerError> {
        let rules = self.script(script, rules, audience)?.rules;
        let generator = self.generator(config, audience)?;
        self.making.say(format!("enriching {} with events: {}", script.display(), generator.provider_name()));
        let script = AugmentedScript::load(generator, script).map_err(|error| refused(error, audience))?;
        Ok(vec![Part::Enriched(Arc::new(script), rules)])
    }

    fn generator(&self, config: &WebSocketAiConfig, audience: &str) -> Result<AiEventGenerator, ServerError> {
        let seed = config.seed.or(self.config.seed);
        // One for all, which `--seed` repeats.
        let drawn = self.lasting.drawn_seed.get().copied();
        let config = WebSocketAiConfig { seed: seed.or(drawn), ..config.clone() };
        let generator = AiEventGenerator::new(config).map_err(|error| refused(error, audience))?;
        if seed.is_none() {
            self.lasting.drawn_seed.get_or_init(|| generator.seed());
        }
        // A seed that was drawn stops no clock.
        let clock = self.config.clock.or_else(|| seed.is_none().then(TemplateClock::real));
        let generator = match clock {
            Some(clock) => generator.clock(clock),
            None => generator,
        };
        Ok(generator.observed_by(Arc::new(Counted(self.lasting.metrics.clone()))))
    }
}

fn refused(error: AiError, audience: &str) -> ServerError {
    match error {
        AiError::Replay(errors) => errors.into(),
        source if audience == EVERYONE => ServerError::Ai { place: "ai_config".to_owned(), source },
        source => ServerError::Ai { place: format!("ai_config of {audience}"), source },
    }
}

/// Counts what events cost.
struct Counted(MetricsRegistry);

impl AiObserver for Counted {
    fn on_call(&self, outcome: CallOutcome) {
        self.0.record_ws_ai_call(outcome.as_str());
    }

    fn on_tokens(&self, prompt: u64, completion: u64) {
        self.0.record_ws_ai_tokens(prompt, completion);
    }

    fn on_event(&self) {
        self.0.record_ws_ai_event();
    }

    fn on_reject(&self, reason: RejectKind) {
        self.0.record_ws_ai_rejected(reason.as_str());
    }
}
