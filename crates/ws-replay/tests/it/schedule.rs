//! When things are sent: the clock of the script, exact to the millisecond.

use std::time::Duration;

use proptest::prelude::*;
use ws_core::Message;
use ws_replay::Action;

use crate::simulation::{player, run};

fn at(time: u64, text: &str) -> (u64, String) {
    (time, text.to_owned())
}

/// M01: `ts` is an absolute time on the session's clock.
#[test]
fn entries_are_sent_at_their_time() {
    let text = "{\"ts\":0,\"text\":\"a\"}\n{\"ts\":100,\"text\":\"b\"}\n{\"ts\":300,\"text\":\"c\"}";
    assert_eq!(run(text, &[]), [at(0, "a"), at(100, "b"), at(300, "c")]);
}

/// M01: an entry that was sent late does not shift those after it.
#[test]
fn delays_do_not_add_up() {
    let mut player = player("{\"ts\":10,\"text\":\"a\"}\n{\"ts\":100,\"text\":\"b\"}\n{\"ts\":200,\"text\":\"c\"}");
    let ms = Duration::from_millis;
    assert_eq!(player.poll(ms(150)), Action::Send(Message::text("a")));
    assert_eq!(player.poll(ms(150)), Action::Send(Message::text("b")));
    assert_eq!(player.poll(ms(150)), Action::SleepUntil(ms(200)));
}

/// The clock stands still while a wait waits: 100 ms after the release, not 100 ms after the start.
#[test]
fn a_wait_holds_the_clock() {
    let text = r#"
        {"ts":0,"text":"a"}
        {"ts":100,"text":"b","waitFor":"go"}
        {"ts":150,"text":"c"}
    "#;
    assert_eq!(run(text, &[(5000, "go")]), [at(0, "a"), at(5100, "b"), at(5150, "c")]);
}

/// M12: a message that came before the wait began releases it without holding the clock.
#[test]
fn an_early_message_holds_nothing_up() {
    let text = "{\"ts\":100,\"text\":\"a\"}\n{\"ts\":150,\"text\":\"b\",\"waitFor\":\"go\"}";
    assert_eq!(run(text, &[(30, "go")]), [at(100, "a"), at(150, "b")]);
    assert_eq!(run(text, &[(120, "go")]), [at(100, "a"), at(170, "b")]);
}

/// A matched incoming entry sets the clock to its own `ts`, forward only as far as the file goes.
#[test]
fn a_matched_incoming_entry_sets_the_clock() {
    let text = r#"
        {"ts":0,"text":"a"}
        {"ts":3000,"dir":"in","text":"go"}
        {"ts":3050,"text":"b"}
    "#;
    assert_eq!(run(text, &[(200, "go")]), [at(0, "a"), at(250, "b")]);
    assert_eq!(run(text, &[(9000, "go")]), [at(0, "a"), at(9050, "b")]);
}

/// The wait comes first, then the time, then the text.
#[test]
fn the_first_entry_may_wait() {
    let text = r#"{"ts":0,"text":"HELLO","waitFor":"^CLIENT_READY$"}
{"ts":10,"text":"welcome"}
{"ts":20,"text":"data","waitFor":"^ACK$"}"#;
    let inputs = [(70, "CLIENT_READY"), (75, "ACK")];
    assert_eq!(run(text, &inputs), [at(70, "HELLO"), at(80, "welcome"), at(90, "data")]);
}

#[test]
fn the_end_of_time_is_far_but_safe() {
    let mut player = player(&format!("{{\"ts\":{0},\"text\":\"a\",\"waitFor\":\"x\"}}", u64::MAX));
    player.on_message(Duration::MAX, Message::text("x"));
    assert_eq!(player.poll(Duration::MAX), Action::Send(Message::text("a")));
}

proptest! {
    /// Whatever the times of the file and of the polls: each entry is sent at its time, never early, in order.
    #[test]
    fn nothing_is_early_and_nothing_is_out_of_order(
        gaps in proptest::collection::vec(0..500_u64, 1..20),
        polls in proptest::collection::vec(0..300_u64, 1..60),
    ) {
        let times: Vec<u64> = gaps.iter().scan(0, |ts, gap| { *ts += gap; Some(*ts) }).collect();
        let lines: Vec<_> = times.iter().enumerate().map(|(n, ts)| format!(r#"{{"ts":{ts},"text":"{n}"}}"#)).collect();
        let mut player = player(&lines.join("\n"));
        let mut sent = 0;
        let mut now = 0;
        for gap in polls {
            now += gap;
            loop {
                match player.poll(Duration::from_millis(now)) {
                    Action::Send(message) => {
                        prop_assert_eq!(message, Message::text(sent.to_string()));
                        prop_assert!(times[sent] <= now);
                        sent += 1;
                    }
                    Action::SleepUntil(time) => {
                        prop_assert_eq!(time, Duration::from_millis(times[sent]));
                        break;
                    }
                    action => {
                        prop_assert_eq!(action, Action::Finished);
                        break;
                    }
                }
            }
            prop_assert_eq!(sent, times.iter().filter(|ts| **ts <= now).count());
        }
    }
}
