//! Time-outs, silence and speed, exact to the millisecond.

use std::sync::Arc;
use std::time::Duration;

use ws_core::Message;
use ws_replay::{Action, Player, ReplayOptions, Speed};

use crate::simulation::{player, run, run_messages, script};

fn at(time: u64, text: &str) -> (u64, String) {
    (time, text.to_owned())
}

const MS: fn(u64) -> Duration = Duration::from_millis;

/// M17: `timeout_ms` counts from when the wait began, and leads to `on_timeout`.
#[test]
fn a_wait_runs_out() {
    let text = r#"
        {"ts":50,"text":"ready?"}
        {"ts":60,"text":"go","waitFor":"^yes$","timeout_ms":1000,"on_timeout":"late","next_step":"end"}
        {"step_id":"late","ts":70,"text":"too late"}
    "#;
    assert_eq!(run(text, &[]), [at(50, "ready?"), at(1060, "too late")]);
    assert_eq!(run(text, &[(1050, "yes")]), [at(50, "ready?"), at(1060, "go")]);
    assert_eq!(run(text, &[(900, "no"), (1051, "yes")]), [at(50, "ready?"), at(1060, "too late")]);
    let mut player = player(text);
    assert_eq!(player.poll(MS(50)), Action::Send(Message::text("ready?")));
    assert_eq!(player.poll(MS(50)), Action::AwaitMessageUntil(MS(1050)));
}

/// Without a step to go to, the script goes on behind the entry, and does not send its text.
#[test]
fn a_wait_that_runs_out_may_go_on() {
    let text = r#"
        {"step_id":"init","ts":0,"text":"HELLO","waitFor":"^READY$","timeout_ms":5000}
        {"ts":10,"text":"welcome"}
    "#;
    assert_eq!(run(text, &[]), [at(5010, "welcome")]);
    assert_eq!(run(text, &[(70, "READY")]), [at(70, "HELLO"), at(80, "welcome")]);
}

/// However late it is asked: a message that came in time counts, and one that came too late is for the next wait.
#[test]
fn a_message_that_came_in_time_goes_before_the_time_out() {
    let text = r#"
        {"text":"in time {{1}}","waitFor":"^m(.)$","timeout_ms":100,"on_timeout":"late","next_step":"late"}
        {"step_id":"late","text":"then {{1}}","waitFor":"^m(.)$"}
    "#;
    let sent = |times: &[u64]| {
        let mut player = player(text);
        assert_eq!(player.poll(MS(0)), Action::AwaitMessageUntil(MS(100)));
        for (n, time) in times.iter().enumerate() {
            player.on_message(MS(*time), Message::text(format!("m{n}")));
        }
        std::iter::from_fn(|| match player.poll(MS(1000)) {
            Action::Send(message) => Some(message.as_text().unwrap().to_owned()),
            _ => None,
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(sent(&[99, 101]), ["in time 0", "then 1"]);
    assert_eq!(sent(&[100]), ["in time 0"]);
    assert_eq!(sent(&[101]), ["then 0"]);
}

/// A client cannot answer what it has not got: the time-out counts from when the wait was really opened.
#[test]
fn a_slow_client_loses_no_time() {
    let mut player = player("{\"text\":\"?\"}\n{\"waitFor\":\"x\",\"text\":\"x\",\"timeout_ms\":100}");
    assert_eq!(player.poll(MS(0)), Action::Send(Message::text("?")));
    // Sending took so long.
    assert_eq!(player.poll(MS(6000)), Action::AwaitMessageUntil(MS(6100)));
}

/// Silence is counted while the script waits, from the last thing that the client said.
#[test]
fn silence_leads_elsewhere() {
    let text = r#"
        {"ts":1000,"text":"welcome","on_silence":{"after_ms":500,"goto_step":"nudge"}}
        {"step_id":"listen","ts":1000,"dir":"in","waitFor":"^over$","next_step":"bye"}
        {"step_id":"nudge","ts":1000,"text":"hello?","next_step":"listen"}
        {"step_id":"bye","ts":1000,"on_silence":false,"text":"bye"}
        {"ts":1000,"waitFor":"x","text":"never"}
    "#;
    // Not during the delay before the wait; any word starts it anew.
    assert_eq!(
        run(text, &[(1300, "mumble"), (2000, "over")]),
        [at(1000, "welcome"), at(1800, "hello?"), at(2000, "bye")]
    );
    let mut player = player(text);
    assert_eq!(player.poll(MS(1000)), Action::Send(Message::text("welcome")));
    assert_eq!(player.poll(MS(1000)), Action::AwaitMessageUntil(MS(1500)));
    player.on_message(MS(1100), Message::Ping("still here".into()));
    assert_eq!(player.poll(MS(1100)), Action::AwaitMessageUntil(MS(1500)));
    player.on_message(MS(1200), Message::binary(vec![1]));
    assert_eq!(player.poll(MS(1200)), Action::AwaitMessageUntil(MS(1700)));
    assert_eq!(player.poll(MS(1700)), Action::Send(Message::text("hello?")));
    player.on_message(MS(1800), Message::text("over"));
    assert_eq!(player.poll(MS(1800)), Action::Send(Message::text("bye")));
    assert_eq!(player.poll(MS(1800)), Action::AwaitMessage);
}

/// The time-out goes before the silence if both end together.
#[test]
fn a_time_out_goes_before_silence() {
    let text = r#"
        {"text":"a","waitFor":"x","on_silence":{"after_ms":100,"goto_step":"silent"},"timeout_ms":100,"on_timeout":"late"}
        {"step_id":"silent","text":"silent","next_step":"end"}
        {"step_id":"late","text":"late"}
    "#;
    assert_eq!(run(text, &[]), [at(100, "late")]);
    assert_eq!(run(&text.replace("\"timeout_ms\":100", "\"timeout_ms\":101"), &[]), [at(100, "silent")]);
}

/// Delays get shorter, time-outs do not, and the messages stay the same.
#[test]
fn speed_divides_delays() {
    let text = r#"
        {"ts":100,"text":"{{now}}"}
        {"ts":300,"text":"{{now}}","repeat":2,"every":100}
        {"ts":400,"text":"{{now}}","waitFor":"x","timeout_ms":1000}
    "#;
    let at_speed = |speed: Speed| {
        let options = ReplayOptions { speed, ..ReplayOptions::seeded(1) };
        let player = Player::new(script(text), &options, "/ws", 0);
        let sent = run_messages(player, vec![(999, Message::text("x"))]);
        sent.into_iter().map(|(at, message)| (at, message.as_text().unwrap()[17..].to_owned())).collect::<Vec<_>>()
    };
    let texts = ["00.100Z", "00.300Z", "00.400Z", "00.500Z"];
    let with_times = |times: [u64; 4]| times.into_iter().zip(texts.map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(at_speed(Speed::default()), with_times([100, 300, 400, 1099]));
    assert_eq!(at_speed(Speed::times(2.0).unwrap()), with_times([50, 150, 200, 1049]));
    assert_eq!(at_speed(Speed::MAX), with_times([0, 0, 0, 999]));
    assert_eq!(at_speed(Speed::times(0.5).unwrap()), with_times([200, 600, 800, 1199]));
}

/// A script that goes round without time passing ends; whoever polls gets an answer.
#[test]
fn endless_rounds_end() {
    let silent = "{\"step_id\":\"a\",\"set\":{\"n\":\"{{state.n + 1}}\"},\"next_step\":\"a\"}";
    let mut player = player(silent);
    assert_eq!(player.poll(MS(0)), Action::Finished);
    assert!(!player.is_finished());
    let verdict = player.verdict();
    assert_eq!(verdict.unfinished_because(), Some("test.jsonl:1: the script went round here without end"));

    // With a text it is a flood, which ends too.
    let flood = run("{\"step_id\":\"a\",\"text\":\"x\",\"next_step\":\"a\"}", &[]);
    assert_eq!(flood.len(), 10_001);

    // Nor does a poll last for ever that is late for more rounds than there are.
    let script = script("{\"step_id\":\"a\",\"ts\":1,\"set\":{\"n\":\"{{state.n + 1}}\"},\"next_step\":\"a\"}");
    let mut late = Player::new(Arc::clone(&script), &ReplayOptions::default(), "/ws", 0);
    let day = Duration::from_secs(86_400);
    assert_eq!(late.poll(day), Action::SleepUntil(day + MS(1)));
    let fast = ReplayOptions { speed: Speed::MAX, ..ReplayOptions::default() };
    assert_eq!(Player::new(script, &fast, "/ws", 0).poll(day), Action::Finished);
}

/// A long file without jumps is no endless one.
#[test]
fn long_files_play() {
    let lines: Vec<_> = (0..20_000).map(|n| format!("{{\"set\":{{\"n\":{n}}}}}")).collect();
    let sent = run(&format!("{}\n{{\"text\":\"{{{{state.n}}}}\"}}", lines.join("\n")), &[]);
    assert_eq!(sent, [at(0, "19999")]);
}
