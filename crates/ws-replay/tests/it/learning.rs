//! Recordings that learn: what a client makes up anew is taken, and put into what it is answered.

use std::sync::Arc;

use ws_core::Message;
use ws_replay::{CheckReport, Player, ReplayOptions, ReplayScript};

use crate::simulation::run_messages;

const A: &str = "550e8400-e29b-41d4-a716-446655440000";
const B: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// A recording of messages: those of the client begin with `>`, those of the server with `<`.
fn recording(first_line: &str, messages: &[&str]) -> String {
    let line = |(number, message): (usize, &&str)| {
        let (mark, text) = message.split_at(2);
        let dir = if mark == "> " { "in" } else { "out" };
        format!("{}\n", serde_json::json!({"ts": number * 10, "dir": dir, "text": text}))
    };
    format!("{first_line}\n{}", messages.iter().enumerate().map(line).collect::<String>())
}

/// What the client gets that says this, each when the one before was answered.
fn play(recording: &str, said: &[&str]) -> Vec<String> {
    let script = ReplayScript::parse(recording, "recording.jsonl").unwrap_or_else(|errors| panic!("{errors}"));
    let player = Player::new(Arc::new(script), &ReplayOptions::default(), "/ws", 0);
    let said = said.iter().zip(1_u64..).map(|(text, number)| (number * 1000, Message::text(*text))).collect();
    let sent = run_messages(player, said);
    sent.into_iter().map(|(_, message)| message.as_text().unwrap().to_owned()).collect()
}

#[test]
fn a_client_with_other_ids_is_answered_with_its_own() {
    let first = format!(r#"{{"jsonrpc":"2.0","id":"{A}","method":"sum"}}"#);
    let recording = recording(
        r#"{"recording":1}"#,
        &["< hello", &format!("> {first}"), &format!(r#"< {{"id":"{A}","result":3}}"#), &format!("< log of {A}")],
    );
    assert_eq!(play(&recording, &[&first])[1], format!(r#"{{"id":"{A}","result":3}}"#));
    let today = format!(r#"{{ "method":"sum", "jsonrpc":"2.0", "id":"{B}" }}"#);
    assert_eq!(
        play(&recording, &[&today]),
        ["hello", &format!(r#"{{"id":"{B}","result":3}}"#), &format!("log of {B}")]
    );
    let other = format!(r#"{{"jsonrpc":"2.0","id":"{B}","method":"product"}}"#);
    assert_eq!(play(&recording, &[&other, &today]).len(), 3);
    assert_eq!(play(&recording, &[&other]), ["hello"]);
    let report = CheckReport::of_text(&recording, "r.jsonl").to_string();
    assert_eq!(report, "r.jsonl: plays: 4 entries, 1 wait, 0.03 s, learns 1 value of the client");
}

#[test]
fn learning_can_be_switched_off() {
    let messages = [r#"> {"id":1}"#, r#"< {"id":1}"#];
    assert_eq!(play(&recording(r#"{"recording":1}"#, &messages), &[r#"{"id":2}"#]), [r#"{"id":2}"#]);
    assert_eq!(play(&recording(r#"{"recording":1,"learn":true}"#, &messages), &[r#"{"id":2}"#]), [r#"{"id":2}"#]);
    let off = recording(r#"{"recording":1,"learn":false}"#, &messages);
    assert_eq!(play(&off, &[r#"{"id":2}"#]), [""; 0]);
    assert_eq!(play(&off, &[r#"{"id":1}"#]), [r#"{"id":1}"#]);
    assert!(!CheckReport::of_text(&off, "r.jsonl").to_string().contains("learns"));
    // A script is no recording: what stands in it is meant.
    let script = recording("", &messages);
    assert_eq!(play(&script, &[r#"{"id":2}"#]), [""; 0]);
}

/// Messages that came before their wait are taken as they were before there was learning: word for word first.
#[test]
fn what_was_recorded_goes_before_what_resembles_it() {
    let recording = recording(
        r#"{"recording":1}"#,
        &[
            "> go",
            r#"> {"get":"user","id":17}"#,
            r#"< {"id":17,"name":"Ann"}"#,
            r#"> {"get":"user","id":42}"#,
            r#"< {"id":42,"name":"Bob"}"#,
        ],
    );
    let said = |said: &[&str]| {
        let script = Arc::new(ReplayScript::parse(&recording, "recording.jsonl").unwrap());
        let player = Player::new(script, &ReplayOptions::default(), "/ws", 0);
        run_messages(player, said.iter().map(|text| (0, Message::text(*text))).collect())
    };
    let [ann, bob] = [r#"{"id":17,"name":"Ann"}"#, r#"{"id":42,"name":"Bob"}"#].map(Message::text);
    let texts = |sent: Vec<(u64, Message)>| sent.into_iter().map(|(_, message)| message).collect::<Vec<_>>();
    let [get_ann, get_bob, get_eve] = [17, 42, 5].map(|id| format!(r#"{{"get":"user","id":{id}}}"#));
    assert_eq!(texts(said(&[&get_bob, &get_ann, "go"])), [ann.clone(), bob.clone()]);
    assert_eq!(texts(said(&[&get_eve, &get_ann, &get_bob, "go"])), [ann, bob]);
    let eve = Message::text(r#"{"id":5,"name":"Ann"}"#);
    assert_eq!(texts(said(&[&get_eve, "go"])), [eve]);
}

/// Each connection learns for itself.
#[test]
fn sessions_do_not_learn_from_each_other() {
    let recording = recording(r#"{"recording":1}"#, &[r#"> {"id":1}"#, r#"< {"id":1}"#]);
    let script = Arc::new(ReplayScript::parse(&recording, "recording.jsonl").unwrap());
    let answer = |text: &str| {
        let player = Player::new(Arc::clone(&script), &ReplayOptions::default(), "/ws", 0);
        run_messages(player, vec![(0, Message::text(text))]).remove(0).1
    };
    for text in [r#"{"id":2}"#, r#"{"id":1}"#, r#"{"id":"x"}"#] {
        assert_eq!(answer(text), Message::text(text));
    }
}
