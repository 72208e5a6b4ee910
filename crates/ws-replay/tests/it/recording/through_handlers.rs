//! The whole way, on tokio's paused clock: a handler plays, a recorder watches, and a handler plays what it wrote.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use ws_core::{Direction, EndStatus, Message, ObservedFrame, Origin, SessionEnd, SessionObserver};
use ws_replay::{RecordOptions, Recorder, ReplayHandler, ReplayOptions, ReplayScript};

use crate::handler::{Session, handler};

/// Z03: what a client of a recorded connection saw, the client of the replay sees: through handlers, at the same times.
#[tokio::test(start_paused = true)]
async fn a_recorded_connection_plays_the_same_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let recorder = Recorder::create(RecordOptions::to(&file)).unwrap();
    let original = handler(
        r#"{"ts":5,"text":"{{uuid}} {{now}}"}
           {"ts":40,"text":"you said {{1}}","waitFor":"^say (.*)$"}
           {"ts":90,"binary":true,"text":"AP8="}
           {"ts":95,"close":true,"code":4001,"reason":"done"}"#,
    );
    let recorded = transcript(&original, Some(&recorder)).await;
    recorder.finish();
    let played = ReplayHandler::new(Arc::new(ReplayScript::load(&file).unwrap()), ReplayOptions::default());
    assert_eq!(transcript(&played, None).await, recorded);
    assert_eq!(recorded.len(), 4);
}

/// All that is sent, and when, to a client that says something after 20 ms; `recorder` watches.
async fn transcript(handler: &ReplayHandler, recorder: Option<&Recorder>) -> Vec<(u64, Message)> {
    let mut session = Session::connect("/ws", handler).await;
    let connection = Arc::clone(session.context.view().connection());
    let watch = |direction, message: &Message| {
        if let Some(recorder) = recorder {
            recorder.on_frame(&connection, ObservedFrame::new(direction, Origin::Proxy, message, Instant::now()));
        }
    };
    if let Some(recorder) = recorder {
        recorder.on_open(&connection);
    }
    let mut transcript = Vec::new();
    loop {
        let next = session.next().await;
        watch(Direction::Outbound, &next.1);
        transcript.push(next);
        match transcript.last() {
            Some((_, Message::Close(_))) => break,
            Some(_) if transcript.len() == 1 => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                watch(Direction::Inbound, &Message::text("say {{uuid}} .*"));
                session.say(handler, "say {{uuid}} .*").await;
            }
            _ => {}
        }
    }
    if let Some(recorder) = recorder {
        recorder.on_end(&connection, &SessionEnd::new(EndStatus::Normal, None, session.opened_at.elapsed()));
    }
    transcript
}
