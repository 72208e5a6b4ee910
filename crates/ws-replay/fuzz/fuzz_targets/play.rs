//! A replay file and a client that strangers wrote: the script plays, in order, twice the same, and comes to rest.

#![no_main]

use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ws_core::Message;
use ws_replay::{Action, Player, ReplayOptions, ReplayScript};

// The input is a file and the client's messages, with zero bytes between; a message that is not UTF-8 is binary.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.split(|byte| *byte == 0);
    let Some(Ok(file)) = parts.next().map(std::str::from_utf8) else { return };
    let Ok(script) = ReplayScript::parse(file, "fuzz") else { return };
    let script = Arc::new(script);
    let messages: Vec<Message> = parts
        .map(|part| match std::str::from_utf8(part) {
            Ok(text) => Message::text(text),
            Err(_) => Message::binary(part.to_vec()),
        })
        .collect();
    let sent = play(&script, &messages);
    // An entry sends at most a text and a Close frame.
    assert!(sent.len() <= 2 * script.summary().entries);
    assert_eq!(sent, play(&script, &messages));
});

fn play(script: &Arc<ReplayScript>, messages: &[Message]) -> Vec<Message> {
    let mut player = Player::new(Arc::clone(script), &ReplayOptions::seeded(1), "/ws", 0);
    let mut messages = messages.iter();
    let mut sent = Vec::new();
    let mut now = Duration::ZERO;
    loop {
        match player.poll(now) {
            Action::Send(message) => sent.push(message),
            Action::SleepUntil(time) => {
                assert!(time > now);
                now = time;
            }
            Action::AwaitMessage => match messages.next() {
                Some(message) => player.on_message(now, message.clone()),
                None => return sent,
            },
            Action::Finished | Action::Disconnect => return sent,
        }
    }
}
