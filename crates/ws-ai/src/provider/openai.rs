//! Language models behind the chat API of OpenAI, theirs or anybody's, by async-openai.
//!
//! Of async-openai only the calls are used, over our own HTTP: it reads no variables, repeats nothing and follows no
//! redirects. Answers come through a task and a queue of async-openai's that end when the stream is dropped, and whose
//! size is bounded because the bytes that go in are. So the server is read as fast as it writes, however slowly events are
//! sent on, and time-outs count its time alone.

mod answer;
mod asking;
mod call;
mod chunk;
mod lines;
mod refusal;
#[cfg(test)]
mod tests;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use self::answer::Answer;
use self::asking::Asking;
use self::call::Calls;
use super::choice::ModelEndpoint;
use crate::{AiError, Narrator, Pieces, Provider, ProviderError, Request, StoryFacts};

/// A language model.
pub(super) struct OpenAiProvider {
    model: Arc<Model>,
}

struct Model {
    endpoint: ModelEndpoint,
    calls: Calls,
    asking: Asking,
}

impl OpenAiProvider {
    pub(super) fn new(endpoint: ModelEndpoint, call_timeout: Duration) -> Result<Self, AiError> {
        let calls = Calls::new(&endpoint, call_timeout)?;
        let ModelEndpoint { base_url, model, .. } = &endpoint;
        tracing::info!(%model, "the narrative, recent events and what clients say go to {base_url}");
        let asking = Asking::new(&endpoint);
        Ok(Self { model: Arc::new(Model { endpoint, calls, asking }) })
    }
}

impl Provider for OpenAiProvider {
    fn name(&self) -> String {
        let ModelEndpoint { provider, model, base_url, .. } = &self.model.endpoint;
        format!("{provider} {model} at {base_url}")
    }

    fn cache_identity(&self) -> Option<String> {
        let ModelEndpoint { model, base_url, temperature, seed, .. } = &self.model.endpoint;
        let mut identity = format!("{model} at {base_url}");
        if let Some(temperature) = temperature {
            identity.push_str(&format!(", temperature {temperature}"));
        }
        if let Some(seed) = seed {
            identity.push_str(&format!(", seed {seed}"));
        }
        Some(identity)
    }

    fn events_per_call(&self) -> usize {
        self.model.endpoint.events_per_call
    }

    fn narrator(&self, story: &StoryFacts) -> Box<dyn Narrator> {
        Box::new(OpenAiNarrator { model: Arc::clone(&self.model), number: story.number })
    }
}

/// It keeps nothing between requests: what a story has told so far is in each of them.
struct OpenAiNarrator {
    model: Arc<Model>,
    number: u64,
}

impl Narrator for OpenAiNarrator {
    fn write(&mut self, request: Arc<Request>) -> Pieces {
        let (model, number) = (Arc::clone(&self.model), self.number);
        let begun = stream::once(async move { model.begin(&request, number).await });
        begun
            .flat_map(|answer| match answer {
                Ok(answer) => answer.pieces().left_stream(),
                Err(error) => stream::once(async { Err(error) }).right_stream(),
            })
            .boxed()
    }
}

impl Model {
    /// Asks, again without what the server does not know: servers differ in what of this API they have.
    async fn begin(&self, request: &Request, number: u64) -> Result<Answer, ProviderError> {
        let mut omitted = self.asking.omitted();
        loop {
            let refusal = match self.calls.begin(&self.asking.body(request, number, omitted)).await {
                Ok(answer) => {
                    self.asking.remember(omitted, &self.endpoint);
                    return Ok(answer);
                }
                Err(refusal) => refusal,
            };
            let blamed = self.asking.blamed(&refusal, omitted);
            if blamed.is_empty() {
                return Err(refusal.error);
            }
            omitted = omitted.with(blamed);
        }
    }
}
