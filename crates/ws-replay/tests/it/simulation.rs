//! Plays a script in simulated time: no clock, no task, every step exact.

use std::sync::Arc;
use std::time::Duration;

use ws_core::Message;
use ws_replay::{Action, Player, ReplayOptions, ReplayScript};

pub(crate) fn script(text: &str) -> Arc<ReplayScript> {
    Arc::new(ReplayScript::parse(text, "test.jsonl").unwrap_or_else(|errors| panic!("{errors}")))
}

pub(crate) fn player(text: &str) -> Player {
    Player::new(script(text), &ReplayOptions::seeded(1), "/ws", 0)
}

/// What was sent and when, in milliseconds since the start, while the client sent `inputs` at their times.
pub(crate) fn run_messages(mut player: Player, inputs: Vec<(u64, Message)>) -> Vec<(u64, Message)> {
    let mut inputs = inputs.into_iter().peekable();
    let mut sent = Vec::new();
    let mut now = 0;
    loop {
        while let Some((_, message)) = inputs.next_if(|(at, _)| *at <= now) {
            player.on_message(Duration::from_millis(now), message);
        }
        let next_input = inputs.peek().map(|(at, _)| *at);
        match player.poll(Duration::from_millis(now)) {
            Action::Send(message) => sent.push((now, message)),
            Action::SleepUntil(time) => {
                let time = u64::try_from(time.as_millis()).unwrap();
                assert!(time > now, "a sleep that is over already");
                now = next_input.map_or(time, |at| at.min(time));
            }
            Action::AwaitMessageUntil(time) => {
                let time = u64::try_from(time.as_millis()).unwrap();
                assert!(time > now, "a wait that is over already");
                now = next_input.map_or(time, |at| at.min(time));
            }
            Action::AwaitMessage => match next_input {
                Some(at) => now = at,
                None => return sent,
            },
            Action::Broadcast { .. } | Action::Join(_) | Action::Leave(_) => {}
            Action::Finished | Action::Disconnect => return sent,
        }
    }
}

/// As [`run_messages`], for text.
pub(crate) fn run(text: &str, inputs: &[(u64, &str)]) -> Vec<(u64, String)> {
    let inputs = inputs.iter().map(|(at, text)| (*at, Message::text(*text))).collect();
    let sent = run_messages(player(text), inputs);
    sent.into_iter().map(|(at, message)| (at, message.as_text().expect("text").to_owned())).collect()
}

/// The same without the times.
pub(crate) fn replies(text: &str, inputs: &[&str]) -> Vec<String> {
    let inputs: Vec<_> = inputs.iter().map(|text| (0, *text)).collect();
    run(text, &inputs).into_iter().map(|(_, text)| text).collect()
}
