//! A HAR file that strangers made, or a zip of some: it is read or refused, and what is made of it plays. Exported and read again
//! it has as many connections and messages.

#![no_main]

use libfuzzer_sys::fuzz_target;
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
        let recording = again.recording(|_| true);
        let script = ReplayScript::parse(&recording, "again").unwrap_or_else(|errors| panic!("{errors}"));
        let messages = |har: &HarFile| har.sockets().iter().map(ws_replay::HarSocket::messages).sum::<usize>();
        assert!(messages(&again) <= messages(&har));
        assert_eq!(again.sockets().len(), script.summary().sessions);
    }
});
