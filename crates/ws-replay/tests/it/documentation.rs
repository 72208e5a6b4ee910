//! The examples of the documentation: every file in it plays, and does what is said beside it.

use std::time::Duration;

use ws_core::Message;
use ws_replay::{Player, ReplayOptions, ReplayScript};

use crate::simulation::{run, run_messages, script};

/// The blocks of a document that are marked as `json`: each is a replay file.
fn files(document: &str) -> Vec<&str> {
    let blocks = document.split("```json\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

fn file_with<'d>(document: &'d str, part: &str) -> &'d str {
    files(document).into_iter().find(|file| file.contains(part)).unwrap()
}

const README: &str = include_str!("../../../../README.md");
const REPLAY: &str = include_str!("../../../../docs/replay.md");
const TEMPLATES: &str = include_str!("../../../../docs/templates.md");

#[test]
fn every_example_plays_without_a_warning() {
    let documents = [README, REPLAY, TEMPLATES].map(files);
    assert_eq!(documents.each_ref().map(Vec::len), [2, 14, 3]);
    for file in documents.into_iter().flatten() {
        let script = ReplayScript::parse(file, "example").unwrap_or_else(|errors| panic!("{errors}\n{file}"));
        assert_eq!(script.warnings(), [], "{file}");
    }
}

#[test]
fn examples_do_what_is_said_of_them() {
    let at = |time: u64, text: &str| (time, text.to_owned());
    let clock = file_with(REPLAY, "next question");
    let answered = [at(0, "question"), at(5100, "thank you"), at(5150, "next question")];
    assert_eq!(run(clock, &[(5000, "answer: 42")]), answered);

    let recorded = file_with(REPLAY, "login:");
    assert_eq!(run(recorded, &[(40, "ann")]), [at(0, "login:"), at(90, "welcome")]);

    let braces = file_with(REPLAY, "{{name}}");
    assert_eq!(run(braces, &[(10, "hello?")]), [at(3, "use {{name}} for your name"), at(12, "hello (world)")]);

    let news = Player::new(script(file_with(REPLAY, "/ws/news")), &ReplayOptions::default(), "/ws/news", 0);
    assert_eq!(run_messages(news, vec![]), [(0, Message::text("here is the news"))]);

    let greeting = file_with(TEMPLATES, "I am");
    let replies = run(greeting, &[(0, "I am Ann"), (0, r#"{"order": {"id": 7}}"#)]);
    assert_eq!(replies, [at(0, "hello Ann"), at(0, r#"{"order": 7, "state": "accepted"}"#)]);

    let computed = file_with(TEMPLATES, "stranger");
    let replies = run(computed, &[(0, r#"{"price": 5, "count": 12}"#), (0, "I am ")]);
    assert_eq!(replies, [at(0, r#"{"total": 60, "rebate": true}"#), at(0, "hello stranger, message 2")]);

    let tea = run(file_with(README, "tea or coffee?"), &[(20, "tea, please")]);
    assert_eq!(tea, [at(0, "tea or coffee?"), at(20, "cup 1")]);

    let drinks = file_with(REPLAY, "tea or coffee?");
    assert_eq!(run(drinks, &[(20, "tea, please")]), [at(0, "tea or coffee?"), at(70, "here is your tea")]);
    assert_eq!(run(drinks, &[(20, "coffee")]), [at(0, "tea or coffee?"), at(20, "here is your coffee")]);

    let sum = run(file_with(REPLAY, "state.sum"), &[(1, "add 2"), (2, "what?"), (3, "add 40")]);
    assert_eq!(sum, [at(1, "2"), at(3, "42")]);

    let there = file_with(REPLAY, "are you there?");
    assert_eq!(run(there, &[(20, "yes")]), [at(0, "are you there?"), at(30, "good"), at(80, "the end")]);
    let gone = run_messages(crate::simulation::player(there), vec![]);
    assert!(matches!(&gone[..], [_, (5000, Message::Close(Some(frame)))] if frame.code == 4008));

    let beats = run(file_with(REPLAY, "heartbeat"), &[(16_000, "bye")]);
    assert_eq!(beats.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 100, 600, 1100, 1600, 15_000, 16_100]);
    assert_eq!(beats[4].1, "progress 100 %");

    let items = [(1, r#"{"item":"a"}"#), (2, r#"{"item":"b"}"#), (3, r#"{"item":"c"}"#)];
    let counted = run(file_with(REPLAY, "state.count"), &items);
    assert_eq!(counted, [at(1, "1: a"), at(2, "2: b"), at(3, "3: c"), at(3, "that is enough")]);

    let mut checked = crate::simulation::player(file_with(REPLAY, "assertions"));
    checked.poll(Duration::ZERO);
    assert!(checked.on_message(Duration::ZERO, Message::text(r#"{"type":"order","count":2,"total":10}"#)));
    checked.poll(Duration::ZERO);
    assert!(checked.verdict().passed());

    let first = run(file_with(REPLAY, "CLIENT_READY"), &[(70, "CLIENT_READY"), (2000, "ACK")]);
    assert_eq!(first.iter().map(|(time, _)| *time).collect::<Vec<_>>(), [70, 80, 2010]);
}
