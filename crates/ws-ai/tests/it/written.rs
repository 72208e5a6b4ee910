//! Stories that are written once, into replay files.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use ws_ai::{AiError, WebSocketAiConfig};
use ws_replay::{ReplayEntry, ReplayScript, TemplateClock};

use crate::scripted::{Scripted, config, failure, ticks};

fn ticking() -> Scripted {
    Scripted::new(|_, request| ticks(request))
}

/// The file, and what came of writing it.
async fn written(provider: &Scripted, config: WebSocketAiConfig, count: u64) -> (String, Result<u64, AiError>) {
    let mut file = Vec::new();
    let written = provider.generator(config).write_replay(count, &mut file, |_| {}).await;
    (String::from_utf8(file).unwrap(), written)
}

/// It plays at the rate; written, it is at once, and twice the same.
#[tokio::test(start_paused = true)]
async fn a_story_is_a_replay_file() {
    let (start, config) = (Instant::now(), || WebSocketAiConfig { events_per_second: 3.0, ..config(20) });
    let generator = ticking().generator(config());
    let (mut file, mut progress) = (Vec::new(), Vec::new());
    let size = generator.write_replay(7, &mut file, |event| progress.push(event.clone())).await.unwrap();
    assert_eq!(start.elapsed().as_millis(), 0);
    let text = String::from_utf8(file).unwrap();
    assert_eq!(size, text.len() as u64);
    let script = ReplayScript::parse(&text, "story.jsonl").unwrap();
    assert!(script.warnings().is_empty());
    let entries: Vec<ReplayEntry> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.iter().map(|entry| entry.ts).collect::<Vec<_>>(), [0, 333, 666, 1000, 1333, 1666, 2000]);
    for (entry, event) in entries.iter().zip(&progress) {
        assert!(entry.verbatim && entry.text == event.to_json(), "{entry:?}");
    }
    assert_eq!(progress[1].timestamp, "2024-01-01T00:00:00.333Z");
    assert_eq!(written(&ticking(), config(), 7).await.0, text);
    let mut again = Vec::new();
    generator.write_replay(7, &mut again, |_| {}).await.unwrap();
    assert_eq!(String::from_utf8(again).unwrap(), text, "also by the same generator");
}

#[tokio::test]
async fn the_clock_and_the_envelope_are_those_of_the_generator() {
    let clock: TemplateClock = "2030-05-01T12:00:00Z".parse().unwrap();
    let mut file = Vec::new();
    ticking().generator(config(1)).clock(clock).write_replay(2, &mut file, |_| {}).await.unwrap();
    let last = String::from_utf8(file).unwrap().lines().next_back().unwrap().to_owned();
    let event: Value = serde_json::from_str(&serde_json::from_str::<ReplayEntry>(&last).unwrap().text).unwrap();
    assert_eq!((&event["timestamp"], &event["sequence"]), (&"2030-05-01T12:00:01.000Z".into(), &2.into()));
    let (text, _) = written(&ticking(), WebSocketAiConfig { envelope: false, ..config(1) }, 1).await;
    assert_eq!(text, "{\"ts\":0,\"dir\":\"out\",\"text\":\"{\\\"n\\\":1}\",\"verbatim\":true}\n");
}

/// What was paid for stays.
#[tokio::test(start_paused = true)]
async fn what_was_written_before_a_failure_is_there() {
    let provider = Scripted::new(|nth, request| if nth == 0 { ticks(request) } else { vec![failure(401)] });
    let (text, result) = written(&provider, config(20), 8).await;
    assert!(matches!(result, Err(AiError::Provider(_))), "{result:?}");
    assert_eq!(ReplayScript::parse(&text, "part").unwrap().summary().entries, 5);
}

#[tokio::test]
async fn a_file_has_an_end() {
    let (_, result) = written(&ticking(), config(0), 0).await;
    assert_eq!(result.unwrap_err().to_string(), "event_count: expected 1 or more, as a file has an end; found 0");
}

/// What does not take more bytes than these, and is flushed at the end.
struct Small(usize, bool);

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.checked_sub(bytes.len()) {
            Some(left) => self.0 = left,
            None => return Err(io::ErrorKind::StorageFull.into()),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1 = true;
        Ok(())
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_stops_the_calls() {
    let (provider, mut disk) = (ticking(), Small(500, false));
    let error = provider.generator(config(20)).write_replay(1_000, &mut disk, |_| {}).await.unwrap_err();
    assert!(matches!(&error, AiError::Write(source) if source.kind() == io::ErrorKind::StorageFull), "{error}");
    assert!(provider.calls() < 4 && disk.1);
}

/// Written at once, it tells of times at which it is played.
#[tokio::test]
async fn real_times_are_as_far_apart_as_the_events() {
    let config = WebSocketAiConfig { seed: None, events_per_second: 0.1, ..config(3) };
    let mut events = Vec::new();
    let before = Timestamp::now();
    ticking().generator(config).write_replay(3, io::sink(), |event| events.push(event.clone())).await.unwrap();
    let times: Vec<Timestamp> = events.iter().map(|event| event.timestamp.parse().unwrap()).collect();
    assert!(times[0].as_millisecond() >= before.as_millisecond());
    for (event, time) in times.iter().enumerate() {
        assert_eq!(time.as_millisecond() - times[0].as_millisecond(), 10_000 * event as i64);
    }
}
