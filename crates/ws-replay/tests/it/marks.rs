//! Files with several sessions, and what stands in them beside entries.

use std::sync::Arc;
use std::time::Duration;

use ws_core::Message;
use ws_replay::{Action, CheckReport, Player, ReplayOptions, ReplayScript};

use crate::simulation::{player, replies, run, run_messages, script};

fn first_text(script: &Arc<ReplayScript>, path: &str, nth: u64) -> String {
    let sent = run_messages(Player::new(Arc::clone(script), &ReplayOptions::seeded(1), path, nth), vec![]);
    sent[0].1.as_text().unwrap().to_owned()
}

/// The n-th connection plays the n-th session, wherever its entries stand; then it starts over.
#[test]
fn connections_play_their_sessions() {
    let script = script(
        r#"{"ts":5,"conn":7,"text":"seven"}
           {"ts":0,"text":"one"}
           {"ts":3,"conn":2,"text":"two"}
           {"ts":9,"conn":1,"text":"one again"}"#,
    );
    assert_eq!(script.summary().to_string(), "4 entries of 3 sessions, 0 waits, 0.009 s");
    let turns: Vec<_> = (0..4).map(|nth| first_text(&script, "/ws", nth)).collect();
    assert_eq!(turns, ["one", "two", "seven", "one"]);
}

/// A page that opens two sockets does not open them in the same order each time.
#[test]
fn connections_get_what_was_recorded_on_their_path() {
    let script = script(
        r#"{"recording":1}
           {"conn":1,"open":"/ws/a","at":"2024-01-01T00:00:00Z"}
           {"conn":1,"text":"a1"}
           {"conn":2,"open":"/ws/b"}
           {"conn":2,"text":"b1"}
           {"conn":3,"open":"/ws/a"}
           {"conn":3,"text":"a2"}"#,
    );
    let of = |path, nth| first_text(&script, path, nth);
    assert_eq!([of("/ws/b", 0), of("/ws/b", 1)], ["b1", "b1"]);
    assert_eq!([of("/ws/a", 0), of("/ws/a", 1), of("/ws/a", 2)], ["a1", "a2", "a1"]);
    // A path on which nothing was recorded gets all of them.
    assert_eq!([of("/ws", 0), of("/ws", 1), of("/ws", 2)], ["a1", "b1", "a2"]);
}

/// Each session has its own clock, its own order and its own end.
#[test]
fn sessions_do_not_meddle_with_each_other() {
    let text = "{\"conn\":1,\"ts\":50,\"close\":true}\n{\"conn\":2,\"ts\":10,\"text\":\"a\"}\n\
                {\"conn\":2,\"ts\":5,\"text\":\"b\"}\n{\"conn\":1,\"ts\":60,\"text\":\"c\"}\n{\"conn\":1,\"text\":\"d\"}";
    let errors = ReplayScript::parse(text, "f").unwrap_err().to_string();
    assert_eq!(
        errors,
        "f:3:16: `ts`: expected 10 or more, the `ts` of the entry before it, found 5\n\
         f:4:1: this entry and the 1 after it are never reached: line 1 closes the connection"
    );
}

/// A session whose beginning is in another file begins where it goes on.
#[test]
fn a_session_that_goes_on_does_not_wait_for_what_was_before() {
    let text =
        "{\"recording\":1}\n{\"ts\":60000,\"conn\":4,\"open\":\"/ws\"}\n{\"ts\":61265,\"conn\":4,\"text\":\"x\"}";
    assert_eq!(run(text, &[]), [(1265, "x".to_owned())]);
    assert_eq!(script(text).summary().to_string(), "1 entry, 0 waits, 1.265 s");
}

/// What was recorded is what is sent: braces are no tokens, and no doubts.
#[test]
fn a_recording_is_played_word_for_word() {
    let entries = r#"{"text":"{{uuid}} {{nonsense}} {{$.a[}} {{"}
           {"dir":"in","text":"^a.b$"}
           {"text":"{{request.ws.message}} {{0}}"}"#;
    let recording = format!("# a comment before is no harm\n{{\"recording\":1}}\n{entries}");
    assert_eq!(script(&recording).warnings(), []);
    let sent = ["{{uuid}} {{nonsense}} {{$.a[}} {{", "{{request.ws.message}} {{0}}"];
    assert_eq!(replies(&recording, &["axb", "^a.b$"]), sent);
    assert_eq!(replies(&recording, &["axb"]), sent[..1]);
}

/// In a recording, frames that crossed with the close, or answered it, stand behind it.
#[test]
fn what_a_recording_has_behind_a_close_is_not_played() {
    let text = r#"{"recording":1}
        {"text":"a"}
        {"close":true,"code":4000}
        {"dir":"in","text":"crossed"}
        {"text":"late"}
        {"dir":"in","close":true,"code":4000}"#;
    let sent = run_messages(player(text), vec![]);
    assert_eq!(sent.len(), 2);
    assert!(matches!(&sent[1].1, Message::Close(Some(frame)) if frame.code == 4000));
    assert_eq!(script(text).summary().to_string(), "5 entries, 0 waits, 0 s");
}

/// Codes that a broken peer sent, or a fault: seen is seen, and the file plays.
#[test]
fn any_code_may_have_been_recorded() {
    let text = "{\"recording\":1}\n{\"dir\":\"in\",\"conn\":1,\"close\":true,\"code\":999}\n\
                {\"conn\":2,\"close\":true,\"code\":1015,\"reason\":\"x\"}";
    let report = CheckReport::of_text(text, "f");
    assert_eq!(
        report.to_string(),
        "f:3:31: warning: `code`: 1015 may not be sent: the Close frame will have no code\n  \
           3 | {\"conn\":2,\"close\":true,\"code\":1015,\"reason\":\"x\"}\n    \
             |                               ^^^^\n\
         f: plays, with 1 warning: 2 entries of 2 sessions, 0 waits, 0 s"
    );
    let mut second = Player::new(script(text), &ReplayOptions::default(), "/ws", 1);
    assert_eq!(second.poll(Duration::ZERO), Action::Send(Message::Close(None)));
}

/// Pings of the server are sent. All other pings and pongs are answered by the session.
#[test]
fn pings_are_sent_and_pongs_are_not() {
    let text = r#"{"ts":1,"ping":true}
        {"ts":1,"dir":"in","pong":true}
        {"ts":2,"ping":true,"text":"{{uuid}}","waitFor":"go"}
        {"ts":3,"dir":"in","ping":true,"text":"p"}
        {"ts":3,"pong":true,"text":"p"}
        {"ts":9,"ping":true,"binary":true,"text":"/w=="}"#;
    let sent = run_messages(player(text), vec![(1, Message::text("go"))]);
    let ping = |data: &'static [u8]| Message::Ping(data.into());
    assert_eq!(sent, [(1, ping(b"")), (2, ping(b"{{uuid}}")), (9, ping(b"\xff"))]);
}

#[test]
fn mistakes_in_marks_and_pings_are_reported() {
    let text = r#"{"open":"/ws","text":"a","pth":1}
{"open":"/ws"}
{"recording":1}
{"truncated":5,"conn":"x"}
{"conn":-1,"text":"x"}
{"conn":2,"open":"/ws","ts":9}
{"conn":2,"ts":8,"text":"early"}
{"ping":true,"close":true}
{"ping":true,"binary":true}
{"dir":"in","ping":true,"waitFor":"x"}
"#;
    let long = format!("{{\"pong\":true,\"text\":\"{}\"}}\n", "x".repeat(126));
    insta::assert_snapshot!(ReplayScript::parse(&(text.to_owned() + &long), "f").unwrap_err());
    let later = ReplayScript::parse("{\"recording\":2}", "f").unwrap_err().to_string();
    assert_eq!(later, "f:1:14: `recording`: expected 1, the version that this program reads, found 2");
}

#[test]
fn what_is_missing_is_a_doubt() {
    let text = "{\"recording\":1}\n{\"text\":\"a\"}\n{\"ts\":5,\"conn\":1,\"truncated\":\"the disk was full\"}\n";
    let report = CheckReport::of_text(text, "f");
    assert_eq!(
        report.to_string(),
        "f:3:1: warning: something is missing here: the disk was full\n  \
           3 | {\"ts\":5,\"conn\":1,\"truncated\":\"the disk was full\"}\n    \
             | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n\
         f: plays, with 1 warning: 1 entry, 0 waits, 0 s"
    );
    assert_eq!(replies(text, &[]), ["a"]);
}
