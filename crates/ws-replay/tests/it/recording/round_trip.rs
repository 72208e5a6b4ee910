//! What is recorded and played is the same, frame by frame.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::tempdir;
use ws_core::{CloseFrame, Direction, EndStatus, Message};
use ws_replay::{Action, Player, RecordOptions, Recorder, ReplayOptions, ReplayScript};

use super::sources::Source;
use crate::simulation::run_messages;

type Frame = (u64, Direction, Message);

fn play(script: &Arc<ReplayScript>, nth: u64, frames: &[Frame]) -> Vec<(u64, Message)> {
    let said = frames.iter().filter(|(_, direction, message)| *direction == Direction::Inbound && message.is_data());
    let said = said.map(|(at, _, message)| (*at, message.clone())).collect();
    run_messages(Player::new(Arc::clone(script), &ReplayOptions::default(), "/ws", nth), said)
}

/// What the server sent; pongs are the session's business.
fn sent(frames: &[Frame]) -> Vec<(u64, Message)> {
    let sent = frames
        .iter()
        .filter(|(_, direction, message)| *direction == Direction::Outbound && !matches!(message, Message::Pong(_)));
    sent.map(|(at, _, message)| (*at, message.clone())).collect()
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![proptest::collection::vec(any::<u8>(), 0..40), ".{0,10}".prop_map(String::into_bytes)]
}

fn message() -> impl Strategy<Value = Message> {
    let texts = prop_oneof![
        ".*",
        "(\\{\\{|\\}\\}|uuid|\\$\\.a|\"|\\\\|\n|\u{2028}|\u{0}|\\^#|//|\\[|\\(){0,12}",
        Just(String::new()),
    ];
    prop_oneof![
        4 => texts.prop_map(Message::text),
        2 => data().prop_map(Message::binary),
        1 => data().prop_map(|data| Message::Ping(data.into())),
        1 => data().prop_map(|data| Message::Pong(data.into())),
    ]
}

fn close() -> impl Strategy<Value = Message> {
    let codes = prop_oneof![1000..=1003_u16, 1007..=1014_u16, 3000..=4999_u16];
    prop_oneof![
        Just(Message::Close(None)),
        (codes, ".{0,30}").prop_map(|(code, reason)| Message::Close(Some(CloseFrame::new(code, reason).unwrap()))),
    ]
}

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let direction = || prop_oneof![Just(Direction::Inbound), Just(Direction::Outbound)];
    let frames = proptest::collection::vec((0..50_u64, direction(), message()), 0..25);
    let end = proptest::option::of((0..50_u64, Just(Direction::Outbound), close()));
    (frames, end).prop_map(|(frames, end)| {
        let mut now = 0;
        let after = |(wait, direction, message)| {
            now += wait;
            (now, direction, message)
        };
        frames.into_iter().chain(end).map(after).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Z03: arbitrary payloads on two connections at once, recorded into one file and played: the same frames at the same
    /// times.
    #[test]
    fn played_is_recorded(sessions in proptest::array::uniform2(frames()), per_connection: bool, drip: bool) {
        let dir = tempdir().unwrap();
        let options = RecordOptions { per_connection, ..RecordOptions::to(dir.path().join("s.jsonl")) };
        let recorder = Recorder::create(options).unwrap();
        let sources = [Source::open(&recorder, "/ws"), Source::open(&recorder, "/ws")];
        let longest = sessions.iter().map(Vec::len).max().unwrap();
        for n in 0..longest {
            for (source, frames) in sources.iter().zip(&sessions) {
                if let Some((at, direction, message)) = frames.get(n).cloned() {
                    source.frame(at, direction, message);
                }
            }
            if drip {
                std::thread::yield_now();
            }
        }
        for (source, frames) in sources.into_iter().zip(&sessions) {
            source.ends(frames.last().map_or(0, |last| last.0), EndStatus::Normal);
        }
        let stats = recorder.finish();
        let count: usize = sessions.iter().map(Vec::len).sum();
        prop_assert_eq!((stats.frames, stats.lost_frames, stats.truncated), (count as u64, 0, 0));
        let script = |name: &str| {
            let script = ReplayScript::load(dir.path().join(name)).unwrap_or_else(|errors| panic!("{errors}"));
            assert_eq!(script.warnings(), []);
            Arc::new(script)
        };
        for (nth, frames) in sessions.iter().enumerate() {
            let played = if per_connection {
                play(&script(&format!("s.{}.jsonl", nth + 1)), 0, frames)
            } else {
                play(&script("s.jsonl"), nth as u64, frames)
            };
            prop_assert_eq!(played, sent(frames));
        }
    }
}

/// Ends without a Close frame: of the client, which is waited for, and of the server.
#[test]
fn an_end_without_a_frame_is_recorded_with_who_left() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let recorder = Recorder::create(RecordOptions::to(&file)).unwrap();
    for status in [EndStatus::Error, EndStatus::Normal] {
        let source = Source::open(&recorder, "/ws");
        source.hears(5, "a");
        source.ends(70, status);
    }
    recorder.finish();
    let script = Arc::new(ReplayScript::load(&file).unwrap());
    let ms = Duration::from_millis;
    let played = |nth| {
        let mut player = Player::new(Arc::clone(&script), &ReplayOptions::default(), "/ws", nth);
        [player.poll(ms(0)), player.poll(ms(5)), player.poll(ms(5)), player.poll(ms(70))]
    };
    let a = || Action::Send(Message::text("a"));
    assert_eq!(played(0), [Action::SleepUntil(ms(5)), a(), Action::AwaitMessage, Action::AwaitMessage]);
    assert_eq!(played(1), [Action::SleepUntil(ms(5)), a(), Action::SleepUntil(ms(70)), Action::Disconnect]);
}

/// The client of the recording and the client of the replay take their own time: the server's delays stay.
#[test]
fn a_recording_waits_for_what_the_client_had_said() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let recorder = Recorder::create(RecordOptions::to(&file)).unwrap();
    let source = Source::open(&recorder, "/ws");
    source.hears(3, "name?");
    source.says(4000, "{{uuid}} (Ann) .*");
    source.hears(4050, "hello {{uuid}}");
    source.frame(4060, Direction::Inbound, Message::Close(Some(CloseFrame::new(1001, "bye").unwrap())));
    source.ends(4060, EndStatus::ClientClose);
    recorder.finish();

    let script = Arc::new(ReplayScript::load(&file).unwrap());
    let player = || Player::new(Arc::clone(&script), &ReplayOptions::default(), "/ws", 0);
    let name = (3, Message::text("name?"));
    let said = vec![(10, Message::text("x Ann y")), (20, Message::text("{{uuid}} (Ann) .*"))];
    assert_eq!(run_messages(player(), said), [name.clone(), (70, Message::text("hello {{uuid}}"))]);
    assert_eq!(run_messages(player(), vec![(10, Message::text("x Ann y"))]), [name]);
    assert_eq!(script.summary().to_string(), "4 entries, 1 wait, 4.06 s");
}

/// What was taken out of a client message is not needed to get on.
#[test]
fn a_redacted_recording_plays() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let options = RecordOptions {
        redact: vec![
            ws_replay::Redaction::jsonpath("$..token").unwrap(),
            ws_replay::Redaction::regex("secret-[a-z]+").unwrap().with("***"),
        ],
        ..RecordOptions::to(&file)
    };
    let recorder = Recorder::create(options).unwrap();
    let source = Source::open(&recorder, "/ws/secret-path");
    let (inbound, outbound) = (Direction::Inbound, Direction::Outbound);
    source.says(0, r#"{"login": [{"token": "secret-a"}], "v": "1.0"}"#);
    source.hears(1, "hi secret-b");
    source.frame(2, inbound, Message::binary("secret-c"));
    source.frame(3, outbound, Message::binary("x secret-d"));
    source.frame(4, outbound, Message::Ping("secret-e".into()));
    source.frame(5, outbound, Message::Close(Some(CloseFrame::new(4000, "secret-f").unwrap())));
    source.ends(5, EndStatus::Normal);
    recorder.finish();

    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("secret"), "{text}");
    let script = Arc::new(ReplayScript::load(&file).unwrap());
    assert_eq!(script.warnings(), []);
    let play = |login: &str| {
        let said = vec![(0, Message::text(login)), (2, Message::binary("any"))];
        run_messages(Player::new(Arc::clone(&script), &ReplayOptions::default(), "/ws", 0), said)
    };
    let expected = [
        (1, Message::text("hi ***")),
        (3, Message::binary("x ***")),
        (4, Message::Ping("***".into())),
        (5, Message::Close(Some(CloseFrame::new(4000, "***").unwrap()))),
    ];
    assert_eq!(play(r#"{"login": [{"token": {"another": "one"}}], "v": "1.0"}"#), expected);
    assert_eq!(play(r#"{"login": [{"token": "x"}], "v": "2.0"}"#), []);
}
