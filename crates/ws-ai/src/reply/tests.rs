//! Replies as language models write them, and the properties that hold for all texts.

mod properties;

use super::*;

/// What is found in a reply, a line each: `trade {"price":1}`, or the kind of a reject.
fn found_in<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut reader = ReplyReader::new();
    let mut found: Vec<Found> = pieces.into_iter().flat_map(|piece| reader.push(piece)).collect();
    found.extend(reader.finish().map(Err));
    let lines = found.into_iter().map(|found| match found {
        Ok(Draft { kind, data }) => format!("{kind} {data}"),
        Err(Reject { kind, .. }) => kind.as_str().to_owned(),
    });
    lines.collect()
}

/// Also when each character comes for itself.
#[track_caller]
fn check(reply: &str, expected: &[&str]) {
    assert_eq!(found_in([reply]), expected);
    let characters: Vec<String> = reply.chars().map(String::from).collect();
    assert_eq!(found_in(characters.iter().map(String::as_str)), expected);
}

const A: &str = r#"{"type":"a","data":{"n":1}}"#;
const B: &str = r#"{"type":"b","data":{"n":2}}"#;
const FOUND: [&str; 2] = [r#"a {"n":1}"#, r#"b {"n":2}"#];

#[test]
fn events_are_found_in_all_forms_that_models_write() {
    check(&format!(r#"{{"events":[{A},{B}]}}"#), &FOUND);
    check(
        &format!(r#"{{ "thoughts": ["[", {{"x": {{}}}}], "events" : [ {A} , {B} ], "more": {{"y": [1]}} }}"#),
        &FOUND,
    );
    check(&format!("[{A}, {B}]"), &FOUND);
    check(&format!("{A}\n{B}\n"), &FOUND);
    check(&format!("{A}{B}"), &FOUND);
    check(&format!("```json\n{A}\n{B}\n```"), &FOUND);
    check(&format!("Sure! Here are 2 events:\n\n```json\n[\n  {A},\n  {B}\n]\n```\nAnything else?"), &FOUND);
    check(&format!("1. First, {A}.\n2. Then `{B}`, and that is all."), &FOUND);
    check(&format!(r#"{{"events":[{A}]}} {{"events":[{B}]}}"#), &FOUND);
    check(
        "{\n  \"events\": [\n    {\n      \"type\": \"a\",\n      \"data\":\n      {\n        \"n\": 1\n      }\n    }\n  ]\n}",
        &FOUND[..1],
    );
    check("", &[]);
    check("I cannot help with that.", &[]);
    check(r#"{"events":[]}"#, &[]);
}

#[test]
fn thoughts_are_not_read() {
    check(&format!("<think>Maybe {A}? Or {{\"x\"</think>{B}"), &FOUND[1..]);
    check(&format!("<thinking>{A}</thinking>\n{B}"), &FOUND[1..]);
    check(&format!("a < b <b>bold</b> <<think>{A}</</think>{B}"), &FOUND[1..]);
    check(r#"{"type":"a","data":"<think>{"}"#, &[r#"a "<think>{""#]);
    check(&format!("<think>Maybe {A}"), &["truncated"]);
}

#[test]
fn braces_in_prose_are_no_events() {
    check(&format!("Use {{}} or {{name}} or {{{{ x }}}}, see [1] and [{{id}}]: {A}"), &FOUND[..1]);
    check(&format!("An object begins with {{ and is closed later:\n{A}\n{B}"), &FOUND);
    check(&format!("{{\"quoted\" words}} {A}"), &["malformed", FOUND[0]]);
    check(&format!("{{\"quoted\" words:\n{A}\n{B}"), &["truncated", FOUND[0], FOUND[1]]);
    // What is in a brace of prose is no event either.
    check(r#"{type: "a", data: {"n": 1}}"#, &[]);
    check(r#"{'type': 'a', 'data': {'n': 1}}"#, &["malformed"]);
}

#[test]
fn what_is_missing_is_made_up_and_what_is_wrong_is_told() {
    check(r#"{"symbol":"AAPL","price":1,"at":"x"}"#, &[r#"event {"symbol":"AAPL","price":1,"at":"x"}"#]);
    check(r#"{"b":1,"type":"t","a":2,"c":3}"#, &[r#"t {"b":1,"a":2,"c":3}"#]);
    check(r#"{"type":"t","timestamp":"x","sequence":9,"data":[1,"2"]}"#, &[r#"t [1,"2"]"#]);
    check(r#"{"type":" ","data":null}"#, &["event null"]);
    check(r#"{"type":"ping"}"#, &["ping {}"]);
    check(r#"{"type":7,"data":{}}"#, &["malformed"]);
    check(r#"{"type":null,"data":{}}"#, &["malformed"]);
    check(r#"{"events":{"type":"a","data":{}}}"#, &["malformed"]);
    check(r#"{"type":"a","data":{"events":[{"type":"b","data":{}}]}}"#, &[r#"a {"events":[{"type":"b","data":{}}]}"#]);
    check(
        &format!(r#"{{"events":[{{}}, 7, "a {{ \" b", null, [{A}, {B}], {A}]}}"#),
        &["malformed", "malformed", "malformed", "malformed", "malformed", FOUND[0]],
    );
}

#[test]
fn a_mistake_costs_one_event() {
    for mistake in [
        r#"{"type":"x","data":{"n":1},}"#,
        r#"{"type":"x" "data":{"n":[{"type":"y"},{"type":"z"}]}}"#,
        r#"{"type":"x","data":{"n":01}}"#,
        r#"{"type":"x","data":{"n":1e999}}"#,
        r#"{"type":"x","data":{"n":"\ud800"}}"#,
        r#"{"type":"x","data":{"n":"\q"}}"#,
        r#"{"type":"x","data":{"n":[1,2}}"#,
        r#"{"type":"x","data":{"n": ... }}"#,
        "{\"type\":\"x\",\n \"data\":{\"n\":[\n {\"type\":\"y\"},\n {\"type\":\"z\"},\n ]}}",
    ] {
        check(&format!("{A}\n{mistake}\n{B}"), &[FOUND[0], "malformed", FOUND[1]]);
        check(&format!("[{A},{mistake},{B}]"), &[FOUND[0], "malformed", FOUND[1]]);
        check(&format!(r#"{{"events":[{A},{mistake},{B}]}}"#), &[FOUND[0], "malformed", FOUND[1]]);
    }
    // Brackets and quotes that are never closed: the next line is another event.
    for mistake in [
        r#"{"type":"x","data":{"n":1}"#,
        r#"{"type":"x","data":{"n":1},"#,
        r#"{"type":"x","data":{"n":"1}}"#,
        r#"{"type":"x","data":{"n":[{"n":1}, {"n":"#,
    ] {
        let expected = [FOUND[0], "truncated", FOUND[1]];
        if !mistake.ends_with(':') {
            check(&format!("{A}\n{mistake}\n{B}"), &expected);
            check(&format!("{{\"events\":[\n  {A},\n  {mistake}\n  {B}\n]}}"), &expected);
        }
        check(&format!("```\n{A}\n{mistake}\n```\nAgain:\n{B}"), &expected);
        check(&format!("{A}{mistake}"), &expected[..2]);
    }
    // An array that is closed too late or too early.
    check(&format!(r#"{{"events":[{A}}} {B}"#), &FOUND);
    check(&format!("```{{\"events\":[{A},\n```\n{B}"), &FOUND);
    check(&format!(r#"{{"events":[{A},{{"type":"x","data":{{"n":[1]]}} {B}"#), &[FOUND[0], "truncated", FOUND[1]]);
}

#[test]
fn an_event_is_found_with_the_piece_that_completes_it() {
    let event = r#"{"type":"\u00e9\"}","data":{"t":"} ] \\"}}"#;
    let reply = format!(r#"{{"events":[{event},{event}"#);
    let complete = [reply.len() - event.len() - 1, reply.len()];
    let mut reader = ReplyReader::new();
    let mut found_at = Vec::new();
    for (at, character) in reply.char_indices() {
        for found in reader.push(character.encode_utf8(&mut [0; 4])) {
            assert_eq!(found.unwrap(), Draft { kind: "é\"}".to_owned(), data: serde_json::json!({"t": "} ] \\"}) });
            found_at.push(at + character.len_utf8());
        }
    }
    assert_eq!(found_at, complete);
}

#[test]
fn what_is_too_large_is_not_kept() {
    let nested = |levels: usize| format!("{}1{}", r#"{"d":"#.repeat(levels), "}".repeat(levels));
    let deepest = nested(MOST_LEVELS);
    check(&deepest, &[&format!("event {deepest}")]);
    check(&format!("{}\n{A}", nested(MOST_LEVELS + 1)), &["too_large", FOUND[0]]);
    check(&format!("{}[1]{}", "[".repeat(10_000), "]".repeat(10_000)), &[]);

    let text = |bytes: usize| format!(r#"{{"d":"{}"}}"#, "x".repeat(bytes - 8));
    let largest = text(MOST_EVENT_BYTES);
    check(&largest, &[&format!("event {largest}")]);
    check(&format!("{}\n{A}", text(MOST_EVENT_BYTES + 1)), &["too_large", FOUND[0]]);
    // What stands before the events may be longer than an event.
    let thoughts = "x".repeat(2 * MOST_EVENT_BYTES);
    check(&format!(r#"{{"thoughts":"{thoughts}","events":[{A}]}}"#), &FOUND[..1]);
    let mut reader = ReplyReader::new();
    reader.push(&format!(r#"{{"thoughts":"{thoughts}"#));
    let Place::Value(open) = &reader.place else { panic!("{reader:?}") };
    assert!(open.text.capacity() <= MOST_EVENT_BYTES);
}

#[test]
fn a_reply_has_an_end() {
    let mut reader = ReplyReader::new();
    let prose = " ".repeat(MOST_BYTES - A.len());
    assert_eq!(reader.push(&prose), []);
    assert!(reader.push(A)[0].is_ok());
    assert!(!reader.is_full());
    let found = reader.push(B);
    assert_eq!(found[0].as_ref().unwrap_err().kind, RejectKind::TooLarge);
    assert!(reader.is_full());
    assert_eq!(reader.push(A), []);
    assert_eq!(reader.finish(), None);

    let mut reader = ReplyReader::new();
    let found = reader.push(&format!(r#"{{"events":[{A}{}"#, ",0".repeat(10_000)));
    assert_eq!(found.len(), 1 + MOST_REJECTS);
    assert!(reader.is_full());
}

#[test]
fn reasons_can_be_told_to_a_model() {
    let reason = |reply: &str| {
        let mut reader = ReplyReader::new();
        let found = reader.push(reply).pop();
        found.map(|found| found.unwrap_err()).or(reader.finish()).unwrap().reason
    };
    assert_eq!(reason(r#"{"type":"a",}"#), "an event is not JSON: trailing comma at line 1 column 13");
    assert_eq!(reason("{'type': 'a'}"), "an event is not JSON: key must be a string at line 1 column 2");
    assert_eq!(reason(r#"{"type":7}"#), "the `type` of an event is not a text, but a number");
    let long_type = format!(r#"{{"type":"{}"}}"#, "x".repeat(129));
    assert_eq!(reason(&long_type), "the `type` of an event is longer than 128 characters");
    assert_eq!(reason(r#"{"events":[7"#), "an event is an object, in braces");
    assert_eq!(reason(r#"{"events":[{}"#), "an event has nothing in it");
    assert_eq!(reason(r#"{"events":{}}"#), "`events` is not an array");
    assert_eq!(reason(r#"{"type":"#), "the end of an event is missing");
    assert_eq!(reason("<think>"), "the reply ends in the middle of a thought");
    assert_eq!(reason(&format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000))), "an event is larger than 65536 bytes");
    assert_eq!(
        reason(&format!("{}{}", r#"{"a":"#.repeat(65), "}".repeat(65))),
        "an event is nested deeper than 64 levels"
    );
    assert_eq!(reason(&" ".repeat(1_048_577)), "the reply is longer than 1048576 bytes");
}
