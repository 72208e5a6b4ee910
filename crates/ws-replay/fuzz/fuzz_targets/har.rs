//! A HAR file that strangers made, or a zip of some: it is read or refused, and what is made of it plays. Exported and read again
//! it says the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use ws_replay::{HarFile, HarLayout, ReplayScript};

fuzz_target!(|bytes: &[u8]| {
    let Ok(har) = HarFile::read(bytes, "fuzz") else { return };
    assert!(!har.sockets().is_empty());
    let recording = har.recording(|_| true);
    let script = ReplayScript::parse(&recording, "fuzz").unwrap_or_else(|errors| panic!("{errors}"));
    // Pings and closing have no place in an export; neither have connections without a text or binary message.
    for layout in [HarLayout::Chrome, HarLayout::Playwright] {
        let exported = script.to_har(layout).har.to_string();
        let again = HarFile::read(exported.as_bytes(), "again").unwrap_or_else(|error| panic!("{error}"));
        assert!(again.sockets().len() <= har.sockets().len());
        let recording_again = again.recording(|_| true);
        let script = ReplayScript::parse(&recording_again, "again").unwrap_or_else(|errors| panic!("{errors}"));
        let messages = |har: &HarFile| har.sockets().iter().map(ws_replay::HarSocket::messages).sum::<usize>();
        assert!(messages(&again) <= messages(&har));
        assert_eq!(again.sockets().len(), script.summary().sessions);
        if let Some(said_at_first) = said(&recording) {
            assert_eq!(said(&recording_again), Some(said_at_first));
        }
    }
});

/// The text and binary messages of each connection that has some. `None` if a connection is closed or something is missing:
/// nothing is played behind that.
fn said(recording: &str) -> Option<Vec<Vec<[Value; 3]>>> {
    let mut connections = Vec::<Vec<_>>::new();
    for line in recording.lines() {
        let mut line: Value = serde_json::from_str(line).expect("a line is JSON");
        if line.get("open").is_some() {
            connections.push(Vec::new());
        } else if line.get("close").or(line.get("truncated")).is_some() {
            return None;
        } else if line.get("text").is_some() && line.get("ping").or(line.get("pong")).is_none() {
            connections.last_mut()?.push(["dir", "binary", "text"].map(|key| line[key].take()));
        }
    }
    connections.retain(|said| !said.is_empty());
    Some(connections)
}
