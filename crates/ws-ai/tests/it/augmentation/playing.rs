//! Plays a script in simulated time.

use std::sync::Arc;
use std::time::Duration;

use ws_core::Message;
use ws_replay::{Action, Player, ReplayOptions, ReplayScript};

/// What the connection `nth` is sent, and when, in milliseconds, while it says `x` at these times.
pub(super) fn play(script: &str, nth: u64, says: &[u64]) -> Vec<(u64, Message)> {
    let script = Arc::new(ReplayScript::parse(script, "s").unwrap());
    let mut player = Player::new(script, &ReplayOptions::seeded(1), "/ws", nth);
    let mut says = says.iter().copied().peekable();
    let (mut sent, mut now) = (Vec::new(), 0);
    // Steps of endless background work are not waited for.
    while now < 100_000 {
        while says.next_if(|at| *at <= now).is_some() {
            player.on_message(Duration::from_millis(now), Message::text("x"));
        }
        let until = match player.poll(Duration::from_millis(now)) {
            Action::Send(message) => {
                sent.push((now, message));
                continue;
            }
            Action::SleepUntil(time) | Action::AwaitMessageUntil(time) => {
                Some(u64::try_from(time.as_millis()).unwrap())
            }
            Action::AwaitMessage => None,
            Action::Finished | Action::Disconnect => break,
            _ => continue,
        };
        match [until, says.peek().copied()].into_iter().flatten().min() {
            Some(time) => now = time,
            None => break,
        }
    }
    sent
}

/// What a client is sent that says nothing.
pub(super) fn replies(script: &str) -> Vec<String> {
    play(script, 0, &[]).into_iter().map(|(_, message)| message.as_text().unwrap().to_owned()).collect()
}
