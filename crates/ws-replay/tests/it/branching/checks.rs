//! What a session is said to have been like: assertions, time-outs, and whether the script came to its end.

use std::time::Duration;

use ws_core::Message;
use ws_replay::{CheckOutcome, Player, SessionVerdict};

use crate::simulation::{player, run_messages};

const ORDER: &str = r#"[
    {"step_id":"order","dir":"in","timeout_ms":1000,"assertions":[
        {"pattern":"$.type:\"order\"","description":"it is an order"},
        {"pattern":"$.price","expected":false,"description":"the client sets no price"},
        {"pattern":"$.count","expected":2},
        {"pattern":"\"item\":\"(\\w+)\"","expected":"tea"},
        {"condition":"$.count < 10","description":"not too many"}]},
    {"text":"thanks"},
    {"dir":"in","close":true,"timeout_ms":500}
]"#;

/// What became of a session in which the client says this at once and is gone then.
fn verdict(text: &str, said: &[&str], gone_at: u64) -> SessionVerdict {
    let mut player = player(text);
    let ms = Duration::from_millis;
    drain(&mut player, ms(0));
    for message in said {
        player.on_message(ms(5), Message::text(*message));
        drain(&mut player, ms(5));
    }
    for time in [1000, 1500] {
        if time < gone_at {
            drain(&mut player, ms(time + 5));
        }
    }
    player.on_close(ms(gone_at));
    player.verdict()
}

fn drain(player: &mut Player, now: Duration) {
    while matches!(player.poll(now), ws_replay::Action::Send(_)) {}
}

fn outcomes(verdict: &SessionVerdict) -> Vec<String> {
    let tell = |check: &ws_replay::CheckResult| match check.outcome() {
        CheckOutcome::Passed => "passed".to_owned(),
        CheckOutcome::Failed(reason) => reason.clone(),
        _ => "not reached".to_owned(),
    };
    verdict.checks().iter().map(tell).collect()
}

#[test]
fn a_right_client_passes() {
    let verdict = verdict(ORDER, &[r#"{"type":"order","count":2,"item":"tea"}"#], 300);
    assert_eq!(outcomes(&verdict), ["passed"; 7]);
    assert!(verdict.passed(), "{verdict}");
    let described: Vec<_> = verdict.checks().iter().map(|check| check.description()).collect();
    let expected = [
        "a message comes within 1000 ms",
        "it is an order",
        "the client sets no price",
        "`$.count`",
        "`\"item\":\"(\\w+)\"`",
        "not too many",
        "the client closes within 500 ms",
    ];
    assert_eq!(described, expected);
    assert_eq!(verdict.checks()[0].place(), "test.jsonl:2");
}

#[test]
fn each_difference_is_a_failed_check() {
    let verdict = verdict(ORDER, &[r#"{"type":"ordr","count":"12","item":"milk","price":5}"#], 300);
    let [in_time, kind, price, count, item, many, closed] = &outcomes(&verdict)[..] else { panic!("{verdict}") };
    assert!(kind.starts_with("`$.type:\"order\"` does not match \"{"), "{kind}");
    assert!(price.starts_with("`$.price` matches"), "{price}");
    assert_eq!(count, "expected 2, found \"12\"");
    assert_eq!(item, "expected \"tea\", found \"milk\"");
    assert_eq!(many, "`$.count < 10` does not hold");
    assert_eq!([in_time, closed], ["passed", "passed"]);
    assert!(!verdict.passed() && verdict.is_finished());
}

/// Text that stands for a number is that number: what a regex takes from a message always is text.
#[test]
fn numbers_are_compared_by_value() {
    for (pattern, expected, message, passes) in [
        ("^n=(.*)$", "2", "n=2", true),
        ("^n=(.*)$", "2", "n=2.0", true),
        ("^n=(.*)$", "2", "n=3", false),
        ("^n=(.*)$", "\"2\"", "n=2", true),
        ("^n=2$", "\"n=2\"", "n=2", true),
        ("$.n", "2", "{\"n\":2.0}", true),
        ("$.n", "\"2\"", "{\"n\":2}", false),
        ("$.n", "[1,{\"a\":2}]", "{\"n\":[1.0,{\"a\":2}]}", true),
        ("$.n", "true", "{\"n\":false}", true),
        ("$.m", "false", "{\"n\":false}", true),
    ] {
        let text = format!(r#"{{"dir":"in","assertions":[{{"pattern":"{pattern}","expected":{expected}}}]}}"#);
        assert_eq!(verdict(&text, &[message], 300).passed(), passes, "{pattern} {expected} {message}");
    }
}

#[test]
fn what_does_not_come_fails() {
    let verdict = verdict(ORDER, &[], 2000);
    let missed = "not reached";
    assert_eq!(outcomes(&verdict), ["nothing came", missed, missed, missed, missed, missed, "nothing came"]);
    assert!(verdict.is_finished() && !verdict.passed());
    let after_time = r#"{"waitFor":"^x$","text":"x","timeout_ms":1000}"#;
    assert_eq!(outcomes(&self::verdict(after_time, &["y"], 2000)), ["a message came that does not match"]);
    assert_eq!(outcomes(&self::verdict(after_time, &["y", "z"], 2000)), ["2 messages came that do not match"]);
}

/// A time-out that leads elsewhere is a way to go, and fails nothing; nor does a way that was not gone.
#[test]
fn ways_are_no_failures() {
    let text = r#"
        {"waitFor":"^x$","text":"x","timeout_ms":100,"on_timeout":"late","next_step":"end"}
        {"step_id":"late","text":"late","next_step":"end"}
        {"step_id":"other","ts":0,"dir":"in","assertions":[{"pattern":"y"}],"next_step":"late"}
    "#;
    let verdict = verdict(text, &[], 2000);
    assert_eq!(outcomes(&verdict), ["not reached"]);
    assert!(verdict.passed());
}

/// A client that leaves too early has not passed, whatever was right until then.
#[test]
fn a_script_that_was_not_played_to_its_end_has_not_passed() {
    let text = "{\"text\":\"a\"}\n{\"waitFor\":\"^b$\",\"text\":\"c\"}\n{\"ts\":50,\"text\":\"d\"}";
    let early = verdict(text, &[], 100);
    assert_eq!(early.unfinished_because(), Some("test.jsonl:2: still waits for `^b$`"));
    let later = verdict(text, &["b"], 20);
    assert_eq!(later.unfinished_because(), Some("test.jsonl:3: this entry was still to come"));
    assert!(!early.passed() && !later.passed());
    // The last message may be there when the connection is gone.
    let mut last = player("{\"dir\":\"in\",\"text\":\"bye\",\"assertions\":[{\"pattern\":\"bye\"}]}");
    assert!(last.poll(Duration::ZERO) == ws_replay::Action::AwaitMessage);
    last.on_message(Duration::from_millis(1), Message::text("bye"));
    last.on_close(Duration::from_millis(1));
    assert!(last.verdict().passed());
    assert_eq!(last.poll(Duration::from_secs(1)), ws_replay::Action::Finished);
}

/// No wait runs out because the client has left, and nothing is sent to nobody.
#[test]
fn the_end_of_the_connection_is_no_time_out() {
    let text = r#"{"waitFor":"x","text":"{{uuid}}","timeout_ms":100}
{"text":"more","every":10}"#;
    let mut player = player(text);
    assert_eq!(player.poll(Duration::ZERO), ws_replay::Action::AwaitMessageUntil(Duration::from_millis(100)));
    player.on_close(Duration::from_secs(5));
    assert_eq!(outcomes(&player.verdict()), ["not reached"]);
    assert!(!player.is_finished());
}

#[test]
fn a_script_that_closes_is_at_its_end() {
    let mut player = player(r#"{"text":"a","close":true}"#);
    assert_eq!(run_messages(self::player(r#"{"text":"a","close":true}"#), vec![]).len(), 2);
    assert!(matches!(player.poll(Duration::ZERO), ws_replay::Action::Send(Message::Text(_))));
    assert!(!player.is_finished());
    assert!(matches!(player.poll(Duration::ZERO), ws_replay::Action::Send(Message::Close(_))));
    assert!(player.is_finished() && player.verdict().passed());
}
