//! Providers that fail, and what is made of it.

use futures_util::StreamExt;
use ws_ai::{AiError, AiLimits, OnFailure, ProviderError, ProviderErrorKind, WebSocketAiConfig};

use crate::scripted::{Scripted, Step, all, config, failure, numbers, ticks};

/// G08.
#[tokio::test(start_paused = true)]
async fn a_failed_call_is_repeated_after_longer_and_longer_waits() {
    let provider = Scripted::new(|nth, request| if nth < 3 { vec![failure(500)] } else { ticks(request) });
    let generator = provider.generator(config(5));
    assert_eq!(numbers(&all(&generator).await.unwrap()), [1, 2, 3, 4, 5]);
    let begun = provider.begun();
    let waits: Vec<_> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, least) in waits.iter().zip([250, 500, 1000]) {
        assert!((least..=least * 5 / 4 + 1).contains(wait), "{waits:?}");
    }
    assert_eq!((generator.usage().calls, generator.usage().failed_calls), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_wants_to_be_left_alone_is_by_all_clients() {
    let provider = Scripted::new(|nth, request| {
        let mut error = ProviderError::new(ProviderErrorKind::Status(429), "slow down");
        error.retry_after = Some(std::time::Duration::from_secs(7));
        if nth == 0 { vec![Step::Fail(error)] } else { ticks(request) }
    });
    let generator = provider.generator(config(5));
    let (first, second) = tokio::join!(all(&generator), async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        all(&generator).await
    });
    assert_eq!((first.unwrap().len(), second.unwrap().len()), (5, 5));
    assert!(provider.begun()[1..].iter().all(|begun| (7000..7300).contains(begun)), "{:?}", provider.begun());
}

#[tokio::test(start_paused = true)]
async fn what_will_not_go_better_is_not_repeated() {
    for (failure, calls) in [(failure(401), 1), (failure(404), 1), (failure(503), 4)] {
        let provider = Scripted::new(move |_, _| vec![failure.clone()]);
        let error = all(&provider.generator(config(5))).await.unwrap_err();
        assert!(matches!(error, AiError::Provider(_)), "{error}");
        assert_eq!(provider.calls(), calls);
    }
}

/// A call that breaks off has given what it has given; with each valid event, all failures are forgiven.
#[tokio::test(start_paused = true)]
async fn progress_counts() {
    let provider =
        Scripted::new(
            |nth, request| {
                if nth % 3 < 2 { vec![failure(502)] } else { [one(request), vec![failure(502)]].concat() }
            },
        );
    let limits = AiLimits { retries: 3, ..AiLimits::default() };
    let generator = provider.generator(WebSocketAiConfig { limits, ..config(4) });
    assert_eq!(numbers(&all(&generator).await.unwrap()), [1, 2, 3, 4]);
    assert_eq!(generator.usage().failed_calls, 12);
}

/// The first event of an answer, whose rest is missing.
fn one(request: &ws_ai::Request) -> Vec<Step> {
    vec![Step::Text(format!(r#"{{"events":[{{"type":"tick","data":{{"n":{}}}}},{{"type"#, request.first_sequence))]
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_asked_for_again_at_once_but_not_for_ever() {
    let nonsense = || vec![Step::Text("I'm ready to assist. What's your question?".to_owned())];
    let provider = Scripted::new(move |nth, request| if nth == 0 { nonsense() } else { ticks(request) });
    assert_eq!(all(&provider.generator(config(5))).await.unwrap().len(), 5);
    assert_eq!(provider.begun(), [0, 0]);

    let provider = Scripted::new(move |_, _| nonsense());
    let error = all(&provider.generator(config(5))).await.unwrap_err();
    assert!(matches!(error, AiError::Invalid { attempts: 4, .. }), "{error}");
    assert_eq!(provider.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_may_be_spent_is_spent_and_no_more() {
    let provider = Scripted::new(|_, request| ticks(request));
    let limits = AiLimits { max_calls: 2, ..AiLimits::default() };
    let generator = provider.generator(WebSocketAiConfig { limits, ..config(0) });
    let mut story = generator.story();
    for nth in 1..=10 {
        assert_eq!(story.next().await.unwrap().unwrap().sequence, nth);
    }
    let error = story.next().await.unwrap().unwrap_err();
    assert!(matches!(&error, AiError::Budget(_)) && error.to_string().contains("max_calls"), "{error}");
    assert!(story.next().await.is_none());
    assert!(matches!(all(&generator).await, Err(AiError::Budget(_))), "it is shared by all clients");
    assert_eq!(provider.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_embedded_provider_writes_on_if_it_may() {
    let provider = Scripted::new(|nth, request| if nth == 0 { ticks(request) } else { vec![failure(401)] });
    let generator = provider.generator(WebSocketAiConfig { on_failure: OnFailure::Replace, ..config(20) });
    let events = all(&generator).await.unwrap();
    assert_eq!(events.len(), 20);
    assert_eq!(numbers(&events[..5]), [1, 2, 3, 4, 5]);
    assert!(events.iter().zip(1..).all(|(event, nth)| event.sequence == nth));
    assert_eq!(provider.calls(), 2, "who has failed for good is not asked again");
}
