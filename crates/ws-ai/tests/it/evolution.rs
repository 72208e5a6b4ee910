//! What of a story goes into the next request: events, what the client said, complaints; and the cache.

use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;
use ws_ai::{Draft, WebSocketAiConfig};

use crate::scripted::{Scripted, Step, all, config, numbers, reply, ticks};

#[tokio::test(start_paused = true)]
async fn events_and_what_the_client_said_go_into_the_next_request() {
    let provider = Scripted { events_per_call: 2, ..Scripted::new(|_, request| ticks(request)) };
    let mut story = provider.generator(config(0)).story();
    let listener = story.listener();
    listener.hear("before the first");
    story.next().await.unwrap().unwrap();
    listener.hear("buy");
    listener.hear("sell");
    story.next().await.unwrap().unwrap();
    story.next().await.unwrap().unwrap();
    let first = provider.request(0);
    assert_eq!(
        (&*first.narrative, first.recent.len(), &first.said[..]),
        ("it ticks", 0, &["before the first".to_owned()][..])
    );
    let second = provider.request(1);
    let tick = |n| Draft { kind: "tick".to_owned(), data: json!({ "n": n }) };
    assert_eq!(second.recent, [tick(1), tick(2)]);
    assert_eq!(second.said.len() + provider.request(2).said.len(), 2, "each is said once");
}

#[tokio::test(start_paused = true)]
async fn a_story_that_does_not_evolve_hears_nothing() {
    let provider = Scripted::new(|_, request| ticks(request));
    let mut story = provider.generator(WebSocketAiConfig { progressive_evolution: false, ..config(10) }).story();
    assert!(!story.listener().is_attentive());
    story.listener().hear("buy");
    while story.try_next().await.unwrap().is_some() {}
    for nth in 0..2 {
        assert!(provider.request(nth).recent.is_empty() && provider.request(nth).said.is_empty());
    }
}

/// An instant provider hears what was said right before the event.
#[tokio::test(start_paused = true)]
async fn an_instant_provider_is_steered_with_the_next_event() {
    let provider = Scripted { is_instant: true, ..Scripted::new(|_, request| ticks(request)) };
    let mut story = provider.generator(config(0)).story();
    story.next().await.unwrap().unwrap();
    story.listener().hear("crash");
    story.next().await.unwrap().unwrap();
    assert_eq!(provider.request(1).said, ["crash"]);
    story.next().await.unwrap().unwrap();
    assert!(provider.request(2).said.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_wrong_with_an_answer_is_said_in_the_next_request() {
    let provider = Scripted::new(|nth, request| match nth {
        0 => reply(&[json!({"type": 7, "data": {}}), json!({"type": "tick", "data": {"n": 1}})]),
        _ => ticks(request),
    });
    let generator = provider.generator(config(2));
    assert_eq!(numbers(&all(&generator).await.unwrap()), [1, 2]);
    assert!(provider.request(0).complaints.is_empty());
    let complaints = &provider.request(1).complaints;
    assert!(complaints.len() == 1 && complaints[0].contains("type"), "{complaints:?}");
    assert_eq!(provider.request(1).wanted, 1);
    assert_eq!(generator.usage().rejected, 1);
}

#[cfg(feature = "json-schema")]
#[tokio::test(start_paused = true)]
async fn no_event_that_breaks_the_schema_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schema.json");
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}, "required": ["n"]});
    std::fs::write(&file, schema.to_string()).unwrap();
    let tick = |n: u64| json!({"type": "tick", "data": {"n": n}});
    let provider = Scripted::new(move |nth, _| reply(&[tick([6, 4][nth % 2]), tick(7), tick([8, 3][nth % 2])]));
    let generator = provider.generator(WebSocketAiConfig { event_schema: Some(file), ..config(2) });
    assert_eq!(numbers(&all(&generator).await.unwrap()), [4, 3]);
    assert_eq!(provider.request(0).event_schema.as_deref(), Some(&schema));
    let complaints = provider.request(1).complaints.join("; ");
    assert!(complaints.contains("data.n") && complaints.contains("maximum of 5"), "{complaints}");
    assert_eq!(generator.usage().rejected, 4);
}

/// Models repeat themselves: they are asked for something else, once; after that, what they write is taken.
#[tokio::test(start_paused = true)]
async fn a_repetition_is_asked_for_again_and_then_taken() {
    let tick = |n: u64| json!({"type": "tick", "data": {"n": n}});
    let provider = Scripted::new(move |nth, _| match nth {
        0 => reply(&[tick(1), tick(1), tick(2), tick(1)]),
        1 => reply(&[tick(3)]),
        _ => reply(&[tick(3)]),
    });
    let generator = provider.generator(config(5));
    assert_eq!(numbers(&all(&generator).await.unwrap()), [1, 2, 3, 3, 3]);
    assert!(provider.request(1).complaints[0].contains("repeats"), "{:?}", provider.request(1).complaints);
    let usage = generator.usage();
    assert_eq!((usage.rejected, usage.events), (4, 5));
}

#[tokio::test(start_paused = true)]
async fn prose_fences_and_a_missing_end_do_no_harm() {
    let provider = Scripted::new(|nth, request| match nth {
        0 => vec![Step::Text(
            "Sure! Here are {some} events:\n```json\n[{\"type\":\"tick\",\"data\":{\"n\":1}},{\"type\":\"tick\",\"da"
                .to_owned(),
        )],
        _ => ticks(request),
    });
    assert_eq!(numbers(&all(&provider.generator(config(3))).await.unwrap()), [1, 2, 3]);
}

/// What a model writes behind its last event is not waited for, unless it is short: what the call cost stands at its end.
#[tokio::test(start_paused = true)]
async fn a_model_that_does_not_stop_is_stopped() {
    let provider = Scripted::new(|_, request| {
        let chatter = (0..1000).flat_map(|_| [Step::After(10), Step::Text("and so on ".to_owned())]);
        ticks(request).into_iter().chain(chatter).collect()
    });
    let start = tokio::time::Instant::now();
    assert_eq!(all(&provider.generator(config(5))).await.unwrap().len(), 5);
    assert!(start.elapsed().as_millis() < 400, "{:?}", start.elapsed());
}

/// The second run is free and equal, also where the first one had to ask again.
#[tokio::test]
async fn what_is_in_the_cache_is_not_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let config = || WebSocketAiConfig { cache_dir: Some(folder.path().to_owned()), ..config(12) };
    let identity = Some("http://127.0.0.1:1/v1 model".to_owned());
    let answer = |nth: usize, request: &ws_ai::Request| match nth {
        1 => vec![Step::Text("nonsense".to_owned())],
        _ => [ticks(request), vec![Step::Usage(100, 10)]].concat(),
    };
    let provider = Scripted { cache_identity: identity.clone(), ..Scripted::new(answer) };
    let first = all(&provider.generator(config())).await.unwrap();
    assert_eq!(provider.calls(), 4);

    let never = Scripted { cache_identity: identity.clone(), ..Scripted::new(|_, _| panic!("it is asked")) };
    let generator = never.generator(config());
    assert_eq!(all(&generator).await.unwrap(), first);
    let usage = generator.usage();
    assert_eq!((usage.calls, usage.cached_calls, usage.prompt_tokens, usage.events), (0, 3, 0, 12));

    let other =
        Scripted { cache_identity: Some("another model".to_owned()), ..Scripted::new(|_, request| ticks(request)) };
    all(&other.generator(config())).await.unwrap();
    assert_eq!(other.calls(), 3, "the answers of one model are not those of another");
}

/// Also what was taken in the end although it repeats.
#[tokio::test]
async fn repetitions_come_out_of_the_cache_as_they_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let config = || WebSocketAiConfig { cache_dir: Some(folder.path().to_owned()), ..config(4) };
    let identity = Some("model".to_owned());
    let same = |_: usize, _: &ws_ai::Request| reply(&[json!({"type": "tick", "data": {"n": 1}})]);
    let provider = Scripted { cache_identity: identity.clone(), ..Scripted::new(same) };
    assert_eq!(numbers(&all(&provider.generator(config())).await.unwrap()), [1; 4]);
    let never = Scripted { cache_identity: identity, ..Scripted::new(|_, _| panic!("it is asked")) };
    assert_eq!(numbers(&all(&never.generator(config())).await.unwrap()), [1; 4]);
}
