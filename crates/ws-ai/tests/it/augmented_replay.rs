//! Playing a script with events: who waits for them, and what happens if they do not come.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use ws_ai::{AiError, AugmentedReplay};
use ws_core::engine::{OutboundQueue, SessionContext, outbound_queue};
use ws_core::{Connection, Extensions, HandlerResult, Handshake, NoRooms, QueueLimits, WsHandler, WsMessage};
use ws_replay::{ReplayHandler, ReplayOptions, ReplayScript};

use crate::augmentation::at_points;
use crate::scripted::{Scripted, Step, failure, slow_ticks, ticks};

const SCRIPT: &str = concat!(
    "{\"ts\":100,\"step_id\":\"p\",\"text\":\"first\"}\n",
    "{\"ts\":400,\"step_id\":\"q\",\"text\":\"second\"}\n",
    "{\"waitFor\":\"^bye$\",\"text\":\"bye\",\"close\":true}\n",
);

fn plain(script: Arc<ReplayScript>) -> ReplayHandler {
    ReplayHandler::new(script, ReplayOptions::seeded(1)).on_paths(|path| path == "/ws")
}

/// The script with two ticks behind each of these points.
fn replay(provider: &Scripted, points: &[&str]) -> AugmentedReplay {
    AugmentedReplay::of_text(provider.generator(at_points(points)), SCRIPT, "s.jsonl", plain).unwrap()
}

struct Client {
    context: SessionContext,
    queue: OutboundQueue,
    spawned: JoinSet<HandlerResult<()>>,
}

impl Client {
    async fn connect(handler: &impl WsHandler) -> (HandlerResult<()>, Self) {
        let handshake = Handshake::new("/ws", HeaderMap::new(), None);
        let connection = Arc::new(Connection::new(handshake, None, Extensions::default()));
        let (sender, queue) = outbound_queue(QueueLimits::default());
        let mut context = SessionContext::new(connection, Arc::new(NoRooms), sender);
        let connected = handler.on_connect(context.view()).await;
        let spawned = context.spawn_queue().take().futures.into_iter().collect();
        (connected, Self { context, queue, spawned })
    }

    /// The next messages, each with the milliseconds since `start`.
    async fn receive(&mut self, start: Instant, count: usize) -> Vec<(u64, String)> {
        let mut messages = Vec::new();
        while messages.len() < count {
            let message = poll_fn(|cx| self.queue.poll_next(cx)).await.message;
            let text = message.as_text().map_or_else(|| format!("{message:?}"), str::to_owned);
            messages.push((u64::try_from(start.elapsed().as_millis()).unwrap(), text));
        }
        messages
    }

    async fn say(&mut self, handler: &impl WsHandler, text: &str) {
        handler.on_message(self.context.view(), WsMessage::Text(text.to_owned())).await.unwrap();
    }

    async fn leave(mut self, handler: &impl WsHandler) {
        self.spawned.shutdown().await;
        handler.on_disconnect(self.context.view()).await.unwrap();
    }
}

fn shown(messages: &[(u64, String)]) -> Vec<(u64, &str)> {
    messages.iter().map(|(at, text)| (*at, if text.contains("tick") { "tick" } else { text.as_str() })).collect()
}

/// Two clients at once: one call for each point, the same for both, and the script begins when it is there.
#[tokio::test(start_paused = true)]
async fn the_script_is_enriched_once_and_starts_when_it_is() {
    let provider = Scripted::new(|_, request| slow_ticks(1_000, request));
    let replay = replay(&provider, &["p"]);
    assert!(replay.handles_path("/ws") && !replay.handles_path("/ws/other"));
    let start = Instant::now();
    let ((one, mut first), (other, mut second)) = tokio::join!(Client::connect(&replay), Client::connect(&replay));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!((provider.calls(), start.elapsed().as_millis()), (1, 1_000));
    let messages = first.receive(start, 4).await;
    assert_eq!(shown(&messages), [(1_100, "first"), (1_200, "tick"), (1_300, "tick"), (1_400, "second")]);
    let same = second.receive(start, 4).await;
    assert_eq!(
        same.iter().map(|(_, text)| text).collect::<Vec<_>>(),
        messages.iter().map(|(_, text)| text).collect::<Vec<_>>()
    );
    // Who comes later waits for nothing, and is heard.
    let later = Instant::now();
    let (connected, mut third) = Client::connect(&replay).await;
    connected.unwrap();
    assert_eq!(shown(&third.receive(later, 4).await)[3], (400, "second"));
    third.say(&replay, "bye").await;
    assert_eq!(shown(&third.receive(later, 1).await), [(400, "bye")]);
    third.leave(&replay).await;
    assert_eq!(provider.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_prepared_is_not_waited_for() {
    let provider = Scripted::new(|_, request| slow_ticks(1_000, request));
    let replay = replay(&provider, &["p", "q"]);
    replay.prepare().await.unwrap();
    replay.prepare().await.unwrap();
    let start = Instant::now();
    let (connected, mut client) = Client::connect(&replay).await;
    connected.unwrap();
    assert_eq!(shown(&client.receive(start, 2).await), [(100, "first"), (200, "tick")]);
    assert_eq!(provider.calls(), 2);
}

/// All who wait are told; the next one begins anew, with what there is already.
#[tokio::test(start_paused = true)]
async fn a_failure_is_told_and_tried_again_by_the_next_connection() {
    let provider = Scripted::new(|nth, request| match nth {
        1 => vec![Step::After(500), failure(401)],
        _ => ticks(request),
    });
    let replay = replay(&provider, &["p", "q"]);
    let ((one, first), (other, second)) = tokio::join!(Client::connect(&replay), Client::connect(&replay));
    assert_eq!(provider.calls(), 2, "who waits for the same does not ask again");
    for (result, mut client) in [(one, first), (other, second)] {
        let reason = result.unwrap_err().to_string();
        assert!(reason.contains("provider_failed") && !reason.contains("401"), "{reason}");
        let told: Value = serde_json::from_str(&client.receive(Instant::now(), 1).await[0].1).unwrap();
        assert_eq!((&told["type"], &told["data"]["code"]), (&"error".into(), &"provider_failed".into()));
        client.leave(&replay).await;
    }
    let start = Instant::now();
    let (connected, mut third) = Client::connect(&replay).await;
    connected.unwrap();
    assert_eq!(provider.calls(), 3, "the first point has its events");
    assert_eq!(provider.request(2).first_sequence, 3);
    assert_eq!(shown(&third.receive(start, 6).await).iter().filter(|(_, text)| *text == "tick").count(), 4);
}

/// Who leaves does not wait any more; if all do, the call ends. Its point is asked for again.
#[tokio::test(start_paused = true)]
async fn the_calls_stop_when_nobody_waits() {
    let provider = Scripted::new(|nth, request| match nth {
        1 => vec![Step::Hang],
        _ => slow_ticks(10, request),
    });
    let replay = replay(&provider, &["p", "q"]);
    {
        let impatient = timeout(Duration::from_millis(50), Client::connect(&replay));
        let patient = timeout(Duration::from_millis(200), Client::connect(&replay));
        let still_open = async {
            sleep(Duration::from_millis(100)).await;
            provider.open()
        };
        let (impatient, patient, open) = tokio::join!(impatient, patient, still_open);
        assert!(impatient.is_err() && patient.is_err());
        assert_eq!(open, 1, "one still waits");
    }
    assert_eq!((provider.calls(), provider.open()), (2, 0));
    replay.prepare().await.unwrap();
    assert_eq!(provider.calls(), 3);
}

/// The sessions that began before a reload go on, whether the new script has its events or not.
#[tokio::test(start_paused = true)]
async fn a_reload_takes_sessions_over() {
    let old = ReplayHandler::new(Arc::new(ReplayScript::parse(SCRIPT, "s.jsonl").unwrap()), ReplayOptions::seeded(1));
    let start = Instant::now();
    let (connected, mut client) = Client::connect(&old).await;
    connected.unwrap();
    client.receive(start, 2).await;
    let new = replay(&Scripted::new(|_, _| panic!("nobody asked")), &["p"]);
    client.say(&new, "bye").await;
    assert_eq!(shown(&client.receive(start, 1).await), [(400, "bye")]);
    client.leave(&new).await;
}

#[test]
fn what_can_be_known_before_is_refused_at_once() {
    let provider = Scripted::new(|_, _| panic!("nobody asked"));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let refused = |path: &std::path::Path, points: &[&str]| {
        AugmentedReplay::new(provider.generator(at_points(points)), path, plain).unwrap_err()
    };
    let good = file("good.jsonl", SCRIPT.as_bytes());
    AugmentedReplay::new(provider.generator(at_points(&["p"])), &good, plain).unwrap();
    let unknown = refused(&good, &["r"]).to_string();
    assert_eq!(unknown, format!("{}: no entry has the `step_id` or the type `r`; it has `p`, `q`", good.display()));
    let missing = refused(&folder.path().join("missing.jsonl"), &["p"]);
    assert!(matches!(&missing, AiError::File { file, .. } if file.ends_with("missing.jsonl")), "{missing}");
    let broken = refused(&file("broken.jsonl", b"{\"text\":1}"), &["p"]);
    assert!(matches!(broken, AiError::Replay(_)), "{broken}");
    let no_text = refused(&file("bytes.jsonl", b"{\"text\":\"\xff\"}"), &["p"]);
    assert!(no_text.to_string().ends_with(":1:10: expected UTF-8 text, found a byte that is not"), "{no_text}");
    // A recording that was killed may end within a character.
    let cut = file("cut.jsonl", b"{\"recording\":1}\n{\"step_id\":\"p\",\"text\":\"a\"}\n{\"text\":\"\xc3");
    AugmentedReplay::new(provider.generator(at_points(&["p"])), &cut, plain).unwrap();
}
