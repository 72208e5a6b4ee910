//! Drawings of scripts: whatever a script holds, its drawing is one.

use std::collections::HashSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value, json};
use ws_replay::ReplayScript;

#[test]
fn a_branching_script_is_drawn() {
    let text = r#"{"step_id": "login", "waitFor": "^login (?<name>\\w+)$", "timeout_ms": 5000, "on_timeout": "bye", "on_match": [{"pattern": "^quit", "goto_step": "bye"}], "text": "hello {{name}}"}
{"step_id": "ask", "text": "more?", "on_match": [{"pattern": "^yes$", "goto_step": "ask"}, {"pattern": "^no$", "goto_step": "bye"}]}
{"step_id": "bye", "condition": "connection.messages > 2", "text": "that was \"long\""}
{"ts": 100, "text": "<b>tick</b>", "repeat": 3, "every": 10, "loop": {"goto_step": "bye", "times": 2}}
{"text": "bye", "close": true}
"#;
    insta::assert_snapshot!(ReplayScript::parse(text, "shop.jsonl").unwrap().to_mermaid());
}

#[test]
fn every_session_of_a_recording_is_a_part_of_the_drawing() {
    let text = "{\"recording\":1}\n{\"conn\":1,\"open\":\"/ws/a\"}\n{\"conn\":1,\"text\":\"a\"}\n\
                {\"conn\":2,\"open\":\"/ws/[b]\"}\n{\"conn\":2,\"dir\":\"in\",\"text\":\"b\"}\n{\"conn\":2,\"ping\":true}\n";
    insta::assert_snapshot!(ReplayScript::parse(text, "two.jsonl").unwrap().to_mermaid());
}

/// Every line of a drawing is one of these, and every node that an edge names is drawn.
fn assert_is_drawing(drawing: &str) {
    static NODE: LazyLock<Regex> = LazyLock::new(|| {
        let text = r"([\p{Alphabetic}\p{N} _.,]|#\d+;)+";
        Regex::new(&format!(r#"^    (\w+)(\["{text}(<br/>{text})*"\]|\(\["end"\]\))$"#)).unwrap()
    });
    static EDGE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"^    (\w+) (-->|-\.->)(\|"([\p{Alphabetic}\p{N} _.,]|#\d+;)+"\|)? (\w+)$"#).unwrap()
    });
    static PART: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"^    (subgraph \w+\["([\p{Alphabetic}\p{N} _.,]|#\d+;)+"\]|end)$"#).unwrap());
    assert!(!drawing.to_ascii_lowercase().contains("direction "), "its parser would take it for a command: {drawing}");
    let mut lines = drawing.lines();
    assert_eq!(lines.next(), Some("flowchart TD"));
    let (mut nodes, mut ends) = (HashSet::new(), Vec::new());
    for line in lines {
        if let Some(node) = NODE.captures(line) {
            assert!(nodes.insert(node[1].to_owned()), "{line} is drawn twice");
        } else if let Some(edge) = EDGE.captures(line) {
            ends.extend([edge[1].to_owned(), edge[5].to_owned()]);
        } else {
            assert!(PART.is_match(line), "no line of a drawing: {line:?}\n{drawing}");
        }
    }
    for end in ends {
        assert!(nodes.contains(&end), "{end} is not drawn\n{drawing}");
    }
}

/// A regex that matches this text: with a backslash, braces and digits for every other character.
fn pattern(text: &str) -> String {
    let quoted = text
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it.to_string() } else { format!("\\x{{{:x}}}", u32::from(it)) });
    quoted.collect()
}

/// One entry of a script of so many.
fn entry(entries: usize) -> impl Strategy<Value = Value> {
    let step = (0..=entries).prop_map(move |number| if number == entries { "end".to_owned() } else { name(number) });
    let text = prop_oneof![any::<String>(), "[ -~]{0,60}"];
    (any::<[bool; 7]>(), text.clone(), text, prop::collection::vec(step, 6)).prop_map(|(has, text, other, steps)| {
        let mut entry = json!({"text": text, "verbatim": true});
        let mut put = |key: &str, is_there: bool, value: Value| {
            if is_there {
                entry[key] = value;
            }
        };
        put("waitFor", has[0], json!(pattern(&other)));
        put("on_match", has[0] && has[1], json!([{"pattern": pattern(&text), "goto_step": steps[0]}]));
        put("timeout_ms", has[0] && has[2], json!(1500));
        put("on_timeout", has[0] && has[2], json!(steps[1]));
        put("branches", has[3], json!([{"condition": "connection.messages > 3", "goto_step": steps[2]}]));
        put("condition", has[4], json!("'a|b\"c' != 1"));
        put("on_silence", has[5], json!({"after_ms": 10, "goto_step": steps[3]}));
        put("next_step", has[6], json!(steps[4]));
        entry
    })
}

/// A name that Mermaid would read as something else, if it could.
fn name(number: usize) -> String {
    let odd = ["end", "\"]", "-->", "%%{init}", "`**x**`", "graph", "#quot;", "direction LR", "1. a"];
    format!("{} {number}", odd[number % odd.len()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn whatever_a_script_holds_its_drawing_is_one(
        entries in (1usize..8).prop_flat_map(|count| prop::collection::vec(entry(count), count)),
    ) {
        let lines = entries.into_iter().enumerate().map(|(number, mut entry)| {
            entry["step_id"] = json!(name(number));
            entry.to_string()
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let script = ReplayScript::parse(&text, "f").map_err(|errors| TestCaseError::fail(format!("{errors}\n{text}")))?;
        assert_is_drawing(&script.to_mermaid());
    }
}
