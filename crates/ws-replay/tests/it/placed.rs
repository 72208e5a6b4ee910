//! Entries with their places: all of them, each where it stands, whatever stands around it.

use ws_replay::{PlacedEntry, ReplayScript};

use crate::simulation::{replies, run};

fn placed(text: &str) -> Vec<PlacedEntry> {
    let mut entries = Vec::new();
    let script = ReplayScript::parse_entries(text, "test.jsonl", |placed| entries.push(placed)).unwrap();
    assert_eq!(script.summary().entries, entries.len(), "{text}");
    entries
}

/// What stands at the places, and on which lines.
fn places(text: &str) -> Vec<(usize, &str)> {
    placed(text).into_iter().map(|placed| (placed.line, &text[placed.place])).collect()
}

#[test]
fn entries_are_found_where_they_stand() {
    let lines = "\u{feff}# caf\u{e9}\r\n{\"text\":\"\u{e9}\"}\r\n\r\n  {\"ts\":7,\"text\":\"b\"} \r\n{\"text\":\"c\"}";
    let found = [(2, "{\"text\":\"\u{e9}\"}"), (4, r#"{"ts":7,"text":"b"}"#), (5, r#"{"text":"c"}"#)];
    assert_eq!(places(lines), found);
    assert!(placed(lines).iter().all(|entry| !entry.is_element));
    // Comments of an array are read as blanks, of which there may be fewer bytes.
    let array = "\u{feff}// caf\u{e9} \u{1f600}\r\n[{\"text\":\"a\"}, {\"text\":\r\n# \u{e9}\u{e9}\r\n\"b\"}\n  # \u{e9}\n,{\"ts\":9}\n]";
    let array = array.replace("{\"ts\":9}", "{\"ts\":9,\"text\":\"c\"}");
    let found = [(2, r#"{"text":"a"}"#), (2, "{\"text\":\r\n# \u{e9}\u{e9}\r\n\"b\"}"), (6, r#"{"ts":9,"text":"c"}"#)];
    assert_eq!(places(&array), found);
    assert!(placed(&array).iter().all(|entry| entry.is_element));
}

#[test]
fn entries_have_the_times_and_the_connections_that_they_play_with() {
    let text = r#"
        {"recording":1}
        {"open":"/ws","ts":40}
        {"text":"a"}
        {"conn":2,"ts":5,"text":"b"}
        {"ts":50,"conn":null,"text":"c","waitFor":null}
        {"truncated":"disk full","ts":60}
        {"conn":2,"text":"d"}
        {"dir":"in","close":true,"code":4999}
    "#;
    let found: Vec<_> = placed(text).iter().map(|placed| (placed.connection, placed.entry.ts)).collect();
    assert_eq!(found, [(1, 40), (2, 5), (1, 50), (2, 5), (1, 50)]);
}

/// A step that goes back in time is where those behind it go on; rules are no entries.
#[test]
fn sections_and_rules_are_read() {
    let text = r#"
        {"ts":100,"text":"a","next_step":"b"}
        {"match":"^x$","response":"y"}
        {"step_id":"b","ts":10,"text":"b"}
        {"text":"c"}
    "#;
    let found: Vec<_> = placed(text).iter().map(|placed| placed.entry.ts).collect();
    assert_eq!(found, [100, 10, 10]);
}

/// What the compiler takes, serde takes too: also the example that has every key.
#[test]
fn the_demo_is_read() {
    assert!(placed(include_str!("../../../../examples/ws-replay-v2-demo.jsonl")).len() > 10);
    assert!(placed(include_str!("../../../../examples/tea-shop/script.jsonl")).len() > 3);
}

#[test]
fn a_mistake_is_told_as_ever() {
    let text = "{\"text\":\"a\"}\n{\"txt\":\"b\"}";
    let errors = ReplayScript::parse_entries(text, "f", |_| panic!("no entry of a broken file")).unwrap_err();
    assert_eq!(errors, ReplayScript::parse(text, "f").unwrap_err());
}

/// A text that is no template changes nothing of how those behind it are read.
#[test]
fn a_verbatim_text_does_not_make_a_script_branch() {
    let script = |between: &str| {
        format!(
            "{}\n{}\n{between}\n{}\n",
            r#"{"waitFor":"^(?<a>.)$","text":"1 {{a}}"}"#, r#"{"waitFor":"^b$","text":"2"}"#, r#"{"text":"3 {{a}}"}"#
        )
    };
    let expected = ["1 x", "2", "3 {{a}}"];
    assert_eq!(replies(&script(""), &["x", "b"]), expected);
    let with_more = script(r#"{"text":"new {{a}}","verbatim":true}"#);
    assert_eq!(replies(&with_more, &["x", "b"]), ["1 x", "2", "new {{a}}", "3 {{a}}"]);
    let warnings = |text: &str| ReplayScript::parse(text, "f").unwrap().warnings().len();
    assert_eq!((warnings(&script("")), warnings(&with_more)), (1, 1));
}

/// What was added to a recording is not what its server had said.
#[test]
fn a_verbatim_text_of_a_recording_is_not_learnt_from() {
    let text = r#"
        {"recording":1}
        {"ts":0,"text":"{\"id\":41}","verbatim":true}
        {"ts":1,"dir":"in","text":"{\"id\":41}"}
        {"ts":2,"text":"{\"id\":41,\"ok\":true}"}
        {"ts":3,"text":"{\"id\":41,\"new\":true}","verbatim":true}
    "#;
    let sent = run(text, &[(0, r#"{"id":7}"#)]);
    let texts: Vec<_> = sent.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, [r#"{"id":41}"#, r#"{"id":7,"ok":true}"#, r#"{"id":41,"new":true}"#]);
}
