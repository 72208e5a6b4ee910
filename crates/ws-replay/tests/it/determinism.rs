//! M09: the same seed and the same inputs give the same bytes.

use std::sync::Arc;

use ws_core::Message;
use ws_replay::{Player, ReplayOptions, TemplateClock};

use crate::simulation::{run_messages, script};

const SCRIPT: &str = r#"
    {"ts":0,"text":"{{uuid}} {{now}} {{now+1h}} {{randInt 1 1000000}} {{rand.int}} {{rand.float}}"}
    {"ts":1500,"text":"{{1}} {{now}} {{faker.name}} {{faker.email}} {{faker.date}} {{faker.ipv4}}","waitFor":"^hi (.*)$"}
"#;

fn transcript(options: &ReplayOptions, path: &str, nth: u64, released_at: u64) -> Vec<String> {
    let player = Player::new(script(SCRIPT), options, path, nth);
    let sent = run_messages(player, vec![(released_at, Message::text("hi Ann"))]);
    sent.into_iter().map(|(_, message)| message.as_text().unwrap().to_owned()).collect()
}

/// Also when the client answers at another time: the clock of templates moves by script time.
#[test]
fn a_seed_repeats_the_whole_transcript() {
    let options = ReplayOptions::seeded(7);
    let first = transcript(&options, "/ws", 0, 10);
    assert_eq!(first, transcript(&options, "/ws", 0, 4321));
    assert!(first[0].contains(" 2024-01-01T00:00:00Z 2024-01-01T01:00:00Z "), "{first:?}");
    assert!(first[1].starts_with("Ann 2024-01-01T00:00:01.500Z "), "{first:?}");
}

/// What a seed gives is part of the format: it must not change from one version to the next without being said.
#[test]
fn the_values_of_a_seed_do_not_change() {
    let transcript = transcript(&ReplayOptions::seeded(7), "/ws", 0, 0).join("\n");
    insta::assert_snapshot!(transcript);
}

#[test]
fn seed_path_and_connection_each_make_a_difference() {
    let of = |seed, path, nth| transcript(&ReplayOptions::seeded(seed), path, nth, 0);
    let base = of(7, "/ws", 0);
    assert_ne!(base, of(8, "/ws", 0));
    assert_ne!(base, of(7, "/ws/chat", 0));
    assert_ne!(base, of(7, "/ws", 1));
    let unseeded = || transcript(&ReplayOptions::default(), "/ws", 0, 0);
    assert_ne!(unseeded(), unseeded());
}

#[test]
fn the_clock_can_be_set_apart_from_the_seed() {
    let clock: TemplateClock = "2030-02-28T23:59:59.5Z".parse().unwrap();
    let options = ReplayOptions { clock, ..ReplayOptions::seeded(7) };
    let player = Player::new(script(r#"{"ts":500,"text":"{{now}}"}"#), &options, "/ws", 0);
    assert_eq!(run_messages(player, vec![]), [(500, Message::text("2030-03-01T00:00:00Z"))]);

    let real = ReplayOptions { clock: TemplateClock::real(), ..ReplayOptions::seeded(7) };
    let player = Player::new(Arc::clone(&script(r#"{"text":"{{now}}"}"#)), &real, "/ws", 0);
    let sent = run_messages(player, vec![]);
    assert!(!sent[0].1.as_text().unwrap().starts_with("2024-01-01T00:00"), "{sent:?}");
}
