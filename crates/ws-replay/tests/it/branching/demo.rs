//! M17: the example file does what it says.

use std::sync::Arc;

use ws_core::Message;
use ws_replay::{CheckReport, Player, ReplayOptions, ReplayScript};

use crate::simulation::run_messages;

const DEMO: &str = include_str!("../../../../../examples/ws-replay-v2-demo.jsonl");

fn said(inputs: &[(u64, &str)], until: u64) -> Vec<(u64, String)> {
    let script = Arc::new(ReplayScript::parse(DEMO, "demo.jsonl").unwrap());
    let player = Player::new(script, &ReplayOptions::seeded(1), "/ws", 0);
    let mut inputs: Vec<_> = inputs.iter().map(|(at, text)| (*at, Message::text(*text))).collect();
    // The heartbeat has no end of its own.
    inputs.push((until, Message::text("QUIT")));
    let sent = run_messages(player, inputs);
    let tell = |message: Message| match message {
        Message::Close(frame) => format!("close {}", frame.map_or(0, |frame| frame.code)),
        message => message.as_text().unwrap_or_default().to_owned(),
    };
    sent.into_iter().map(|(at, message)| (at, tell(message))).collect()
}

fn kinds(sent: Vec<(u64, String)>) -> Vec<(u64, String)> {
    let kind = |text: String| match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(json) => json["type"].as_str().unwrap_or_default().to_owned(),
        Err(_) => text,
    };
    sent.into_iter().map(|(at, text)| (at, kind(text))).collect()
}

#[test]
fn the_demo_has_no_flaw() {
    let report = CheckReport::of_text(DEMO, "demo.jsonl");
    assert!(report.passed() && report.warnings().is_empty(), "{report}");
}

#[test]
fn orders_are_confirmed_or_cancelled() {
    let inputs =
        [(70, "HELLO"), (500, r#"{"item":"tea"}"#), (600, "ACK"), (3000, r#"{"item":"cake"}"#), (3100, "NACK")];
    let expected = [
        (70, "welcome"),
        (90, "heartbeat"),
        (500, "confirm"),
        (700, "progress"),
        (950, "progress"),
        (1200, "progress"),
        (1450, "progress"),
        (1550, "delivered"),
        (3000, "confirm"),
        (3100, "cancelled"),
        (4000, "goodbye"),
        (4000, "close 1000"),
    ];
    assert_eq!(kinds(said(&inputs, 4000)), expected.map(|(at, kind)| (at, kind.to_owned())));
    let confirmed = said(&inputs, 4000);
    assert_eq!(confirmed[8].1, r#"{"type":"confirm","number":2,"item":"cake"}"#);
}

#[test]
fn who_says_nothing_is_sent_away() {
    assert_eq!(said(&[], 20_000), [(10_000, "close 4008".to_owned())]);
    let expected = [
        (0, "welcome"),
        (20, "heartbeat"),
        (100, "confirm"),
        (5100, "cancelled"),
        (15_020, "heartbeat"),
        (16_000, "goodbye"),
        (16_000, "close 1000"),
    ];
    let sent = kinds(said(&[(0, "HELLO"), (100, r#"{"item":"tea"}"#)], 16_000));
    assert_eq!(sent, expected.map(|(at, kind)| (at, kind.to_owned())));
    let idle = kinds(said(&[(0, "HELLO")], 70_000));
    assert!(idle.contains(&(60_020, "question".to_owned())), "{idle:?}");
}
