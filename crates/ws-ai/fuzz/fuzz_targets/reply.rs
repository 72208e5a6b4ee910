//! What a language model answers, whatever that is: the events in it are the same, however the answer is cut into pieces.

#![no_main]

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use libfuzzer_sys::fuzz_target;
use ws_ai::{
    AiEvent, AiEventGenerator, AiLimits, Narrator, Piece, Pieces, Provider, Request, StoryFacts, WebSocketAiConfig,
};

/// How many events are wanted.
const WANTED: usize = 50;

// The input is the answer, with zero bytes where it is cut.
fuzz_target!(|input: &str| {
    let cut = events(input.split('\0').map(str::to_owned).collect());
    assert_eq!(cut, events(vec![input.replace('\0', "")]));
    assert!(cut.len() <= WANTED);
    for (event, sequence) in cut.iter().zip(1..) {
        assert_eq!(event.sequence, sequence);
        let sent = event.to_json();
        assert_eq!(serde_json::from_str::<AiEvent>(&sent).ok().as_ref(), Some(event), "{sent}");
    }
});

/// What a client gets of an answer.
fn events(pieces: Vec<String>) -> Vec<AiEvent> {
    let config = WebSocketAiConfig {
        narrative: "fuzz".to_owned(),
        event_count: WANTED,
        seed: Some(1),
        limits: AiLimits { max_calls: 1, retries: 0, ..AiLimits::default() },
        ..WebSocketAiConfig::default()
    };
    let Ok(generator) = AiEventGenerator::with_provider(config, Answer(pieces)) else { return Vec::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { return Vec::new() };
    // Behind the one answer that there is, the story ends with an error.
    runtime.block_on(generator.story().filter_map(async |event| event.ok()).collect())
}

#[derive(Clone)]
struct Answer(Vec<String>);

impl Provider for Answer {
    fn name(&self) -> String {
        "fuzz".to_owned()
    }

    fn cache_identity(&self) -> Option<String> {
        None
    }

    fn events_per_call(&self) -> usize {
        WANTED
    }

    fn narrator(&self, _: &StoryFacts) -> Box<dyn Narrator> {
        Box::new(self.clone())
    }
}

impl Narrator for Answer {
    fn write(&mut self, _: Arc<Request>) -> Pieces {
        stream::iter(self.0.clone()).map(|piece| Ok(Piece::Text(piece))).boxed()
    }
}
