//! Where a script goes, and why.

use ws_core::Message;

use crate::simulation::{player, replies, run, run_messages};

fn at(time: u64, text: &str) -> (u64, String) {
    (time, text.to_owned())
}

/// M17: a message that releases the wait, or another one, chooses where to go. What fits as a whole goes before a part.
#[test]
fn answers_choose_the_way() {
    let text = r#"
        {"step_id":"ask","text":"data","waitFor":"^ACK$","on_match":[{"pattern":"ACK","goto_step":"good"},{"pattern":"NACK","goto_step":"bad"}]}
        {"text":"not here"}
        {"step_id":"good","text":"heartbeat","next_step":"end"}
        {"step_id":"bad","text":"error"}
    "#;
    assert_eq!(replies(text, &["ACK"]), ["data", "heartbeat"]);
    // The text of an entry that was left is not sent.
    assert_eq!(replies(text, &["NACK"]), ["error"]);
    assert_eq!(replies(text, &["xACKx"]), ["heartbeat"]);
    assert_eq!(replies(text, &["neither"]), [""; 0]);
}

/// An outgoing entry without `waitFor` sends first and then waits for one of the answers.
#[test]
fn a_question_waits_for_its_answer() {
    let text = r#"
        {"ts":10,"text":"tea or coffee?","on_match":[{"pattern":"^tea (?<with>.+)$","goto_step":"tea"},{"pattern":"coffee","goto_step":"coffee"}]}
        {"step_id":"tea","ts":30,"text":"tea with {{with}}","next_step":"end"}
        {"step_id":"coffee","ts":30,"text":"coffee"}
    "#;
    assert_eq!(run(text, &[(100, "water"), (200, "tea milk")]), [at(10, "tea or coffee?"), at(220, "tea with milk")]);
    // The time of an entry is its distance from the one before it in the file.
    assert_eq!(run(text, &[(100, "coffee")]), [at(10, "tea or coffee?"), at(100, "coffee")]);
    // What was said too early is looked at all the same, as nothing was released since.
    assert_eq!(run(text, &[(3, "coffee")]), [at(10, "tea or coffee?"), at(10, "coffee")]);
}

/// Alternatives look at no message that came before one that released something.
#[test]
fn stale_messages_choose_nothing() {
    let text = r#"
        {"text":"hello","waitFor":"^HI$"}
        {"text":"ready","waitFor":"^GO$","on_match":[{"pattern":"^STOP$","goto_step":"stop"}],"next_step":"end"}
        {"step_id":"stop","ts":0,"text":"stopped"}
    "#;
    assert_eq!(replies(text, &["STOP", "HI", "GO"]), ["hello", "ready"]);
    assert_eq!(replies(text, &["HI", "STOP", "GO"]), ["hello", "stopped"]);
    // A wait that knows what it wants takes what came early, as ever.
    assert_eq!(replies(text, &["GO", "HI"]), ["hello", "ready"]);
}

/// The first message decides, and not the first pattern.
#[test]
fn messages_are_looked_at_in_the_order_in_which_they_came() {
    let text = r#"
        {"ts":50,"text":"start"}
        {"ts":50,"text":"done","waitFor":"^A$","on_match":[{"pattern":"^B$","goto_step":"b"}],"next_step":"end"}
        {"step_id":"b","text":"b"}
    "#;
    assert_eq!(replies(text, &["B", "A"]), ["start", "b"]);
    assert_eq!(replies(text, &["A", "B"]), ["start", "done"]);
    // JSONPath keeps its place among the patterns; only regexes are compared by how much they match.
    let mixed = r#"
        {"text":"?","on_match":[{"pattern":"$.type","goto_step":"json"},{"pattern":"^\\{\"type\":\"error\"\\}$","goto_step":"text"}]}
        {"step_id":"json","text":"json","next_step":"end"}
        {"step_id":"text","text":"text"}
    "#;
    assert_eq!(replies(mixed, &[r#"{"type":"error"}"#]), ["?", "json"]);
}

#[test]
fn branches_look_at_the_message_or_at_what_is_known() {
    let patterns = r#"
        {"dir":"in","branches":{"^(?<what>\\w+) please$":"polite","now":"rude"},"next_step":"other"}
        {"step_id":"polite","text":"{{what}}, gladly","next_step":"end"}
        {"step_id":"rude","text":"no","next_step":"end"}
        {"step_id":"other","text":"what?"}
    "#;
    assert_eq!(replies(patterns, &["tea please"]), ["tea, gladly"]);
    assert_eq!(replies(patterns, &["now please"]), ["now, gladly"]);
    assert_eq!(replies(patterns, &["now"]), ["no"]);
    assert_eq!(replies(patterns, &["never mind"]), ["what?"]);
    let conditions = r#"
        {"waitFor":"^n=(\\d+)$","set":{"n":"{{1}}"},"branches":[{"condition":"state.n > 10","goto_step":"many"},{"condition":"state.n > 1","goto_step":"some"}]}
        {"text":"few","next_step":"end"}
        {"step_id":"some","text":"some","next_step":"end"}
        {"step_id":"many","text":"many"}
    "#;
    assert_eq!(replies(conditions, &["n=1"]), ["few"]);
    assert_eq!(replies(conditions, &["n=9"]), ["some"]);
    assert_eq!(replies(conditions, &["n=11"]), ["many"]);
}

/// An entry whose condition does not hold is skipped, but its time passes: so two of which one holds may have the same time.
#[test]
fn conditions_skip_entries() {
    let text = r#"
        {"dir":"in","waitFor":"^lang (.*)$","set":{"lang":"{{1}}"}}
        {"ts":100,"text":"hallo","condition":"state.lang == 'de'"}
        {"ts":100,"text":"hello","condition":"state.lang != 'de'"}
        {"ts":150,"text":"!"}
    "#;
    assert_eq!(run(text, &[(5, "lang de")]), [at(105, "hallo"), at(155, "!")]);
    assert_eq!(run(text, &[(5, "lang en")]), [at(105, "hello"), at(155, "!")]);
    // A skipped entry that comes in takes no time: that was the client's.
    let incoming = r#"
        {"text":"a"}
        {"ts":3000,"dir":"in","text":"x","condition":"false"}
        {"ts":3050,"text":"b {{now}}"}
    "#;
    assert_eq!(run(incoming, &[]), [at(0, "a"), at(50, "b 2024-01-01T00:00:03.050Z")]);
}

/// What stands behind an entry whose time goes back is another part of the script: only jumps lead into it.
#[test]
fn sections_are_entered_by_jumps_only() {
    let text = r#"
        {"text":"a","waitFor":"x","timeout_ms":100,"on_timeout":"error"}
        {"ts":10,"text":"goodbye"}
        {"step_id":"error","ts":0,"text":"error"}
        {"ts":20,"text":"code 7"}
    "#;
    assert_eq!(run(text, &[(0, "x")]), [at(0, "a"), at(10, "goodbye")]);
    assert_eq!(run(text, &[]), [at(100, "error"), at(120, "code 7")]);
}

/// With jumps, messages are kept as long as some wait can be reached, forward or back.
#[test]
fn messages_are_kept_for_every_wait_that_can_be_reached() {
    let text = r#"
        {"step_id":"again","text":"got {{1}}","waitFor":"^m(\\d)$"}
        {"ts":100,"text":"tick","next_step":"again"}
    "#;
    let sent = run(text, &[(0, "m1"), (10, "m2"), (20, "m3")]);
    let expected =
        [at(0, "got 1"), at(100, "tick"), at(100, "got 2"), at(200, "tick"), at(200, "got 3"), at(300, "tick")];
    assert_eq!(sent, expected);
}

/// The end can be jumped to from anywhere; what a script has sent until then stays sent.
#[test]
fn the_end_has_a_name() {
    assert_eq!(
        replies("{\"text\":\"a\",\"next_step\":\"end\"}\n{\"step_id\":\"b\",\"text\":\"b\",\"next_step\":\"b\"}", &[]),
        ["a"]
    );
}

#[test]
fn entries_behind_a_close_can_be_jumped_to() {
    let text = r#"
        {"dir":"in","on_match":[{"pattern":"stay","goto_step":"stay"}]}
        {"close":true,"code":4000}
        {"step_id":"stay","text":"stayed"}
    "#;
    let close = run_messages(player(text), vec![(0, Message::text("go"))]);
    assert!(matches!(&close[..], [(0, Message::Close(Some(frame)))] if frame.code == 4000));
    assert_eq!(replies(text, &["stay"]), ["stayed"]);
}
