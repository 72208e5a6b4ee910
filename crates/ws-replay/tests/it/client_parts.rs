//! The part of the client in a file: what it says and hears, and when.

use std::time::Duration;

use ws_core::Message;
use ws_replay::{ClientMoment, ClientPart, ReplayScript};

fn parts(lines: &[&str]) -> Vec<ClientPart> {
    ReplayScript::parse(&lines.join("\n"), "test.jsonl").unwrap().client_parts().unwrap()
}

fn says(millis: u64, text: &str) -> ClientMoment {
    ClientMoment::Says { at: Duration::from_millis(millis), message: Message::text(text) }
}

fn hears(millis: u64, text: &str) -> ClientMoment {
    ClientMoment::Hears { at: Duration::from_millis(millis), message: Message::text(text) }
}

#[test]
fn each_connection_of_a_recording_has_its_part() {
    let parts = parts(&[
        r#"{"recording":1}"#,
        r#"{"ts":0,"conn":1,"open":"/ws/a"}"#,
        r#"{"ts":3,"conn":1,"dir":"out","text":"{{name}}?"}"#,
        r#"{"ts":0,"conn":2,"open":"/ws"}"#,
        r#"{"ts":20,"conn":2,"dir":"in","close":true,"code":1006}"#,
        r#"{"ts":3150,"conn":1,"dir":"in","text":""}"#,
        r#"{"ts":3151,"conn":1,"dir":"in","binary":true,"text":"AP8="}"#,
        r#"{"ts":3152,"conn":1,"dir":"out","ping":true}"#,
        r#"{"ts":9000,"conn":1,"dir":"out","close":true,"code":4002}"#,
        r#"{"ts":9001,"conn":1,"dir":"in","text":"crossed"}"#,
    ]);
    let binary = ClientMoment::Says { at: Duration::from_millis(3151), message: Message::binary(vec![0, 255]) };
    assert_eq!(parts[0].moments, [hears(3, "{{name}}?"), says(3150, ""), binary]);
    assert_eq!((parts[0].path.as_deref(), parts[0].closed_by_server), (Some("/ws/a"), Some(4002)));
    assert_eq!(parts[0].ends_at, Duration::from_secs(9));
    assert_eq!((parts[1].moments.as_slice(), parts[1].closed_by_server), (&[][..], None));
    assert_eq!((parts[1].path.as_deref(), parts[1].ends_at), (Some("/ws"), Duration::from_millis(20)));
    assert_eq!(parts.len(), 2);
}

#[test]
fn a_session_that_goes_on_from_another_file_begins_at_once() {
    let parts = parts(&[
        r#"{"recording":1}"#,
        r#"{"ts":5000,"open":"/ws"}"#,
        r#"{"ts":5010,"dir":"in","text":"a"}"#,
        r#"{"ts":5030,"close":true,"code":1006}"#,
    ]);
    assert_eq!(parts[0].moments, [says(10, "a")]);
    assert_eq!((parts[0].ends_at, parts[0].closed_by_server), (Duration::from_millis(30), Some(1006)));
}

#[test]
fn scripts_are_followed_from_top_to_bottom() {
    let parts = parts(&[
        r#"{"ts":0,"dir":"in","waitFor":"^hello","text":"hello you"}"#,
        r#"{"ts":10,"text":"to all","send":{"room":"tea"}}"#,
        r#"{"ts":20,"text":"yes","next_step":"end"}"#,
        r#"{"ts":5,"step_id":"aside","dir":"in","waitFor":"x"}"#,
    ]);
    assert_eq!(parts[0].moments, [says(0, "hello you"), hears(20, "yes")]);
}

#[test]
fn what_the_file_does_not_say_is_told_with_its_line() {
    for lines in [
        &[r#"{"text":"a"}"#, r#"{"text":"HELLO","waitFor":"^READY$"}"#][..],
        &["", r#"{"dir":"in","binary":true}"#],
        &["", r#"{"dir":"in","branches":{"^a":"end"}}"#],
        &["", r#"{"dir":"in","waitFor":"a"}"#],
        &["", r#"{"text":"a","on_match":[{"pattern":"b","goto_step":"end"}]}"#],
    ] {
        let script = ReplayScript::parse(&lines.join("\n"), "test.jsonl").unwrap();
        let error = script.client_parts().unwrap_err();
        assert_eq!(error.line(), 2, "{lines:?}");
        assert!(error.to_string().starts_with("test.jsonl:2: the file says what"), "{error}");
    }
}
