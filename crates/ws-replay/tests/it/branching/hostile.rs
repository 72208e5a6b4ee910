//! Whatever a script that branches holds, and whatever a client says: no panic, no endless poll, and the same again.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use ws_core::Message;
use ws_replay::{Action, Player, ReplayOptions, ReplayScript, Speed};

fn step() -> impl Strategy<Value = Value> {
    prop::sample::select(vec!["a", "b", "c", "end"]).prop_map(Value::from)
}

fn pattern() -> impl Strategy<Value = Value> {
    prop::sample::select(vec!["^(?<n>.)$", "$.a", "$.a:\"x\"", "", "x(y)?"]).prop_map(Value::from)
}

fn condition() -> impl Strategy<Value = Value> {
    prop::sample::select(vec!["state.n > 2", "$.a == 'x'", "n != null", "!state.m", "true"]).prop_map(Value::from)
}

/// One key with a value that may stand there.
fn key() -> impl Strategy<Value = (&'static str, Value)> {
    let number = || 0..4_u64;
    let assertion = (pattern(), prop::sample::select(vec![json!(true), json!(false), json!(1), json!("x")]));
    prop_oneof![
        step().prop_map(|step| ("next_step", step)),
        step().prop_map(|step| ("on_timeout", step)),
        step().prop_map(|step| ("stop", step)),
        number().prop_map(|time| ("timeout_ms", (time * 10).into())),
        number().prop_map(|time| ("repeat", time.into())),
        number().prop_map(|time| ("every", time.into())),
        condition().prop_map(|condition| ("condition", condition)),
        (pattern(), step()).prop_map(|(pattern, goto)| ("on_match", json!([{"pattern": pattern, "goto_step": goto}]))),
        (pattern(), step()).prop_map(|(pattern, goto)| ("branches", json!({pattern.as_str().unwrap(): goto}))),
        (condition(), step()).prop_map(|(when, goto)| ("branches", json!([{"condition": when, "goto_step": goto}]))),
        (step(), number()).prop_map(|(goto, times)| ("loop", json!({"goto_step": goto, "times": times}))),
        (step(), number()).prop_map(|(goto, after)| ("on_silence", json!({"after_ms": after * 7, "goto_step": goto}))),
        Just(("on_silence", json!(false))),
        Just(("set", json!({"n": "{{state.n + 1}}", "m": ["{{1}}", {"x": "{{$.a}}"}]}))),
        assertion.prop_map(|(pattern, value)| ("assertions", json!([{"pattern": pattern, "expected": value}]))),
        Just(("join", json!("r{{state.n}}"))),
        Just(("send", json!({"room": "r"}))),
        Just(("close", json!(true))),
        pattern().prop_map(|pattern| ("waitFor", pattern)),
        Just(("dir", json!("in"))),
        number().prop_map(|ts| ("ts", ts.into())),
        Just(("text", json!("{{repetition}} {{n}} {{uuid}} {{state.n * 2}}"))),
    ]
}

/// A script in which the steps a, b and c are there; keys that do not go together are left out one by one until it plays.
fn playable() -> impl Strategy<Value = Arc<ReplayScript>> {
    let entry = prop::collection::vec(key(), 0..5);
    prop::collection::vec(entry, 3..7).prop_map(|entries| {
        let mut entries: Vec<Value> = entries
            .into_iter()
            .zip(["a", "b", "c"].into_iter().map(Some).chain(std::iter::repeat(None)))
            .map(|(keys, name)| {
                let mut entry = json!({"text": "t"});
                keys.into_iter().for_each(|(key, value)| entry[key] = value);
                if let Some(name) = name {
                    entry["step_id"] = name.into();
                }
                entry
            })
            .collect();
        loop {
            let text = entries.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
            let errors = match ReplayScript::parse(&text, "f") {
                Ok(script) => return Arc::new(script),
                Err(errors) => errors,
            };
            let place = errors.errors()[0].position().unwrap();
            let entry = entries[place.line - 1].as_object_mut().unwrap();
            let extra = entry.keys().find(|key| *key != "text" && *key != "step_id").cloned();
            match extra {
                Some(key) => drop(entry.remove(&key)),
                // It stands behind a close.
                None => drop(entries.remove(place.line - 1)),
            }
        }
    })
}

/// What is done in a while of simulated time, however often it would go on.
fn actions(mut player: Player, inputs: &[(u64, &str)]) -> (Vec<(u64, Action)>, String) {
    const MOST: usize = 500;
    let mut inputs = inputs.iter().peekable();
    let (mut done, mut now) = (Vec::new(), 0);
    let ms = Duration::from_millis;
    while done.len() < MOST && now < 1000 {
        while let Some((_, text)) = inputs.next_if(|(at, _)| *at <= now) {
            player.on_message(ms(now), Message::text(*text));
        }
        let next = inputs.peek().map_or(1000, |(at, _)| *at);
        match player.poll(ms(now)) {
            Action::SleepUntil(time) | Action::AwaitMessageUntil(time) => {
                assert!(time > ms(now), "a time that has come already");
                now = u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(next).min(next);
            }
            Action::AwaitMessage => now = next,
            Action::Finished | Action::Disconnect if player.is_finished() || next == 1000 => break,
            Action::Finished | Action::Disconnect => now = next,
            action => done.push((now, action)),
        }
    }
    player.on_close(ms(now));
    (done, player.verdict().to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_script_that_branches_plays_with_any_client(
        script in playable(),
        inputs in prop::collection::vec(
            (0..90_u64, prop::sample::select(vec!["a", "x", "xy", r#"{"a":"x"}"#, ""])), 0..10,
        ),
        speed in prop::sample::select(vec!["1", "3", "max"]),
    ) {
        let mut inputs = inputs;
        inputs.sort_by_key(|(at, _)| *at);
        let options = ReplayOptions { speed: speed.parse::<Speed>().unwrap(), ..ReplayOptions::seeded(3) };
        let run = || actions(Player::new(Arc::clone(&script), &options, "/ws", 0), &inputs);
        let first = run();
        prop_assert!(first.0.is_sorted_by_key(|(at, _)| *at));
        // M09: again, the same.
        prop_assert_eq!(first, run());
    }
}
