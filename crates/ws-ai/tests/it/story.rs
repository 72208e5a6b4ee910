//! When events are there, in which order, and what stops them.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use serde_json::json;
use tokio::time::Instant;
use ws_ai::{AiError, AiEventGenerator, AiLimits, ReplayAugmentationConfig, WebSocketAiConfig};

use crate::scripted::{Scripted, Step, all, config, numbers, slow_ticks, ticks};

/// G03.
#[tokio::test(start_paused = true)]
async fn the_first_event_is_there_before_the_answer_is() {
    let provider = Scripted::new(|_, _| {
        let piece = |text: &str| vec![Step::After(300), Step::Text(text.to_owned())];
        [
            piece(r#"{"events":[{"type":"a","data":{"#),
            piece(r#""n":1}},{"type":"a""#),
            piece(r#","data":{"n":2}}]}"#),
            vec![Step::Hang],
        ]
        .concat()
    });
    let mut story = provider.generator(config(2)).story();
    let start = Instant::now();
    let first = story.next().await.unwrap().unwrap();
    assert_eq!((first.sequence, &first.data, start.elapsed().as_millis()), (1, &json!({"n": 1}), 600));
    let second = story.next().await.unwrap().unwrap();
    assert_eq!((second.sequence, start.elapsed().as_millis()), (2, 900));
}

/// G07.
#[tokio::test(start_paused = true)]
async fn events_are_numbered_and_stamped_by_us_and_there_are_as_many_as_wanted() {
    let provider = Scripted::new(|_, request| ticks(request));
    let generator = provider.generator(WebSocketAiConfig { events_per_second: 4.0, ..config(12) });
    let events = all(&generator).await.unwrap();
    assert_eq!(numbers(&events), (1..=12).collect::<Vec<_>>());
    assert!(events.iter().zip(1..).all(|(event, nth)| event.sequence == nth));
    assert_eq!(
        events[11].to_json(),
        r#"{"type":"tick","timestamp":"2024-01-01T00:00:02.750Z","sequence":12,"data":{"n":12}}"#
    );
    let asked: Vec<_> = (0..provider.calls()).map(|nth| provider.request(nth)).collect();
    assert_eq!(asked.iter().map(|request| request.wanted).collect::<Vec<_>>(), [5, 5, 2]);
    assert_eq!(asked[1].first_sequence, 6);
    assert_eq!(asked[1].first_time.to_string(), "2024-01-01T00:00:01.25Z");
    assert_eq!(asked[1].step, Duration::from_millis(250));
    assert_eq!(all(&generator).await.unwrap()[0].sequence, 1, "each client has its own sequence");
    let real = generator.clock(ws_replay::TemplateClock::real());
    assert!(all(&real).await.unwrap()[0].timestamp.as_str() > "2026");
}

/// G05.
#[tokio::test(start_paused = true)]
async fn dropping_a_story_drops_its_call() {
    let provider = Scripted::new(|_, request| [ticks(request), vec![Step::Hang]].concat());
    let generator = provider.generator(config(0));
    let mut story = generator.story();
    story.next().await.unwrap().unwrap();
    assert_eq!((provider.calls(), provider.open()), (1, 1));
    drop(story);
    assert_eq!((provider.calls(), provider.open()), (1, 0));
    assert_eq!(generator.usage().abandoned_calls, 1);
}

/// The next call begins when half of what the last one gave is read, not before: who reads nothing more costs nothing more.
#[tokio::test(start_paused = true)]
async fn what_is_not_read_is_not_asked_for() {
    let provider = Scripted::new(|_, request| ticks(request));
    let mut story = provider.generator(config(0)).story();
    let mut calls = Vec::new();
    for _ in 0..9 {
        story.next().await.unwrap().unwrap();
        calls.push(provider.calls());
    }
    assert_eq!(calls, [1, 1, 2, 2, 2, 2, 2, 3, 3]);
}

#[tokio::test(start_paused = true)]
async fn an_instant_provider_is_asked_for_each_event_when_it_is_due() {
    let provider = Scripted { is_instant: true, ..Scripted::new(|_, request| ticks(request)) };
    let limits = AiLimits { max_calls: 1, ..AiLimits::default() };
    let generator = provider.generator(WebSocketAiConfig { limits, ..config(0) });
    let mut story = generator.story();
    for nth in 1..=20 {
        assert_eq!(story.next().await.unwrap().unwrap().sequence, nth);
        assert_eq!(u64::try_from(provider.calls()).unwrap(), nth);
    }
    let usage = generator.usage();
    assert_eq!((usage.calls, usage.events), (0, 20), "it costs nothing");
}

/// G06.
#[tokio::test(start_paused = true)]
async fn many_clients_are_written_for_at_once() {
    let provider = Scripted::new(|_, request| slow_ticks(300, request));
    let generator = provider.generator(config(0));
    let start = Instant::now();
    let mut stories: Vec<_> = (0..8).map(|_| generator.story()).collect();
    let firsts = futures_util::future::join_all(stories.iter_mut().map(StreamExt::next)).await;
    assert!(firsts.into_iter().all(|first| first.unwrap().unwrap().sequence == 1));
    assert_eq!(start.elapsed().as_millis(), 300);
}

/// A client that does not read holds no call that others wait for.
#[tokio::test(start_paused = true)]
async fn a_story_that_is_not_read_lets_others_call() {
    let provider = Scripted::new(|_, request| slow_ticks(300, request));
    let limits = AiLimits { concurrent_calls: 1, ..AiLimits::default() };
    let generator = provider.generator(WebSocketAiConfig { limits, ..config(0) });
    let mut idle = generator.story();
    idle.next().await.unwrap().unwrap();
    let mut other = generator.story();
    other.next().await.unwrap().unwrap();
    assert_eq!(provider.begun(), [0, 300]);
}

/// G10.
#[tokio::test(start_paused = true)]
async fn the_embedded_provider_writes_the_same_again_with_a_seed() {
    let embedded = ReplayAugmentationConfig { provider: "embedded".to_owned(), ..Default::default() };
    let config = WebSocketAiConfig {
        narrative: "a busy stock market".to_owned(),
        replay: Some(embedded),
        events_per_second: 10.0,
        ..config(20)
    };
    let generator = AiEventGenerator::new(config.clone()).unwrap();
    let texts = |generator: AiEventGenerator| async move {
        let events = generator.story().collect::<Vec<_>>().now_or_never().unwrap();
        events.into_iter().map(|event| event.unwrap().to_json()).collect::<Vec<_>>()
    };
    let first = texts(generator.clone()).await;
    assert_eq!(first.len(), 20);
    assert_ne!(texts(generator).await, first, "another client has another story");
    assert_eq!(texts(AiEventGenerator::new(config.clone()).unwrap()).await, first);
    let other = AiEventGenerator::new(WebSocketAiConfig { seed: Some(8), ..config }).unwrap();
    assert_ne!(texts(other).await, first);
}

#[tokio::test]
async fn without_being_enabled_there_are_no_events() {
    let provider = Scripted::new(|_, request| ticks(request));
    let generator = provider.generator(WebSocketAiConfig { enabled: false, ..config(3) });
    let error = all(&generator).await.unwrap_err();
    assert!(matches!(error, AiError::Config { field: "enabled", .. }), "{error}");
    assert_eq!(provider.calls(), 0);
}
