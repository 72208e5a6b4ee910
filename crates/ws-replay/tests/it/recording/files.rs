//! The files of a recording: when they are written, how large they are, and what becomes of them when something fails.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::tempdir;
use ws_core::{CloseFrame, Direction, EndStatus, Message, Origin};
use ws_replay::{CheckReport, Player, ProblemKind, RecordError, RecordOptions, Recorder, ReplayOptions, ReplayScript};

use super::sources::Source;
use crate::simulation::run_messages;

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

fn load(path: &Path) -> Arc<ReplayScript> {
    Arc::new(ReplayScript::load(path).unwrap_or_else(|errors| panic!("{errors}")))
}

fn sent(script: &Arc<ReplayScript>, nth: u64) -> Vec<Message> {
    let player = Player::new(Arc::clone(script), &ReplayOptions::default(), "/ws", nth);
    run_messages(player, vec![]).into_iter().map(|(_, message)| message).collect()
}

/// The file, byte for byte.
#[test]
fn a_recording_is_readable() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let recorder = Recorder::create(RecordOptions::to(&file)).unwrap();
    let source = Source::open(&recorder, "/ws/chat");
    source.hears(0, "hello \"you\"");
    source.frame(12, Direction::Inbound, Message::binary(vec![0, 1, 255]));
    source.frame(15, Direction::Outbound, Message::Ping("hb".into()));
    source.frame(15, Direction::Inbound, Message::Pong("hb".into()));
    source.frame(14, Direction::Outbound, Message::Close(None));
    source.ends(20, EndStatus::Normal);
    recorder.finish();
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[1].starts_with(r#"{"ts":0,"conn":1,"open":"/ws/chat","at":"20"#), "{}", lines[1]);
    assert_eq!(
        [&lines[..1], &lines[2..]].concat(),
        [
            r#"{"recording":1}"#,
            r#"{"ts":0,"conn":1,"dir":"out","text":"hello \"you\""}"#,
            r#"{"ts":12,"conn":1,"dir":"in","binary":true,"text":"AAH/"}"#,
            r#"{"ts":15,"conn":1,"dir":"out","ping":true,"text":"hb"}"#,
            r#"{"ts":15,"conn":1,"dir":"in","pong":true,"text":"hb"}"#,
            r#"{"ts":15,"conn":1,"dir":"out","close":true,"code":1005}"#,
        ]
    );
}

/// What was said before is not in the file, and no player waits for as long as that took.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_adopted_begins_when_that_happens() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let recorder = Recorder::create(RecordOptions::to(&file)).unwrap();
    let source = Source::unseen(&recorder, "/ws");
    source.hears(10, "too early");
    tokio::time::advance(Duration::from_secs(600)).await;
    source.is_adopted();
    source.hears(600_005, "heard");
    source.is_adopted();
    source.ends(600_010, EndStatus::ClientClose);
    let stats = recorder.finish();
    assert_eq!((stats.connections, stats.frames), (1, 1));
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[2], r#"{"ts":5,"conn":1,"dir":"out","text":"heard"}"#);
    assert!(lines[3].starts_with(r#"{"ts":10,"conn":1,"#), "{text}");
}

/// O-crash: nothing of it is kept back: it is in the file without any end of the recording.
#[test]
fn frames_are_written_while_the_connection_is_open() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let recorder = Recorder::create(RecordOptions::to(&file)).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"recording\":1}\n");
    let source = Source::open(&recorder, "/ws");
    source.hears(0, "kept");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !fs::read_to_string(&file).unwrap().contains("kept") {
        assert!(Instant::now() < deadline, "it was not written");
        std::thread::yield_now();
    }
    assert_eq!(recorder.stats().frames, 1);
    source.hears(1, "the last");
    drop((source, recorder));
    // The last clone has waited for the writer.
    assert!(fs::read_to_string(&file).unwrap().contains("the last"));
}

/// `kill -9` in the middle of a write: wherever the last line ends, all before it plays.
#[test]
fn a_recording_may_be_cut_off_anywhere() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let recorder = Recorder::create(RecordOptions::to(&file)).unwrap();
    let source = Source::open(&recorder, "/ws");
    source.hears(0, "first");
    source.hears(1, "\u{e9}\u{1f600} \\ \" }{");
    recorder.finish();
    let whole = fs::read(&file).unwrap();
    let lines = whole.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::len).collect::<Vec<_>>();
    let last = whole.len() - lines.last().unwrap();
    let cut = dir.path().join("cut.jsonl");
    for length in last..=whole.len() {
        fs::write(&cut, &whole[..length]).unwrap();
        let script = load(&cut);
        let is_whole = length >= whole.len() - 1;
        assert_eq!(sent(&script, 0).len(), if is_whole { 2 } else { 1 }, "{length}");
        let warnings: Vec<_> = script.warnings().iter().map(|warning| warning.kind().clone()).collect();
        let is_broken = length > last && !is_whole;
        assert_eq!(warnings, [ProblemKind::BrokenLastLine][..usize::from(is_broken)], "{length}");

        // What is no recording was written by somebody, who made a mistake.
        fs::write(&cut, &whole[lines[0]..length]).unwrap();
        assert_eq!(CheckReport::of_file(&cut).passed(), !is_broken, "{length}");
    }
    // A line that is broken and whole, or broken elsewhere, was not cut off.
    for text in ["{\"recording\":1}\n{\"ts\":\n", "{\"recording\":1}\n{\"ts\":\n{\"text\":\"a\"}"] {
        assert!(ReplayScript::parse(text, "f").is_err());
    }
    let report = CheckReport::of_text("{\"recording\":1}\n{\"text\":\"a\"}\n{\"te", "f").to_string();
    assert_eq!(
        report,
        "f:3:1: warning: the last line is broken and left out: the recording ended in the middle of it\n  \
           3 | {\"te\n    \
             | ^^^^\n\
         f: plays, with 1 warning: 1 entry, 0 waits, 0 s"
    );
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    fs::write(&file, "precious").unwrap();
    let error = Recorder::create(RecordOptions::to(&file)).unwrap_err();
    assert!(matches!(&error, RecordError::Exists { file: named } if *named == file), "{error}");
    let rotating = RecordOptions { rotate: true, ..RecordOptions::to(&file) };
    Recorder::create(rotating).unwrap();
    let each = RecordOptions { per_connection: true, ..RecordOptions::to(&file) };
    for _ in 0..2 {
        let recorder = Recorder::create(each.clone()).unwrap();
        Source::open(&recorder, "/ws").ends(0, EndStatus::Normal);
    }
    assert_eq!(names(dir.path()), ["s.1.jsonl", "s.2.jsonl", "s.3.jsonl", "s.jsonl"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

/// Who had no client, or no port, may try again with the same name.
#[test]
fn a_recording_of_nothing_may_begin_once_more() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    Recorder::create(RecordOptions::to(&file)).unwrap().finish();
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"recording\":1}\n");
    let recorder = Recorder::create(RecordOptions::to(&file)).unwrap();
    Source::open(&recorder, "/ws").ends(0, EndStatus::Normal);
    recorder.finish();
    assert_eq!(fs::read_to_string(&file).unwrap().matches("recording").count(), 1);
    Recorder::create(RecordOptions::to(&file)).unwrap_err();
}

/// That the recording server was stopped is nothing that the real one said.
#[test]
fn our_own_shutdown_is_no_part_of_a_session() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let recorder = Recorder::create(RecordOptions::to(&file)).unwrap();
    let source = Source::open(&recorder, "/ws");
    source.hears(1, "last");
    let going_away = || Message::Close(Some(CloseFrame::new(1001, "the server shuts down").unwrap()));
    source.frame_of(Origin::Session, 2, Direction::Outbound, going_away());
    source.frame(3, Direction::Inbound, going_away());
    source.ends(4, EndStatus::Shutdown);
    let source = Source::open(&recorder, "/ws");
    source.frame(2, Direction::Outbound, going_away());
    source.ends(4, EndStatus::Normal);
    recorder.finish();
    let text = fs::read_to_string(&file).unwrap();
    let of =
        |conn: &str| text.lines().filter(|line| line.contains(conn)).skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(of("\"conn\":1"), [r#"{"ts":1,"conn":1,"dir":"out","text":"last"}"#]);
    assert!(of("\"conn\":2").concat().contains("1001"), "{text}");
}

#[test]
fn what_cannot_be_written_is_an_error_at_the_start() {
    let dir = tempdir().unwrap();
    let nowhere = dir.path().join("no/such/s.jsonl");
    for per_connection in [false, true] {
        let options = RecordOptions { per_connection, ..RecordOptions::to(&nowhere) };
        let error = Recorder::create(options).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot record to `{}`: ", nowhere.display())), "{error}");
    }
    #[cfg(target_os = "linux")]
    {
        let error = Recorder::create(RecordOptions::to("/dev/full")).unwrap_err().to_string();
        assert!(error.starts_with("cannot record to `/dev/full`: No space left on device"), "{error}");
    }
}

/// The sink is gone in the middle: the session goes on, and the figures say so.
#[cfg(target_os = "linux")]
#[test]
fn a_sink_that_is_gone_is_counted() {
    use std::os::fd::AsRawFd;

    let (reader, pipe) = std::io::pipe().unwrap();
    let recorder = Recorder::create(RecordOptions::to(format!("/proc/self/fd/{}", pipe.as_raw_fd()))).unwrap();
    drop((reader, pipe));
    let source = Source::open(&recorder, "/ws");
    source.hears(0, "a");
    source.ends(1, EndStatus::Normal);
    let source = Source::open(&recorder, "/ws");
    source.hears(0, "b");
    source.ends(1, EndStatus::Normal);
    let stats = recorder.finish();
    assert_eq!((stats.errors, stats.frames, stats.lost_frames), (1, 0, 2));
}

/// A file that is full ends with a mark; the session goes on without it.
#[test]
fn a_full_file_ends_the_recording() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let recorder = Recorder::create(RecordOptions { max_bytes: Some(5000), ..RecordOptions::to(&file) }).unwrap();
    let source = Source::open(&recorder, "/ws");
    for n in 0..100 {
        source.hears(n, &"x".repeat(100));
    }
    source.ends(100, EndStatus::Normal);
    let stats = recorder.finish();
    assert!(stats.frames > 20 && stats.frames + stats.lost_frames == 100, "{stats:?}");
    assert_eq!(stats.truncated, 1);
    assert_eq!(stats.bytes, fs::metadata(&file).unwrap().len());
    assert!(stats.bytes <= 5000);
    let script = load(&file);
    assert_eq!(sent(&script, 0).len() as u64, stats.frames);
    let last = format!("{}:{}:1: something is missing here: `max_bytes` is reached", file.display(), stats.frames + 3);
    assert_eq!(script.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(), [last]);
}

/// Files that rotate lack nothing, keep to their bound, and each plays on its own.
#[test]
fn a_rotating_recording_goes_on_in_further_files() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s-{n}.jsonl");
    let options = RecordOptions { max_bytes: Some(4096), rotate: true, ..RecordOptions::to(&file) };
    let recorder = Recorder::create(options).unwrap();
    let sources = [Source::open(&recorder, "/ws/0"), Source::open(&recorder, "/ws/1")];
    for n in 0..100 {
        let source = &sources[usize::from(n >= 60)];
        source.hears(n * 1000, &format!("{n} {}", "x".repeat(100)));
    }
    let [first, second] = sources;
    // More than a whole file: only this connection suffers.
    second.hears(200_000, &"x".repeat(4096));
    second.hears(200_001, "too late");
    first.hears(200_000, "unharmed");
    first.ends(200_001, EndStatus::Normal);
    second.ends(200_001, EndStatus::Normal);
    let stats = recorder.finish();
    assert_eq!((stats.frames, stats.lost_frames, stats.truncated), (101, 2, 1));
    let files = names(dir.path()).len();
    assert!(files >= 4 && files as u64 == stats.files, "{stats:?}");

    let mut played = Vec::new();
    for number in 1..=files {
        let path = dir.path().join(format!("s-{number}.jsonl"));
        assert!(fs::metadata(&path).unwrap().len() <= 4096);
        let script = load(&path);
        // What came before the file is not waited for.
        assert!(script.summary().duration < Duration::from_secs(150), "{}", script.summary());
        for nth in 0..script.summary().sessions as u64 {
            let texts = sent(&script, nth).into_iter().filter_map(|message| Some(message.as_text()?.to_owned()));
            played.extend(texts.filter_map(|text| text.split(' ').next().map(str::to_owned)));
        }
    }
    let expected: Vec<_> = (0..100).map(|n: u32| n.to_string()).chain(["unharmed".to_owned()]).collect();
    assert_eq!(played, expected);
}

/// Each connection has a file, which needs no numbers inside, also when it rotates.
#[test]
fn connections_have_files_of_their_own() {
    let dir = tempdir().unwrap();
    let options = RecordOptions {
        per_connection: true,
        rotate: true,
        max_bytes: Some(4096),
        exclude_pings: true,
        ..RecordOptions::to(dir.path().join("s.jsonl"))
    };
    let recorder = Recorder::create(options).unwrap();
    assert_eq!(names(dir.path()), [""; 0]);
    let long = Source::open(&recorder, "/ws");
    let short = Source::open(&recorder, "/ws");
    for n in 0..50 {
        long.hears(n, &"x".repeat(100));
    }
    short.frame(1, Direction::Inbound, Message::Ping("left out".into()));
    short.hears(2, "short");
    short.ends(3, EndStatus::Normal);
    long.ends(60, EndStatus::Normal);
    let stats = recorder.finish();
    assert_eq!((stats.connections, stats.frames, stats.lost_frames), (2, 51, 0));
    assert_eq!(names(dir.path()), ["s.1-2.jsonl", "s.1.jsonl", "s.2.jsonl"]);
    let text = fs::read_to_string(dir.path().join("s.2.jsonl")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[2..],
        [r#"{"ts":2,"dir":"out","text":"short"}"#, r#"{"ts":3,"dir":"out","close":true,"code":1006}"#]
    );
    let parts = ["s.1.jsonl", "s.1-2.jsonl"].map(|name| sent(&load(&dir.path().join(name)), 0).len());
    assert_eq!(parts.iter().sum::<usize>(), 50);
}

/// After the end nothing is taken, and nothing fails.
#[test]
fn a_finished_recording_takes_nothing() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("s.jsonl");
    let recorder = Recorder::create(RecordOptions::to(&file)).unwrap();
    let source = Source::open(&recorder, "/ws");
    source.hears(0, "a");
    let other = recorder.clone();
    let finished = recorder.finish();
    let text = fs::read_to_string(&file).unwrap();
    source.hears(1, "b");
    source.ends(2, EndStatus::Normal);
    Source::open(&recorder, "/ws").ends(0, EndStatus::Normal);
    assert_eq!(other.finish(), finished);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}
