//! A replay file and a client that strangers wrote: the script plays, in order, twice the same, and each poll comes to an
//! end.

#![no_main]

use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ws_core::Message;
use ws_replay::{Action, Player, ReplayOptions, ReplayScript, ReportFormat};

// The input is a file and the client's messages, with zero bytes between; a message that is not UTF-8 is binary, and where it
// says nothing a wait that has a time limit runs out.
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
    assert_eq!(play(&script, &messages), play(&script, &messages));
});

/// More than a script has to do that does not go round; those that do are not waited for.
const MOST_ACTIONS: usize = 10_000;

fn play(script: &Arc<ReplayScript>, messages: &[Message]) -> Vec<Action> {
    let mut player = Player::new(Arc::clone(script), &ReplayOptions::seeded(1), "/ws", 0);
    let mut messages = messages.iter();
    let mut done = Vec::new();
    let mut now = Duration::ZERO;
    while done.len() < MOST_ACTIONS {
        let action = player.poll(now);
        match &action {
            Action::SleepUntil(time) => {
                assert!(*time > now);
                now = *time;
            }
            Action::AwaitMessage => match messages.next() {
                Some(message) => {
                    player.on_message(now, message.clone());
                }
                None => break,
            },
            Action::AwaitMessageUntil(time) => {
                assert!(*time > now);
                match messages.next() {
                    Some(message) if !message.is_empty() => {
                        player.on_message(now, message.clone());
                    }
                    _ => now = *time,
                }
            }
            Action::Finished | Action::Disconnect => break,
            _ => {}
        }
        done.push(action);
    }
    player.on_close(now);
    let verdict = player.verdict();
    for format in [ReportFormat::Text, ReportFormat::Json, ReportFormat::JUnit] {
        assert!(verdict.report(format).ends_with('\n'));
    }
    done
}
