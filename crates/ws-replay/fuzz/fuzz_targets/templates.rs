//! A template and client messages that strangers wrote: every answer is made, twice the same, and what a client says is
//! inserted as it is.

#![no_main]

use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use ws_core::Message;
use ws_replay::{Action, Player, ReplayOptions, ReplayScript};

/// What the client said, in all ways that there are to insert it.
const FRAME: &str = "|{{said}}|{{1}}|{{match.said}}|{{request.ws.message}}|{{state.kept}}|";

// The input is a template and one or two messages, with zero bytes between.
fuzz_target!(|input: &str| {
    let mut parts = input.split('\0');
    let Some(template) = parts.next() else { return };
    let messages: Vec<&str> = parts.take(2).collect();
    let entry = |text: &str| {
        json!({"text": text, "waitFor": "^(?<said>(?s).*)$", "set": {"kept": "{{request.ws.message}}"}}).to_string()
    };
    let lines = messages.iter().flat_map(|_| [entry(template), json!({"text": FRAME}).to_string()]);
    let file = lines.collect::<Vec<_>>().join("\n");
    let Ok(script) = ReplayScript::parse(&file, "fuzz") else { return };
    let script = Arc::new(script);
    let answers = play(&script, &messages);
    assert_eq!(answers, play(&script, &messages));
    assert_eq!(answers.len(), 2 * messages.len());
    for (said, answers) in messages.iter().zip(answers.chunks(2)) {
        if !template.contains("{{") {
            assert_eq!(answers[0], Message::text(template));
        }
        assert_eq!(answers[1], Message::text(format!("|{said}|{said}|{said}|{said}|{said}|")));
    }
});

fn play(script: &Arc<ReplayScript>, messages: &[&str]) -> Vec<Message> {
    let mut player = Player::new(Arc::clone(script), &ReplayOptions::seeded(1), "/ws", 0);
    let mut sent = Vec::new();
    for message in messages {
        player.on_message(Duration::ZERO, Message::text(*message));
        while let Action::Send(message) = player.poll(Duration::ZERO) {
            sent.push(message);
        }
    }
    sent
}
