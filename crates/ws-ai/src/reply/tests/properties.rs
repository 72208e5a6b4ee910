//! What holds for all texts: they are read to their end, however they are cut, and events that are written rightly are found.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::found_in;

/// Text that looks like what models write, and like what they should not.
fn reply() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => prop::sample::select(&[
            "{", "}", "[", "]", "\"", "\\", ":", ",", "\n", "\n  ", " ", "```", "`", "'", "<", "<think>", "</think>", "1", "true",
            "\\u00e9", "\\ud83d", "é", "😀", "word ", "\"type\":", "\"data\":", "\"events\":", "{\"events\":[", "]}",
            "{\"type\":\"a\",\"data\":{\"n\":1}}", "{\"n\":[{\"n\":{}}]}", "{\"type\":7}",
        ][..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[{}\\[\\]\"`\\\\<>a,:\n]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |value| {
        prop_oneof![
            prop::collection::vec(value.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), value), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", Just("events".to_owned()), Just("type".to_owned()), any::<String>()]
}

fn cut<'a>(text: &'a str, places: &[prop::sample::Index]) -> Vec<&'a str> {
    let mut at: Vec<usize> = places.iter().map(|place| text.floor_char_boundary(place.index(text.len() + 1))).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect()
}

proptest! {
    #[test]
    fn however_a_reply_is_cut_the_same_is_found(reply in reply(), places in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        prop_assert_eq!(found_in(cut(&reply, &places)), found_in([&*reply]));
    }

    #[test]
    fn events_that_are_written_rightly_are_found(
        events in prop::collection::vec(("[^\"\\\\\\s]{1,8}", value()), 0..5),
        is_pretty in any::<bool>(),
        form in 0..4,
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let expected: Vec<String> = events.iter().map(|(kind, data)| format!("{kind} {data}")).collect();
        let events: Vec<Value> = events.iter().map(|(kind, data)| json!({"type": kind, "data": data})).collect();
        let write = |value: &Value| if is_pretty { format!("{value:#}") } else { value.to_string() };
        let reply = match form {
            0 => write(&json!({"thought": [{"n": {}}], "events": events, "more": {"events": [{}]}})),
            1 => write(&Value::from(events)),
            2 => events.iter().map(write).collect::<Vec<_>>().join("\n"),
            _ => format!("Here they are:\n```json\n{}\n```\nDone.", write(&json!({"events": events}))),
        };
        prop_assert_eq!(found_in(cut(&reply, &places)), expected);
    }

    /// Whatever a model has written before, a line behind a fence is read, unless the model still thinks.
    #[test]
    fn a_reader_finds_back(before in reply()) {
        let before = before.replace("<think", "");
        let found = found_in([&*before, "\n```\n{\"type\":\"found\",\"data\":1}\n"]);
        prop_assert_eq!(found.last().map(String::as_str), Some("found 1"));
    }
}

/// Objects keep the order of their members.
#[test]
fn members_stay_in_order() {
    let data: Map<String, Value> = (0..20).rev().map(|n| (format!("m{n}"), json!(n))).collect();
    let data = Value::Object(data);
    let event = json!({"data": data, "type": "a"});
    assert_eq!(found_in([&*event.to_string()]), [format!("a {data}")]);
}
