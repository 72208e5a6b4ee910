//! What `check` says of the ways through a script: entries that nothing leads to, and names that lead nowhere.

use ws_replay::{CheckReport, ReplayScript};

fn doubts(text: &str) -> Vec<String> {
    let script = ReplayScript::parse(text, "f").unwrap_or_else(|errors| panic!("{errors}"));
    script.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn entries_that_nothing_leads_to_are_doubtful() {
    let jumped_over = r#"{"text": "a", "next_step": "last"}
{"text": "b"}
  {"text": "c"}
{"step_id": "last", "text": "d", "next_step": "end"}
{"step_id": "unused", "text": "e"}"#;
    assert_eq!(
        doubts(jumped_over),
        [
            "f:2:1: this entry and the 1 after it are never reached: nothing leads here",
            "f:5:1: this entry is never reached: nothing leads here",
        ]
    );
}

#[test]
fn every_sort_of_jump_leads_somewhere() {
    let next = r#""next_step": "end""#;
    for jump in [
        r#""branches": [{"condition": "connection.messages > 1", "goto_step": "x"}]"#,
        r#""waitFor": "a", "branches": {"^a": "x"}"#,
        r#""waitFor": "a", "on_match": [{"pattern": "b", "goto_step": "x"}]"#,
        r#""waitFor": "a", "timeout_ms": 5, "on_timeout": "x""#,
        r#""waitFor": "a", "on_silence": {"after_ms": 5, "goto_step": "x"}"#,
    ] {
        let text = format!("{{\"text\": \"a\", {jump}, {next}}}\n{{\"step_id\": \"x\", \"text\": \"b\"}}");
        assert_eq!(doubts(&text), [""; 0], "{jump}");
    }
    // What is skipped, and what fails in time, goes on behind the entry.
    for way in [r#""condition": "connection.messages > 1""#, r#""waitFor": "a", "timeout_ms": 5"#] {
        let text = format!("{{\"text\": \"a\", {way}, {next}}}\n{{\"text\": \"b\"}}");
        assert_eq!(doubts(&text), [""; 0], "{way}");
    }
}

/// A jump to a name that is not there is a mistake; what it would have led to is then not called unreachable.
#[test]
fn a_jump_to_nowhere_is_the_only_thing_that_is_said_of_its_target() {
    let text = "{\"text\": \"a\", \"next_step\": \"lats\"}\n{\"step_id\": \"last\", \"text\": \"b\"}";
    insta::assert_snapshot!(CheckReport::of_text(text, "f"));
}

#[test]
fn names_of_the_state_that_are_only_set_or_only_read_are_doubtful() {
    let text = r#"{"waitFor": "^(\\w+)$", "set": {"user": "{{1}}", "turns": 1}, "text": "hello {{state.usr}}"}
{"text": "again", "condition": "state.turns > 1 && state.other == 2"}"#;
    insta::assert_snapshot!(CheckReport::of_text(text, "f"));
    let used = r#"{"waitFor": "^(\\w+)$", "set": {"user": "{{1}}"}, "text": "hello {{state.user}}"}"#;
    assert_eq!(doubts(used), [""; 0]);
}
