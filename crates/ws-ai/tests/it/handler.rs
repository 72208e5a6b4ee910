//! Events on connections: when they leave, and how it ends.

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Duration, Instant, sleep};
use ws_ai::{AiHandler, AiLimits, WebSocketAiConfig};
use ws_core::{HandlerResult, Message, NoRooms, WsContext, WsHandler, WsMessage};

use crate::scripted::{Scripted, Step, config, failure, slow_ticks, ticks};

#[expect(clippy::disallowed_methods, reason = "the documents' unit-test recipe")]
fn connection(path: &str) -> (WsContext, UnboundedReceiver<Message>) {
    let (sender, receiver) = unbounded_channel::<Message>();
    (WsContext::new("c", path, NoRooms, sender), receiver)
}

/// Runs a connection to its end; gives what was sent, each with the milliseconds since the start.
async fn run(handler: &AiHandler) -> (HandlerResult<()>, Vec<(u64, Message)>) {
    let (mut ctx, mut receiver) = connection("/ws");
    let start = Instant::now();
    handler.on_connect(&mut ctx).await.unwrap();
    let receive = async {
        let mut received = Vec::new();
        while let Some(message) = receiver.recv().await {
            received.push((u64::try_from(start.elapsed().as_millis()).unwrap(), message));
        }
        received
    };
    tokio::join!(
        async move {
            let ended = ctx.run_spawned().await;
            drop(ctx);
            ended
        },
        receive
    )
}

fn json_of(message: &Message) -> Value {
    serde_json::from_str(message.as_text().unwrap()).unwrap()
}

fn gaps(times: &[u64]) -> Vec<u64> {
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// G04: also where one call ends and the next begins, and the provider takes its time.
#[tokio::test(start_paused = true)]
async fn events_leave_at_their_rate_and_the_connection_closes_behind_them() {
    let provider = Scripted::new(|_, request| slow_ticks(300, request));
    let handler = AiHandler::new(provider.generator(WebSocketAiConfig { events_per_second: 2.0, ..config(12) }));
    let (ended, received) = run(&handler).await;
    ended.unwrap();
    let (times, messages): (Vec<_>, Vec<_>) = received.into_iter().unzip();
    assert_eq!(times[0], 300, "the first leaves when it is there");
    assert_eq!(gaps(&times[..12]), [500; 11]);
    assert_eq!(json_of(&messages[11])["sequence"], 12);
    let Message::Close(Some(frame)) = &messages[12] else { panic!("{messages:?}") };
    assert_eq!((frame.code, messages.len(), times[12]), (1000, 13, times[11]));
}

/// A provider that is slower than the rate is not made up for by a burst.
#[tokio::test(start_paused = true)]
async fn there_is_no_burst_after_a_gap() {
    let provider = Scripted::new(|nth, request| slow_ticks(if nth == 1 { 9_000 } else { 0 }, request));
    let handler = AiHandler::new(provider.generator(WebSocketAiConfig { events_per_second: 10.0, ..config(15) }));
    let (_, received) = run(&handler).await;
    let times: Vec<_> = received[..15].iter().map(|(at, _)| *at).collect();
    let gaps = gaps(&times);
    assert!(gaps.iter().all(|gap| *gap >= 98), "{gaps:?}");
    assert_eq!(times[4], 400);
    assert_eq!(times[5], 9_200, "the call began when half of the first five were sent");
    assert_eq!(times[14], 9_200 + 898);
}

/// G06, G07.
#[tokio::test(start_paused = true)]
async fn each_client_has_its_own_story() {
    let provider = Scripted::new(|_, request| slow_ticks(300, request));
    let handler = AiHandler::new(provider.generator(config(3)));
    let (one, other) = tokio::join!(run(&handler), run(&handler));
    for (ended, received) in [one, other] {
        ended.unwrap();
        assert_eq!(received[0].0, 300);
        let sequences: Vec<_> = received[..3].iter().map(|(_, message)| json_of(message)["sequence"].clone()).collect();
        assert_eq!(sequences, [1, 2, 3]);
    }
}

/// An answer is read as fast as it comes, however slowly its events leave: others wait for their turn to call.
#[tokio::test(start_paused = true)]
async fn a_slow_pace_holds_no_call() {
    let provider = Scripted::new(|_, request| {
        let piece = |nth: u64| {
            let event = json!({"type": "tick", "data": {"n": request.first_sequence + nth}});
            [Step::After(60), Step::Text(event.to_string())]
        };
        (0..5).flat_map(piece).collect()
    });
    let limits = AiLimits { concurrent_calls: 1, ..AiLimits::default() };
    let handler = AiHandler::new(provider.generator(WebSocketAiConfig { limits, ..config(5) }));
    let (one, other) = tokio::join!(run(&handler), run(&handler));
    let times = |received: &[(u64, Message)]| received.iter().map(|(at, _)| *at).take(5).collect::<Vec<_>>();
    assert_eq!(times(&one.1), [60, 1060, 2060, 3060, 4060]);
    assert_eq!(times(&other.1), [360, 1360, 2360, 3360, 4360]);
}

/// G08: with words of our own; those of a provider are not for clients.
#[tokio::test(start_paused = true)]
async fn a_failure_is_told_and_ends_the_connection() {
    let provider = Scripted::new(|nth, request| if nth == 0 { ticks(request) } else { vec![failure(403)] });
    let handler = AiHandler::new(provider.generator(config(0)));
    let (ended, received) = run(&handler).await;
    assert_eq!(ended.unwrap_err().to_string(), "Handler error: provider_failed");
    assert_eq!(received.len(), 6);
    let told = json!({
        "type": "error",
        "timestamp": "2024-01-01T00:00:05.000Z",
        "sequence": 6,
        "data": {"code": "provider_failed", "message": "the provider of the events has failed"},
    });
    assert_eq!(json_of(&received[5].1), told);
}

#[tokio::test(start_paused = true)]
async fn without_envelopes_there_is_only_data() {
    let provider = Scripted::new(|nth, request| if nth == 0 { ticks(request) } else { vec![failure(403)] });
    let handler = AiHandler::new(provider.generator(WebSocketAiConfig { envelope: false, ..config(0) }));
    let (ended, received) = run(&handler).await;
    assert!(ended.is_err());
    let texts: Vec<_> = received.iter().map(|(_, message)| message.as_text().unwrap()).collect();
    assert_eq!(texts, [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#, r#"{"n":4}"#, r#"{"n":5}"#]);
}

/// G05.
#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_stops_the_calls() {
    let provider = Scripted::new(|_, request| [ticks(request), vec![Step::Hang]].concat());
    let handler = AiHandler::new(provider.generator(config(0)));
    let (mut ctx, mut receiver) = connection("/ws");
    handler.on_connect(&mut ctx).await.unwrap();
    let left = async {
        receiver.recv().await.unwrap();
        receiver.close();
    };
    let (ended, ()) = tokio::join!(ctx.run_spawned(), left);
    ended.unwrap();
    assert_eq!((provider.calls(), provider.open()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_client_says_steers_its_story() {
    let provider = Scripted { is_instant: true, ..Scripted::new(|_, request| ticks(request)) };
    let handler = AiHandler::new(provider.generator(config(2)));
    let (mut ctx, _receiver) = connection("/ws");
    handler.on_connect(&mut ctx).await.unwrap();
    for message in [
        WsMessage::Text("crash".to_owned()),
        WsMessage::Binary(b"sell".to_vec()),
        WsMessage::Binary(vec![0xff]),
        WsMessage::Ping(b"ping".to_vec()),
    ] {
        handler.on_message(&mut ctx, message).await.unwrap();
        assert!(ctx.is_matched());
    }
    ctx.run_spawned().await.unwrap();
    assert_eq!(provider.request(0).said, ["crash", "sell"]);

    let deaf = AiHandler::new(provider.generator(WebSocketAiConfig { progressive_evolution: false, ..config(2) }));
    let (mut ctx, _receiver) = connection("/ws");
    deaf.on_connect(&mut ctx).await.unwrap();
    deaf.on_message(&mut ctx, WsMessage::Text("crash".to_owned())).await.unwrap();
    assert!(!ctx.is_matched(), "others may answer it");
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_one_story_which_survives_a_reload() {
    let provider = Scripted { is_instant: true, ..Scripted::new(|_, request| ticks(request)) };
    let [handler, second, reloaded] = [(); 3].map(|()| AiHandler::new(provider.generator(config(3))));
    let (mut ctx, mut receiver) = connection("/ws");
    handler.on_connect(&mut ctx).await.unwrap();
    second.on_connect(&mut ctx).await.unwrap();
    let says = async {
        receiver.recv().await.unwrap();
        sleep(Duration::from_millis(500)).await;
    };
    tokio::select! {
        _ = ctx.run_spawned() => panic!("there are three events"),
        () = says => {}
    }
    // That the story was dropped with `run_spawned` is this test's doing; who is heard is not.
    reloaded.on_message(&mut ctx, WsMessage::Text("crash".to_owned())).await.unwrap();
    assert!(ctx.is_matched());
    assert_eq!(receiver.len(), 0, "nothing was sent twice");
}

#[test]
fn paths_are_those_that_are_named_and_none_if_it_is_not_enabled() {
    let provider = Scripted::new(|_, request| ticks(request));
    let handler = AiHandler::new(provider.generator(config(3))).on_paths(|path| path == "/ws/market");
    assert!(handler.handles_path("/ws/market") && !handler.handles_path("/ws"));
    let disabled = AiHandler::new(provider.generator(WebSocketAiConfig { enabled: false, ..config(3) }));
    assert!(!disabled.handles_path("/ws"));
}
