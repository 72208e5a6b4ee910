//! What a script remembers of what was said.

use crate::simulation::{replies, run};

/// Values are set when the message is there, so the text of the same entry has them.
#[test]
fn values_are_set_before_the_text() {
    let text = r#"{"waitFor":"^I am (?<who>.+)$","set":{"name":"{{who}}"},"text":"hello {{state.name}}"}
{"text":"bye {{state.name}}","waitFor":"bye"}"#;
    assert_eq!(replies(text, &["I am Ann", "bye"]), ["hello Ann", "bye Ann"]);
}

/// A value that is one token alone keeps its type; all else is text, in lists and objects too.
#[test]
fn values_keep_their_types() {
    let text = r#"
        {"dir":"in","waitFor":"$.n","set":{"n":"{{$.n}}","twice":"{{$.n * 2}}","list":["{{$.n}}",1,{"a":"n={{$.n}}"}],"flag":true}}
        {"text":"{{state.n + 1}} {{state.twice}} {{state.list}} {{state.flag}}"}
    "#;
    assert_eq!(replies(text, &[r#"{"n":20}"#]), [r#"21 40 [20,1,{"a":"n=20"}] true"#]);
}

#[test]
fn values_count() {
    let text = r#"
        {"step_id":"next","dir":"in","waitFor":"^\\+$","set":{"count":"{{state.count + 1}}"}}
        {"text":"{{state.count}}","branches":[{"condition":"state.count == 3","goto_step":"end"}],"next_step":"next"}
    "#;
    assert_eq!(replies(text, &["+", "+", "-", "+", "+"]), ["1", "2", "3"]);
}

/// In a question, the values belong to its answer.
#[test]
fn values_of_a_question_are_those_of_its_answer() {
    let text = r#"
        {"text":"name? {{state.name}}","on_match":[{"pattern":"^(\\w+)$","goto_step":"known"}],"set":{"name":"{{1}}"}}
        {"step_id":"known","text":"hello {{state.name}}"}
    "#;
    assert_eq!(replies(text, &["Ann"]), ["name? ", "hello Ann"]);
}

#[test]
fn a_text_may_be_verbatim() {
    assert_eq!(replies(r#"{"text":"{{uuid}} {{what}} {{","verbatim":true}"#, &[]), ["{{uuid}} {{what}} {{"]);
}

/// What is known of a message lasts until another one is taken.
#[test]
fn captures_last_until_the_next_message() {
    let text = r#"
        {"dir":"in","waitFor":"^a(?<x>.)$","next_step":"out"}
        {"step_id":"out","text":"{{x}} {{1}} {{request.ws.message}}"}
        {"text":"{{x}}","waitFor":"^b$"}
    "#;
    let sent = run(text, &[(0, "a1"), (5, "b")]);
    assert_eq!(sent[0].1, "1 1 a1");
    // The message has no such group; the token stays.
    assert_eq!(sent[1].1, "{{x}}");
}
