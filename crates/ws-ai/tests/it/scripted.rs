//! A provider that writes what a test says, when the test says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use ws_ai::{
    AiError, AiEvent, AiEventGenerator, Narrator, Piece, Pieces, Provider, ProviderError, ProviderErrorKind, Request,
    StoryFacts, WebSocketAiConfig,
};

/// A part of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Text(String),
    After(u64),
    Usage(u64, u64),
    Fail(ProviderError),
    /// Nothing more comes, nor an end.
    Hang,
}

pub(crate) type Answer = dyn Fn(usize, &Request) -> Vec<Step> + Send + Sync;

/// Answers each call by a function of its number, from 0, and its request.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) answer: Arc<Answer>,
    pub(crate) events_per_call: usize,
    pub(crate) is_instant: bool,
    pub(crate) cache_identity: Option<String>,
    pub(crate) seen: Arc<Seen>,
}

#[derive(Default)]
pub(crate) struct Seen {
    calls: Mutex<Vec<(Instant, Arc<Request>)>>,
    open: AtomicUsize,
}

impl Scripted {
    pub(crate) fn new(answer: impl Fn(usize, &Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let (answer, seen) = (Arc::new(answer), Arc::default());
        Self { answer, events_per_call: 5, is_instant: false, cache_identity: None, seen }
    }

    pub(crate) fn generator(&self, config: WebSocketAiConfig) -> AiEventGenerator {
        AiEventGenerator::with_provider(config, self.clone()).unwrap()
    }

    pub(crate) fn calls(&self) -> usize {
        self.seen.calls.lock().unwrap().len()
    }

    pub(crate) fn request(&self, nth: usize) -> Arc<Request> {
        Arc::clone(&self.seen.calls.lock().unwrap()[nth].1)
    }

    /// When the calls began, in milliseconds after the first.
    pub(crate) fn begun(&self) -> Vec<u128> {
        let calls = self.seen.calls.lock().unwrap();
        calls.iter().map(|(at, _)| at.duration_since(calls[0].0).as_millis()).collect()
    }

    /// How many calls have neither ended nor been dropped.
    pub(crate) fn open(&self) -> usize {
        self.seen.open.load(Ordering::SeqCst)
    }
}

impl Provider for Scripted {
    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn cache_identity(&self) -> Option<String> {
        self.cache_identity.clone()
    }

    fn events_per_call(&self) -> usize {
        self.events_per_call
    }

    fn is_instant(&self) -> bool {
        self.is_instant
    }

    fn narrator(&self, _: &StoryFacts) -> Box<dyn Narrator> {
        Box::new(ScriptedNarrator(self.clone()))
    }
}

struct ScriptedNarrator(Scripted);

impl Narrator for ScriptedNarrator {
    fn write(&mut self, request: Arc<Request>) -> Pieces {
        let Scripted { answer, seen, .. } = &self.0;
        let nth = {
            let mut calls = seen.calls.lock().unwrap();
            calls.push((Instant::now(), Arc::clone(&request)));
            calls.len() - 1
        };
        let steps = answer(nth, &request).into_iter();
        stream::unfold((steps, Open::count(seen)), async |(mut steps, open)| {
            loop {
                let piece = match steps.next()? {
                    Step::Text(text) => Ok(Piece::Text(text)),
                    Step::Usage(prompt, completion) => Ok(Piece::Usage { prompt, completion }),
                    Step::Fail(error) => Err(error),
                    Step::Hang => std::future::pending().await,
                    Step::After(milliseconds) => {
                        sleep(Duration::from_millis(milliseconds)).await;
                        continue;
                    }
                };
                return Some((piece, (steps, open)));
            }
        })
        .boxed()
    }
}

/// An open call.
struct Open(Arc<Seen>);

impl Open {
    fn count(seen: &Arc<Seen>) -> Self {
        seen.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(seen))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An answer of these events, each `{"type", "data"}`.
pub(crate) fn reply(events: &[Value]) -> Vec<Step> {
    vec![Step::Text(json!({ "events": events }).to_string())]
}

/// An answer to `request`: `tick` with `n` from its first sequence.
pub(crate) fn ticks(request: &Request) -> Vec<Step> {
    let numbers = (request.first_sequence..).take(request.wanted);
    reply(&numbers.map(|n| json!({"type": "tick", "data": {"n": n}})).collect::<Vec<_>>())
}

/// The same after some milliseconds.
pub(crate) fn slow_ticks(milliseconds: u64, request: &Request) -> Vec<Step> {
    [vec![Step::After(milliseconds)], ticks(request)].concat()
}

pub(crate) fn failure(status: u16) -> Step {
    Step::Fail(ProviderError::new(ProviderErrorKind::Status(status), format!("the server said {status}")))
}

pub(crate) fn config(event_count: usize) -> WebSocketAiConfig {
    WebSocketAiConfig { narrative: "it ticks".to_owned(), event_count, seed: Some(7), ..WebSocketAiConfig::default() }
}

/// All events of one more story.
pub(crate) async fn all(generator: &AiEventGenerator) -> Result<Vec<AiEvent>, AiError> {
    generator.story().try_collect().await
}

/// The `n` of each event.
pub(crate) fn numbers(events: &[AiEvent]) -> Vec<u64> {
    events.iter().map(|event| event.data["n"].as_u64().unwrap()).collect()
}
