//! HAR files: what is read of those that tools really write, what is said of broken ones, and that ours are like theirs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::tempdir;
use ws_core::Message;
use ws_replay::{CheckReport, HarError, HarFile, HarLayout, Player, ReplayOptions, ReplayScript};

use crate::simulation::run_messages;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/har").join(name)
}

fn recording(har: &HarFile) -> String {
    har.recording(|_| true)
}

fn of_json(har: &Value) -> HarFile {
    HarFile::read(har.to_string().as_bytes(), "test.har").unwrap_or_else(|error| panic!("{error}"))
}

/// A HAR file of one connection.
fn of_messages(messages: &Value) -> Value {
    json!({"log": {"entries": [{"_resourceType": "websocket", "request": {"url": "ws://h/x"}, "_webSocketMessages": messages}]}})
}

fn script(recording: &str) -> Arc<ReplayScript> {
    Arc::new(ReplayScript::parse(recording, "recording.jsonl").unwrap_or_else(|errors| panic!("{errors}\n{recording}")))
}

#[test]
fn every_tool_is_read_to_the_millisecond() {
    let of = |name| recording(&HarFile::load(fixture(name)).unwrap_or_else(|error| panic!("{error}")));
    insta::assert_snapshot!(of("chrome-devtools.har"), @r#"
    {"recording":1}
    {"ts":0,"conn":1,"open":"/ws/echo","at":"2026-11-22T05:15:17.964Z","url":"ws://127.0.0.1:19001/echo"}
    {"ts":9,"conn":1,"dir":"in","text":"hello"}
    {"ts":10,"conn":1,"dir":"in","text":"{\"a\":1,\"u\":\"é😀\"}"}
    {"ts":10,"conn":1,"dir":"in","binary":true,"text":"AAEC/w=="}
    {"ts":42,"conn":1,"dir":"out","text":"hello"}
    {"ts":84,"conn":1,"dir":"out","text":"{\"a\":1,\"u\":\"é😀\"}"}
    {"ts":105,"conn":1,"dir":"out","binary":true,"text":"AAEC/w=="}
    "#);
    insta::assert_snapshot!(of("playwright-embed.har"), @r#"
    {"recording":1}
    {"ts":0,"conn":1,"open":"/ws/echo","at":"2026-11-22T05:14:52.449Z","url":"ws://127.0.0.1:19001/echo"}
    {"ts":71,"conn":1,"dir":"in","text":"hello"}
    {"ts":71,"conn":1,"dir":"in","text":"{\"a\":1,\"u\":\"é😀\"}"}
    {"ts":71,"conn":1,"dir":"in","binary":true,"text":"AAEC/w=="}
    {"ts":159,"conn":1,"dir":"out","text":"hello"}
    {"ts":202,"conn":1,"dir":"out","text":"{\"a\":1,\"u\":\"é😀\"}"}
    {"ts":204,"conn":1,"dir":"out","binary":true,"text":"AAEC/w=="}
    "#);
    insta::assert_snapshot!(of("playwright-attach.zip"), @r#"
    {"recording":1}
    {"ts":0,"conn":1,"open":"/ws/echo","at":"2026-11-22T05:14:54.328Z","url":"ws://127.0.0.1:19001/echo"}
    {"ts":8,"conn":1,"dir":"in","text":"hello"}
    {"ts":12,"conn":1,"dir":"in","text":"{\"a\":1,\"u\":\"é😀\"}"}
    {"ts":12,"conn":1,"dir":"in","binary":true,"text":"AAEC/w=="}
    {"ts":24,"conn":1,"dir":"out","text":"hello"}
    {"ts":72,"conn":1,"dir":"out","text":"{\"a\":1,\"u\":\"é😀\"}"}
    {"ts":74,"conn":1,"dir":"out","binary":true,"text":"AAEC/w=="}
    "#);
    // Written twice there: without messages when it was opened, and in the end.
    insta::assert_snapshot!(of("mitmproxy.har"), @r#"
    {"recording":1}
    {"ts":0,"conn":1,"open":"/ws/echo","at":"2026-11-22T05:20:00.489Z","url":"ws://127.0.0.1:19001/echo?room=1"}
    {"ts":11,"conn":1,"dir":"in","text":"hello"}
    {"ts":11,"conn":1,"dir":"in","text":"{\"a\":1,\"u\":\"é😀\"}"}
    {"ts":11,"conn":1,"dir":"in","binary":true,"text":"AAEC/w=="}
    {"ts":74,"conn":1,"dir":"out","text":"hello"}
    {"ts":120,"conn":1,"dir":"out","text":"{\"a\":1,\"u\":\"é😀\"}"}
    {"ts":136,"conn":1,"dir":"out","binary":true,"text":"AAEC/w=="}
    "#);
}

#[test]
fn an_imported_recording_waits_for_the_client() {
    let har = HarFile::load(fixture("chrome-devtools.har")).unwrap();
    let player = Player::new(script(&recording(&har)), &ReplayOptions::default(), "/ws/echo", 0);
    let said = [Message::text("hello"), Message::text("{\"a\":1,\"u\":\"é😀\"}"), Message::binary(vec![0, 1, 2, 255])];
    let answers = run_messages(player, said.iter().cloned().map(|message| (1000, message)).collect());
    assert_eq!(answers.into_iter().map(|(_, message)| message).collect::<Vec<_>>(), said);
}

/// The files beside a HAR file, as an unpacked zip has them, and no others.
#[test]
fn messages_may_be_in_files_beside_it() {
    let folder = tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    let line = r#"{"type":"receive","time":1700000000,"opcode":1,"data":"secret"}"#;
    fs::write(folder.path().join("outside.jsonl"), line).unwrap();
    fs::write(inside.join("a.jsonl"), format!("\u{feff}{line}\r\n\n{line}")).unwrap();
    fs::write(inside.join("broken.jsonl"), format!("{line}\n{{\"type\":")).unwrap();
    fs::create_dir(inside.join("folder.jsonl")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("../outside.jsonl", inside.join("link.jsonl")).unwrap();
    let har = inside.join("s.har");
    let load = |file: &str| {
        let content = json!({"size": -1, "_file": file});
        let entry =
            json!({"_resourceType": "websocket", "request": {"url": "ws://h/"}, "response": {"content": content}});
        fs::write(&har, json!({"log": {"entries": [entry]}}).to_string()).unwrap();
        HarFile::load(&har)
    };
    assert_eq!(load("a.jsonl").unwrap().sockets()[0].messages(), 2);
    assert_eq!(load("./a.jsonl").unwrap().sockets()[0].messages(), 2);
    let absolute = folder.path().join("outside.jsonl");
    for name in [
        "../outside.jsonl",
        "..\\outside.jsonl",
        absolute.to_str().unwrap(),
        "a/../../outside.jsonl",
        "link.jsonl",
        "none",
        "",
        "folder.jsonl",
    ] {
        let error = load(name).unwrap_err();
        assert!(matches!(&error, HarError::Beside { file, .. } if file == name), "{error}");
    }
    let error = load("broken.jsonl").unwrap_err().to_string();
    assert!(error.contains("s.har/broken.jsonl:2:8: "), "{error}");
    // What is piped in has nothing beside it.
    let error = HarFile::read(fs::File::open(&har).unwrap(), "stdin").unwrap_err();
    assert!(error.to_string().ends_with("only the file itself was given"), "{error}");
}

#[test]
fn what_tools_leave_out_is_guessed() {
    let messages = json!([
        {"type": "receive", "data": "no time yet"},
        {"type": "send", "time": 1700000000.0, "data": "no opcode"},
        {"type": "send", "time": 1699999999, "opcode": 1, "data": "its clock went back"},
        {"type": "receive", "time": 1700000000500.4, "opcode": 1, "data": "in milliseconds"},
        {"type": "receive", "time": null, "opcode": null},
        {"type": "receive", "time": 1700000001, "opcode": 2, "data": ""},
        {"type": "receive", "opcode": 2, "data": "__8\n"},
        {"type": "receive", "opcode": 9, "data": "p"},
        {"type": "send", "opcode": 10, "data": "p"},
        {"type": "send", "opcode": 8, "data": ""}
    ]);
    let har = of_json(&of_messages(&messages));
    insta::assert_snapshot!(recording(&har), @r#"
    {"recording":1}
    {"ts":0,"conn":1,"open":"/ws/x","at":"2023-11-14T22:13:20.000Z","url":"ws://h/x"}
    {"ts":0,"conn":1,"dir":"out","text":"no time yet"}
    {"ts":0,"conn":1,"dir":"in","text":"no opcode"}
    {"ts":0,"conn":1,"dir":"in","text":"its clock went back"}
    {"ts":500,"conn":1,"dir":"out","text":"in milliseconds"}
    {"ts":500,"conn":1,"dir":"out","text":""}
    {"ts":1000,"conn":1,"dir":"out","binary":true,"text":""}
    {"ts":1000,"conn":1,"dir":"out","binary":true,"text":"//8="}
    {"ts":1000,"conn":1,"dir":"out","ping":true,"text":"p"}
    {"ts":1000,"conn":1,"dir":"in","pong":true,"text":"p"}
    {"ts":1000,"conn":1,"dir":"in","close":true,"code":1005}
    "#);
    assert!(har.warnings().is_empty());
    let report = CheckReport::of_text(&recording(&har), "x.jsonl");
    assert!(report.passed() && report.warnings().is_empty(), "{report}");
}

#[test]
fn what_cannot_be_kept_is_said() {
    let messages = json!([
        {"type": "error", "time": 1, "opcode": -1, "data": "connection reset"},
        {"type": "receive", "opcode": 2, "data": "no base64!"},
        {"type": "receive", "opcode": 3, "data": "?"},
        {"type": "error"},
        {"data": "x"},
        {"type": "receive", "data": "y"}
    ]);
    let har = of_json(&of_messages(&messages));
    insta::assert_snapshot!(har.warnings().join("\n"), @r"
    ws://h/x: left out: 2 messages of the type `error`, which is neither `send` nor `receive`
    ws://h/x: left out: 1 message with the opcode 3
    ws://h/x: left out: 1 message without a `type`
    ws://h/x: message 2 is binary, but its data is no base64: Invalid symbol 33, offset 8.
    ");
    let report = CheckReport::of_text(&recording(&har), "x.jsonl").to_string();
    assert!(report.contains("something is missing here: message 2 is binary"), "{report}");
}

#[test]
fn several_connections_are_several_sessions() {
    let socket = |url: &str, text: &str| json!({"request": {"url": url}, "_webSocketMessages": [{"type": "receive", "data": text}]});
    let page = json!({"_resourceType": "document", "request": {"url": "http://h/"}});
    let quiet = json!({"request": {"url": "WSS://h/quiet"}});
    let har = of_json(
        &json!({"log": {"entries": [socket("ws://h/a", "1"), page, quiet, socket("ws://h/b", "2"), socket("ws://h/a", "3")]}}),
    );
    assert_eq!(har.sockets().iter().map(ws_replay::HarSocket::messages).collect::<Vec<_>>(), [1, 0, 1, 1]);
    let only_a = script(&har.recording(|socket| socket.url().ends_with("/a")));
    let all = script(&recording(&har));
    let sent = |script: &Arc<ReplayScript>, path: &str, nth: u64| {
        let player = Player::new(Arc::clone(script), &ReplayOptions::default(), path, nth);
        run_messages(player, vec![]).into_iter().map(|(_, message)| message).collect::<Vec<_>>()
    };
    assert_eq!(sent(&all, "/ws/b", 0), [Message::text("2")]);
    assert_eq!(sent(&all, "/ws/a", 1), [Message::text("3")]);
    assert_eq!(sent(&all, "/ws/quiet", 0), []);
    assert_eq!(only_a.summary().sessions, 2);
}

#[test]
fn broken_files_are_one_error_with_its_place() {
    let zip = fs::read(fixture("playwright-attach.zip")).unwrap();
    let mut damaged = zip.clone();
    damaged[200] ^= 0xff;
    for (bytes, expected) in [
        (&b""[..], "x.har:1:1: expected a HAR file: EOF while parsing a value"),
        (b"{\"log\":\n {\"entries\": [}}", "x.har:2:15: expected a HAR file: expected value"),
        (b"\xef\xbb\xbf{\"log\":1}", "x.har:1:8: expected a HAR file: invalid type: integer `1`, expected struct Log"),
        (b"[]", "x.har:1:2: expected a HAR file: "),
        (b"{}", "x.har:1:2: expected a HAR file: missing field `log`"),
        (b"\xff\xfe{\x00", "x.har:1:1: expected a HAR file: expected value"),
        (
            b"{\"log\":{\"entries\":[{\"_resourceType\":\"\xff\"}]}}",
            "x.har:1:38: expected a HAR file: invalid unicode code point",
        ),
        (b"{\"log\":{}}", "x.har: has no WebSocket connection, but nothing at all. Chrome records"),
        (
            b"{\"log\":{\"entries\":[{},{\"_resourceType\":\"image\"},{\"_resourceType\":\"image\"}]}}",
            "x.har: has no WebSocket connection, but 2 image, 1 request. ",
        ),
        (&zip[..100], "x.har: cannot be unpacked: as a zip it is damaged: "),
        (&damaged, "x.har: cannot be unpacked: it is damaged"),
        (
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            "x.har: cannot be unpacked: it has no file that ends with .har",
        ),
        (b"\x78\x9c\x01", "x.har: cannot be unpacked: it is cut off"),
    ] {
        let error = HarFile::read(bytes, "x.har").unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let error = HarFile::load("/nonexistent/x.har").unwrap_err().to_string();
    assert!(error.starts_with("/nonexistent/x.har: cannot be read: "), "{error}");
}

/// A zip of these files, deflated.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut zip);
    for (name, content) in files {
        let file = archive.new_file(name).compression_method(rawzip::CompressionMethod::DEFLATE);
        let (mut entry, config) = file.start().unwrap();
        let mut writer = config.wrap(Vec::new());
        std::io::Write::write_all(&mut writer, content).unwrap();
        let (_, descriptor) = writer.finish().unwrap();
        let packed = miniz_oxide::deflate::compress_to_vec(content, 6);
        std::io::Write::write_all(&mut entry, &packed).unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    zip
}

#[test]
fn zips_keep_to_themselves() {
    let har = of_messages(&json!([{"type": "send", "data": "x"}])).to_string();
    let messages = |bytes: &[u8]| HarFile::read(bytes, "x.zip").map(|har| har.sockets()[0].messages());
    assert_eq!(messages(&zip(&[("a.txt", b"x"), ("session.har", har.as_bytes())])), Ok(1));
    assert_eq!(messages(&zip(&[("a.har", b"x"), ("har.har", har.as_bytes())])), Ok(1));
    let error = messages(&zip(&[("a.har", b""), ("b.har", b"")])).unwrap_err();
    assert_eq!(error.to_string(), "x.zip: cannot be unpacked: it has 2 files that end with .har, and none is har.har");
    // As mitmproxy packs it.
    assert_eq!(messages(&miniz_oxide::deflate::compress_to_vec_zlib(har.as_bytes(), 9)), Ok(1));
    for name in ["../x.jsonl", "/etc/hostname", "none.jsonl"] {
        let content = json!({"_file": name});
        let entry = json!({"_resourceType": "websocket", "response": {"content": content}});
        let har = json!({"log": {"entries": [entry]}}).to_string();
        let line = br#"{"type":"send"}"#;
        let error = messages(&zip(&[("har.har", har.as_bytes()), ("../x.jsonl", line)])).unwrap_err();
        assert!(matches!(error, HarError::Beside { .. }), "{error}");
    }
}

/// All keys of a value with the types of what is there; elements of arrays count together.
fn keys_and_types(value: &Value, place: &str, found: &mut BTreeMap<String, &'static str>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(*found.entry(place.to_owned()).or_insert(kind) == kind, "{place}");
    match value {
        Value::Array(elements) => elements.iter().for_each(|it| keys_and_types(it, &format!("{place}[]"), found)),
        Value::Object(members) => {
            members.iter().for_each(|(key, it)| keys_and_types(it, &format!("{place}.{key}"), found));
        }
        _ => {}
    }
}

/// Field by field: what Chrome and Playwright write of a WebSocket connection is what we write, with the same types.
#[test]
fn exported_files_are_like_those_of_the_tools() {
    for (layout, name) in [(HarLayout::Chrome, "chrome-devtools.har"), (HarLayout::Playwright, "playwright-embed.har")]
    {
        let mut theirs: Value = serde_json::from_str(&fs::read_to_string(fixture(name)).unwrap()).unwrap();
        // What a page loads beside its connections has other keys.
        theirs["log"]["entries"].as_array_mut().unwrap().retain(|entry| entry["_resourceType"] == "websocket");
        // Where in the page a connection was opened is not known.
        if let Some(frames) = theirs.pointer_mut("/log/entries/0/_initiator/stack/callFrames") {
            *frames = json!([]);
        }
        let recording = recording(&HarFile::load(fixture(name)).unwrap());
        let ours = script(&recording).to_har(layout);
        assert_eq!(ours.warnings, [""; 0]);
        let [mut expected, mut found] = [BTreeMap::new(), BTreeMap::new()];
        keys_and_types(&theirs, "", &mut expected);
        keys_and_types(&ours.har, "", &mut found);
        assert_eq!(found, expected);
        // Messages are the same to the millisecond.
        let messages = |har: &Value| har["log"]["entries"][0]["_webSocketMessages"].clone();
        let unit = if layout == HarLayout::Chrome { 1000.0 } else { 1.0 };
        for (ours, theirs) in messages(&ours.har).as_array().unwrap().iter().zip(messages(&theirs).as_array().unwrap())
        {
            let late = (ours["time"].as_f64().unwrap() - theirs["time"].as_f64().unwrap()) * unit;
            assert!(late.abs() <= 1.0, "{ours} {theirs}");
            for key in ["type", "opcode", "data"] {
                assert_eq!(ours[key], theirs[key]);
            }
        }
    }
}

#[test]
fn parameters_of_the_url_are_listed() {
    let script =
        script("{\"recording\":1}\n{\"open\":\"/ws\",\"url\":\"ws://h/a?b=c%20d&e&=#f?g=h\"}\n{\"text\":\"x\"}\n");
    let entry = &script.to_har(HarLayout::Chrome).har["log"]["entries"][0];
    let expected = json!([{"name": "b", "value": "c%20d"}, {"name": "e", "value": ""}, {"name": "", "value": ""}]);
    assert_eq!(entry["request"]["queryString"], expected);
}

/// A message: whether it was sent, when, with which opcode and what.
type AnyMessage = (bool, Option<f64>, Option<u8>, Vec<u8>);

fn any_messages() -> impl Strategy<Value = Vec<AnyMessage>> {
    let time = prop::option::of(prop_oneof![1.0e9..2.0e9_f64, 1.0e12..2.0e12_f64]);
    let opcode = prop_oneof![Just(None), Just(Some(1)), Just(Some(2))];
    prop::collection::vec((any::<bool>(), time, opcode, any::<Vec<u8>>()), 0..6)
}

fn message_of((sent, time, opcode, data): &AnyMessage) -> Value {
    let data = match opcode {
        Some(2) => STANDARD.encode(data),
        _ => String::from_utf8_lossy(data).into_owned(),
    };
    json!({"type": if *sent { "send" } else { "receive" }, "time": time, "opcode": opcode, "data": data})
}

proptest! {
    /// Imported, exported and imported again is imported once.
    #[test]
    fn exports_come_back(
        sockets in prop::collection::vec(
            (r"(ws|wss)://h(:[1-9])?(/[a-z ]{0,3}){0,2}(\?q=1)?", 1_000_000_000_000_i64..4_000_000_000_000, any_messages()),
            1..4,
        ),
        chrome in any::<bool>(),
    ) {
        let entries = sockets.iter().map(|(url, opened, messages)| {
            let opened = jiff::Timestamp::from_millisecond(*opened).unwrap().to_string();
            let messages: Vec<_> = messages.iter().map(message_of).collect();
            json!({"request": {"url": url}, "startedDateTime": opened, "_webSocketMessages": messages})
        });
        let once = recording(&of_json(&json!({"log": {"entries": entries.collect::<Vec<_>>()}})));
        let layout = if chrome { HarLayout::Chrome } else { HarLayout::Playwright };
        let export = script(&once).to_har(layout);
        prop_assert_eq!(&export.warnings, &Vec::<String>::new());
        prop_assert_eq!(recording(&of_json(&export.har)), once);
    }
}
