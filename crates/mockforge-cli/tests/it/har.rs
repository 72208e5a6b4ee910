//! `mockforge import har` and `mockforge export har`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use mockforge_ws::{Message, TestClient};
use serde_json::Value;

use crate::process::{Serving, mockforge, run, text};

const FIXTURES: [&str; 4] = ["chrome-devtools.har", "playwright-embed.har", "playwright-attach.zip", "mitmproxy.har"];

fn fixture(name: &str) -> String {
    format!("{}/../ws-replay/tests/har/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> (tempfile::TempDir, impl Fn(&str) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    (folder, move |name: &str| path.join(name).to_str().unwrap().to_owned())
}

/// Every layout: imported, checked, played to a client that says the same, exported and imported again.
#[tokio::test]
async fn recordings_of_other_tools_play_and_come_back() {
    let (_folder, at) = folder();
    for name in FIXTURES {
        let (recording, har, again) = (at(&format!("{name}.jsonl")), at(&format!("{name}.out.har")), at("again.jsonl"));
        let output = run(&["import", "har", &fixture(name), "--out", &recording], &[]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("imported 1 of 1 connection:\n  "), "{}", text(&output.stderr));
        assert_eq!(run(&["check", &recording], &[]).status.code(), Some(0), "{name}");

        let server = Serving::start(&["--ws-replay-file", &recording, "--ws-port", "0"], &[]);
        let mut client = TestClient::connect(&server.url.replace("/ws", "/ws/echo")).await.unwrap();
        let said =
            [Message::text("hello"), Message::text("{\"a\":1,\"u\":\"é😀\"}"), Message::binary(vec![0, 1, 2, 255])];
        for message in &said {
            client.send(message.clone()).await.unwrap();
        }
        for message in &said {
            assert_eq!(client.recv().await.unwrap().as_ref(), Some(message), "{name}");
        }

        for layout in ["chrome", "playwright"] {
            let exported = run(&["export", "har", &recording, "--out", &har, "--layout", layout, "--force"], &[]);
            assert_eq!((exported.status.code(), text(&exported.stderr)), (Some(0), String::new()), "{name}");
            assert_eq!(run(&["import", "har", &har, "--out", &again, "--force"], &[]).status.code(), Some(0));
            assert_eq!(fs::read_to_string(&again).unwrap(), fs::read_to_string(&recording).unwrap(), "{name} {layout}");
        }
    }
}

#[test]
fn nothing_is_overwritten_without_force() {
    let (_folder, at) = folder();
    let out = at("out.jsonl");
    fs::write(&out, "mine").unwrap();
    let import = ["import", "har", &fixture(FIXTURES[0]), "--out", &out];
    let output = run(&import, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), format!("error: {out} is there already; --force overwrites it\n"));
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    assert_eq!(run(&[&import[..], &["--force"]].concat(), &[]).status.code(), Some(0));
    let recording = fs::read_to_string(&out).unwrap();
    assert!(recording.starts_with("{\"recording\":1}\n"), "{recording}");
    let output = run(&["export", "har", &out, "--out", &out], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&out).unwrap(), recording);
}

#[test]
fn dashes_are_stdin_and_stdout() {
    let mut child = mockforge(&["import", "har", "-", "--out", "-"], &[]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(fixture(FIXTURES[1])).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let recording = text(&output.stdout);
    assert_eq!(recording.lines().count(), 8, "{recording}");

    let mut child = mockforge(&["export", "har", "-", "--out", "-"], &[]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(recording.as_bytes()).unwrap();
    let har: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(har["log"]["entries"][0]["_webSocketMessages"].as_array().unwrap().len(), 6);
}

#[test]
fn connections_are_chosen_by_url() {
    let (_folder, at) = folder();
    let har = at("two.har");
    let socket = |url: &str| {
        format!(r#"{{"request":{{"url":"{url}"}},"_webSocketMessages":[{{"type":"receive","data":"{url}"}}]}}"#)
    };
    let entries = format!("{},{}", socket("ws://h/a"), socket("ws://h/b?x=1"));
    fs::write(&har, format!(r#"{{"log":{{"entries":[{entries}]}}}}"#)).unwrap();
    let output = run(&["import", "har", &har, "--out", "-", "--url", "/b"], &[]);
    let recording = text(&output.stdout);
    assert!(recording.contains(r#""open":"/ws/b""#) && !recording.contains("/ws/a"), "{recording}");
    assert!(text(&output.stderr).starts_with("imported 1 of 2 connections:\n  ws://h/b?x=1 (1 message)\n"));

    let output = run(&["import", "har", &har, "--out", "-", "--url", "/c"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let expected =
        "error: no connection matches --url; there are:\n  ws://h/a (1 message)\n  ws://h/b?x=1 (1 message)\n";
    assert_eq!(text(&output.stderr), expected);
    assert_eq!(run(&["import", "har", &har, "--out", "-", "--url", "("], &[]).status.code(), Some(2));
    assert_eq!(run(&["import", "har", &har], &[]).status.code(), Some(2));
}

#[test]
fn what_is_no_har_file_is_said_in_one_line() {
    let (_folder, at) = folder();
    let har = PathBuf::from(at("page.har"));
    fs::write(&har, r#"{"log":{"entries":[{"_resourceType":"document"}]}}"#).unwrap();
    for (file, expected) in [
        (har.to_str().unwrap(), "page.har: has no WebSocket connection, but 1 document. Chrome records "),
        ("/nonexistent/x.har", "cannot be read"),
        (&fixture("README.md"), "README.md:1:1: expected a HAR file: "),
    ] {
        let output = run(&["import", "har", file, "--out", "-"], &[]);
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.starts_with("error: ") && log.contains(expected) && log.lines().count() == 1, "{log}");
    }
}

/// What a script does that no recording can is said where it stands.
#[test]
fn scripts_are_exported_as_they_are_written() {
    let (_folder, at) = folder();
    let script = at("script.jsonl");
    let lines =
        [r#"{"text":"hello {{uuid}}"}"#, r#"{"ts":500,"waitFor":"^x","text":"y"}"#, r#"{"dir":"in","text":"z"}"#];
    fs::write(&script, lines.join("\n")).unwrap();
    let output = run(&["export", "har", &script, "--out", "-"], &[]);
    let log = text(&output.stderr);
    assert!(log.contains("script.jsonl:1: the text stands there as it is written"), "{log}");
    assert!(log.contains("script.jsonl:2: a message of the client is left out"), "{log}");
    assert_eq!(log.lines().count(), 2, "{log}");
    let har: Value = serde_json::from_slice(&output.stdout).unwrap();
    let messages = har["log"]["entries"][0]["_webSocketMessages"].as_array().unwrap();
    let said: Vec<_> = messages.iter().map(|it| (it["type"].as_str().unwrap(), it["data"].as_str().unwrap())).collect();
    assert_eq!(said, [("receive", "hello {{uuid}}"), ("receive", "y"), ("send", "z")]);
}

/// The client of today has other ids, and is answered with them.
#[tokio::test]
async fn ids_of_the_client_are_learnt_from_an_imported_file() {
    let (_folder, at) = folder();
    let (har, recording) = (at("rpc.har"), at("rpc.jsonl"));
    let messages = serde_json::json!([
        {"type": "send", "time": 1700000000.0, "opcode": 1, "data": r#"{"jsonrpc":"2.0","id":"a1-77","method":"sum"}"#},
        {"type": "receive", "time": 1700000000.1, "opcode": 1, "data": r#"{"jsonrpc":"2.0","id":"a1-77","result":3}"#}
    ]);
    let entry = serde_json::json!({"request": {"url": "ws://h/rpc"}, "_webSocketMessages": messages});
    fs::write(&har, serde_json::json!({"log": {"entries": [entry]}}).to_string()).unwrap();
    let output = run(&["import", "har", &har, "--out", &recording], &[]);
    assert!(text(&output.stderr).ends_with("learns 1 value of the client\n"), "{}", text(&output.stderr));
    let server = Serving::start(&["--ws-replay-file", &recording, "--ws-port", "0"], &[]);
    let mut client = TestClient::connect(&server.url.replace("/ws", "/ws/rpc")).await.unwrap();
    client.send_text(r#"{"id": 9, "method": "sum", "jsonrpc": "2.0"}"#).await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), r#"{"jsonrpc":"2.0","id":9,"result":3}"#);
}
