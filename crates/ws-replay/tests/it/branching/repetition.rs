//! Entries that are sent again: `repeat`, `every`, `loop`.

use std::time::Duration;

use ws_core::Message;
use ws_replay::{Action, Player, ReplayOptions};

use crate::simulation::{player, run, script};

fn at(time: u64, text: &str) -> (u64, String) {
    (time, text.to_owned())
}

/// What a player does when it is asked at these times and nobody answers.
fn sent_until(player: &mut Player, end: u64) -> Vec<(u64, String)> {
    let (mut sent, mut now) = (Vec::new(), 0);
    loop {
        match player.poll(Duration::from_millis(now)) {
            Action::Send(message) => sent.push((now, message.as_text().unwrap().to_owned())),
            Action::SleepUntil(time) | Action::AwaitMessageUntil(time) if time.as_millis() <= end.into() => {
                now = u64::try_from(time.as_millis()).unwrap();
            }
            _ => return sent,
        }
    }
}

#[test]
fn an_entry_is_sent_so_many_times() {
    let text = r#"
        {"ts":10,"text":"{{repetition}} at {{now}}","repeat":3,"every":100}
        {"ts":20,"text":"next"}
    "#;
    let texts = ["1 at 2024-01-01T00:00:00.010Z", "2 at 2024-01-01T00:00:00.110Z", "3 at 2024-01-01T00:00:00.210Z"];
    assert_eq!(run(text, &[]), [at(10, texts[0]), at(110, texts[1]), at(210, texts[2]), at(220, "next")]);
    assert_eq!(run(r#"{"text":"{{repetition}}","repeat":2}"#, &[]), [at(0, "1"), at(0, "2")]);
}

/// Beside sleeps and waits and beyond the end, until it is stopped.
#[test]
fn an_entry_goes_on_in_the_background() {
    let text = r#"
        {"step_id":"beat","ts":10,"text":"beat {{repetition}}","every":100}
        {"ts":150,"text":"between"}
        {"ts":150,"text":"got {{1}}","waitFor":"^m(.)$"}
        {"ts":360,"stop":"beat","text":"quiet"}
        {"ts":1360,"text":"end"}
    "#;
    let expected = [
        at(10, "beat 1"),
        at(110, "beat 2"),
        at(150, "between"),
        at(210, "beat 3"),
        at(215, "got 1"),
        at(310, "beat 4"),
        at(410, "beat 5"),
        at(425, "quiet"),
        at(1425, "end"),
    ];
    assert_eq!(run(text, &[(215, "m1")]), expected);
    // The script is at its end; the heartbeat is not.
    let mut player = player("{\"text\":\"beat\",\"every\":500}\n{\"text\":\"end\"}");
    let sent = sent_until(&mut player, 1000);
    assert_eq!(sent, [at(0, "beat"), at(0, "end"), at(500, "beat"), at(1000, "beat")]);
    assert!(player.is_finished());
}

/// What is drawn in the background changes nothing of what is drawn elsewhere, however long a client takes.
#[test]
fn the_background_has_values_of_its_own() {
    let text = r#"
        {"step_id":"beat","text":"{{randInt 1 1000000}} {{now}}","every":100}
        {"text":"{{randInt 1 1000000}}","waitFor":"go","stop":"beat"}
    "#;
    let slow = run(text, &[(1050, "go")]);
    let fast = run(text, &[(50, "go")]);
    let after = |sent: &[(u64, String)], time| sent.iter().find(|(at, _)| *at == time).unwrap().1.clone();
    assert_eq!(after(&slow, 1050), after(&fast, 50));
    assert!(after(&slow, 100).ends_with("2024-01-01T00:00:00.100Z"), "{slow:?}");
    assert!(after(&slow, 900).ends_with("2024-01-01T00:00:00.900Z"), "{slow:?}");
}

/// Ticks that nobody could send in time are let go; a second one is not begun.
#[test]
fn missed_ticks_are_not_made_up() {
    let mut player = player("{\"text\":\"{{repetition}}\",\"every\":100}\n{\"text\":\"x\",\"waitFor\":\"x\"}");
    let ms = Duration::from_millis;
    assert_eq!(player.poll(ms(0)), Action::Send(Message::text("1")));
    assert_eq!(player.poll(ms(1030)), Action::Send(Message::text("2")));
    assert_eq!(player.poll(ms(1030)), Action::AwaitMessageUntil(ms(1100)));
    let again = r#"
        {"step_id":"a","text":"beat","every":100}
        {"ts":250,"text":"round","loop":{"goto_step":"a","times":1}}
    "#;
    let sent = sent_until(&mut crate::simulation::player(again), 500);
    let beat = |time| at(time, "beat");
    let expected = [beat(0), beat(100), beat(200), at(250, "round"), beat(300), beat(400), at(500, "round"), beat(500)];
    assert_eq!(sent, expected);
}

#[test]
fn a_loop_goes_round_so_many_times() {
    let text = r#"
        {"text":"begin"}
        {"step_id":"a","ts":10,"text":"a"}
        {"ts":30,"text":"b","loop":{"goto_step":"a","times":2}}
        {"ts":35,"text":"end"}
    "#;
    let expected =
        [at(0, "begin"), at(10, "a"), at(30, "b"), at(40, "a"), at(60, "b"), at(70, "a"), at(90, "b"), at(95, "end")];
    assert_eq!(run(text, &[]), expected);
}

/// A loop within a loop begins anew each time, also if it was left before it was through.
#[test]
fn loops_start_anew() {
    let nested = r#"
        {"step_id":"outer","text":"o"}
        {"step_id":"inner","text":"i","loop":{"goto_step":"inner","times":1}}
        {"text":"-","loop":{"goto_step":"outer","times":1}}
    "#;
    let texts = |sent: Vec<(u64, String)>| sent.into_iter().map(|(_, text)| text).collect::<String>();
    assert_eq!(texts(run(nested, &[])), "oii-oii-");
    let left = r#"
        {"step_id":"try","dir":"in","on_match":[{"pattern":"quit","goto_step":"left"}]}
        {"text":"t","loop":{"goto_step":"try","times":2}}
        {"text":"!","next_step":"end"}
        {"step_id":"left","text":"l","next_step":"try"}
    "#;
    assert_eq!(texts(run(left, &[(0, "a"), (0, "b"), (0, "c"), (0, "d")])), "ttt!");
    assert_eq!(texts(run(left, &[(0, "a"), (0, "quit"), (0, "b"), (0, "c"), (0, "d"), (0, "e")])), "tlttt!");
}

/// What is sent at one time is sent in one order, whenever it is asked for.
#[test]
fn the_order_does_not_depend_on_when_it_is_polled() {
    let text = r#"
        {"ts":0,"text":"beat","every":30}
        {"ts":30,"text":"a"}
        {"ts":45,"text":"b"}
        {"ts":75,"text":"c"}
    "#;
    let sent = sent_until(&mut player(text), 80);
    let beat = |time| at(time, "beat");
    assert_eq!(sent, [beat(0), at(30, "a"), beat(30), at(45, "b"), beat(60), at(75, "c")]);
    let mut late = Player::new(script(text), &ReplayOptions::default(), "/ws", 0);
    let texts: Vec<_> = std::iter::from_fn(|| match late.poll(Duration::from_millis(50)) {
        Action::Send(message) => Some(message.as_text().unwrap().to_owned()),
        _ => None,
    })
    .collect();
    assert_eq!(texts, ["beat", "a", "beat", "b"]);
}
