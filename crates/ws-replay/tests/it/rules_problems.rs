//! What is wrong or doubtful in a rules file is told all at once, each at its place.

use std::sync::Arc;

use proptest::prelude::*;
use ws_replay::{CheckReport, ReplayOptions, RuleHandler, RuleSet};

use crate::rules::client::Client;

fn report(text: &str, name: &str) -> String {
    CheckReport::of_rules_text(text, name).to_string()
}

/// Every mistake in one run, each below its place and with the nearest known name.
#[test]
fn ten_mistakes_are_ten_diagnostics() {
    let text = r#"rulez: []
rules:
  - match: "[a"
    response: x
  - match: { jsonpth: $.type }
    respnse: y
  - match: $.a
    when: state.step = 2
    set: { step: 1 }
  - match: $.b
    when: stat.step == 1
    response: { text: a, json: 1, delay_ms: -1 }
  - match: $.c
    close: { code: 1005 }
  - match: $.d
    response: { text: hi, to: room }
  - match: $.e
    when: machine.logn == 'in'
    response: [{ close: true }, again]
  - match: { type: binry }
    name: twice
    response: { binary: "a?" }
  - name: twice
  - match: { equals: 1 }
    response: "{{$.[}}"
machines:
  login:
    initial: ot
    states:
      out:
        on: { match: ^in$, to: inn }
        after: { ms: 0 }
correlations:
  - name: c
    first: ^a
    key: b
  - name: d
    request: ^a
    absent: ^b
    within: soon
require: jason
"#;
    insta::assert_snapshot!(report(text, "rules.yaml"));
}

#[test]
fn a_message_without_its_key_is_told_which_key_that_is() {
    let text = "rules:\n  - match: { kind: order, id: 1 }\n    response: { type: ok }\n  - match: { type: order }\n    \
                response: { txet: ok }\n";
    let found = report(text, "rules.yaml");
    for expected in [
        "rules.yaml:2:12: `match`: none of its keys is known; for a JSON message write match: { json: {...} }\n",
        "rules.yaml:3:15: `response`: none of its keys is known; for a JSON message write response: { json: {...} }\n",
        "rules.yaml:4:20: `type`: expected text, binary, ping or pong (for a JSON message write match: { json: {...} }), \
         found \"order\"\n",
        "rules.yaml:5:17: unknown key `txet`; did you mean `text`?\n",
    ] {
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn doubts_are_warnings() {
    let text = r#"state: { name: Ann, unused: 1 }
rules:
  - match: ^a$
    response: first
  - match: ^a$
    response: never
  - match: ^a$
    when: state.x
    priority: 1
    response: "{{state.nme}} {{uiud}}"
  - response: all
  - match: $.x
    room: r
    set_room: { n: "{{room.m}}" }
    response: never
machines:
  m:
    initial: a
    states:
      a:
        on: [{ match: ^x, response: x }, { match: ^x, to: b }]
      b:
      c:
"#;
    insta::assert_snapshot!(report(text, "rules.yaml"));
}

/// What was meant as something else is doubtful: each in one line, with its place.
#[test]
fn what_stands_in_the_wrong_place_is_doubtful() {
    let text = r#"state: { n: 1 }
rules:
  - match: { json: { age: "{{state.n}}" } }
    response: a
  - match: { exact: "n {{state.n}}" }
    close: { reason: "bye {{1}}" }
  - match: ^a
    set: { n: state.n + 1, path: "a $.type", type: $.type }
  - match: ^b
    response: { json: '{"a":1}' }
  - match: { json: '[1]' }
    response: { json: '{"a":{{state.n}}}' }
  - match: $type
    response: "{{state.path}}"
  - match: { regex: "$.type" }
    response: "{{state.type}}"
  - match: /hello/i
    response: hello
  - match: { exact: ^hi$ }
    response: hi
  - match: { exact: $.type }
    response: { json: "{{state.n}}" }
  - match: ^in
    when: machine.login == 'inn' || 'out' == machine.login
    response: { json: "[a] text" }
machines:
  login:
    initial: out
    states:
      out:
        on: { match: ^i$, to: in }
      in:
"#;
    insta::assert_snapshot!(report(text, "rules.yaml"));
}

#[test]
fn lines_have_their_mistakes_too() {
    let text = r#"{"require": "json", "rules": []}
{"dir": "out", "waitFor": "$.a", "text": "b", "response": "x"}
{"dir": "in", "text": "b", "response": "x"}
{"match": "$.a", "response"
7
"#;
    insta::assert_snapshot!(report(text, "rules.jsonl"));
}

#[test]
fn a_file_says_what_it_holds() {
    let text = "rules: [{match: $.a, response: a}]\nmachines: {m: {initial: a, states: {a: }}}";
    assert_eq!(report(text, "r.yaml"), "r.yaml: can be followed: 1 rule, 1 machine; text must be JSON");
    assert_eq!(
        report("", "r.yaml"),
        "r.yaml: warning: has no rules: it answers nothing\nr.yaml: can be followed, with 1 warning: 0 rules"
    );
    assert!(report("- a\n", "r.yaml").contains("r.yaml:1:1: expected the keys of a rules file"));
    assert!(report("rules: [", "r.yaml").contains("expected YAML"));
}

#[test]
fn the_form_of_a_file_is_known_by_its_name_or_looks() {
    let (yaml, lines) =
        ("rules: [{response: a}]", "# one\n{\"response\": \"a\"}\n{\"match\": \"b\", \"response\": \"b\"}");
    let json = "{\"rules\":\n[{\"response\": \"a\"}]}";
    for (text, name) in [(yaml, "a.yaml"), (yaml, "a"), (lines, "a.jsonl"), (lines, "a"), (json, "a.json"), (json, "a")]
    {
        assert!(RuleSet::parse(text, name).is_ok(), "{name}: {text}");
    }
    assert!(RuleSet::parse(lines, "a.yaml").is_err());
}

#[test]
fn files_are_read_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    std::fs::write(&file, "\u{feff}rules: [{match: a, response: b}]").unwrap();
    assert_eq!(RuleSet::load(&file).unwrap().summary().rules, 1);
    std::fs::write(&file, b"rules: \xff").unwrap();
    assert!(RuleSet::load(&file).unwrap_err().to_string().ends_with("expected UTF-8 text, found a byte that is not"));
    assert!(RuleSet::load(folder.path().join("none")).unwrap_err().to_string().contains("cannot be read"));
}

/// Without the feature, a schema is a mistake that says so; with it, the file lies beside the rules.
#[test]
fn schemas_lie_beside_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("order.json", r#"{"type": "object", "required": ["id"]}"#);
    write("broken.json", "{");
    write("rules.yaml", "rules: [{match: {schema_file: order.json}, response: x}]");
    let read = RuleSet::load(folder.path().join("rules.yaml"));
    assert_eq!(read.is_ok(), cfg!(feature = "json-schema"), "{read:?}");
    for name in ["none.json", "broken.json"] {
        write("rules.yaml", &format!("rules: [{{match: {{schema_file: {name}}}, response: x}}]"));
        let errors = RuleSet::load(folder.path().join("rules.yaml")).unwrap_err().to_string();
        assert!(errors.contains("`schema_file`") && errors.contains(name), "{errors}");
    }
    let errors = RuleSet::parse("rules: [{match: {schema_file: a.json}, response: x}]", "r.yaml").unwrap_err();
    assert!(errors.to_string().contains("beside a rules file"), "{errors}");
    // A pipe would never end; a folder is as little a file.
    std::fs::create_dir(folder.path().join("folder.json")).unwrap();
    write("rules.yaml", "rules: [{match: {schema_file: folder.json}, response: x}]");
    let errors = RuleSet::load(folder.path().join("rules.yaml")).unwrap_err();
    assert!(errors.to_string().contains("folder.json: is no regular file"), "{errors}");
}

/// For who watches them: also those that are missing, and those of a file with mistakes.
#[test]
fn rules_name_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| std::fs::write(at(name), text).unwrap();
    write("order.json", r#"{"type": "object"}"#);
    let naming = |more: &str| {
        let one = |name: &str| format!("  - {{match: {{schema_file: {name}}}, response: x{more}}}\n");
        write("rules.yaml", &format!("rules:\n{}{}{}", one("order.json"), one("none.json"), one("order.json")));
        RuleSet::load(at("rules.yaml")).unwrap_err()
    };
    let all = [at("rules.yaml"), at("order.json"), at("none.json")];
    for errors in [naming(""), naming(", respones: y")] {
        assert!(errors.files().eq(&all), "{:?}", errors.files().collect::<Vec<_>>());
    }
    write("rules.yaml", "rules: [{match: a, response: x}]\n");
    assert!(RuleSet::load(at("rules.yaml")).unwrap().files().eq([at("rules.yaml")]));
    assert_eq!(RuleSet::parse("rules: [{match: a, response: x}]", "rules.yaml").unwrap().files().count(), 0);
    #[cfg(feature = "json-schema")]
    {
        write("rules.jsonl", "{\"match\": {\"schema_file\": \"order.json\"}, \"response\": \"x\"}\n");
        let rules = RuleSet::load(at("rules.jsonl")).unwrap();
        assert!(rules.files().eq([at("rules.jsonl"), at("order.json")]));
    }
}

/// A right file in which some parts were exchanged for others.
fn damaged() -> impl Strategy<Value = String> {
    const PARTS: [&str; 14] =
        ["", " ", "\n", "{", "]", ":", "{{", "}}", "\"", "'", "-1", "null", "{a: [b]}", "999999999999999999999"];
    let file = include_str!("../../../../docs/rules.md")
        .split("```yaml\n")
        .skip(1)
        .map(|part| part.split("```").next().unwrap());
    let files: Vec<&str> = file.collect();
    let damage =
        proptest::collection::vec((any::<prop::sample::Index>(), 0..4_usize, prop::sample::select(&PARTS[..])), 0..4);
    (prop::sample::select(files), damage).prop_map(|(file, damage)| {
        let mut file: Vec<char> = file.chars().collect();
        for (at, length, part) in damage {
            let start = at.index(file.len());
            file.splice(start..file.len().min(start + length), part.chars());
        }
        file.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever stands in a file, it is read or refused, every problem has a place in it, and rules that were read can be
    /// followed.
    #[test]
    fn damaged_files_are_read_or_refused(text in damaged(), said in proptest::collection::vec("[a-z0-9{}\":$ /]{0,20}", 0..6)) {
        let report = CheckReport::of_rules_text(&text, "damaged.yaml");
        prop_assert_eq!(report.passed(), report.errors().is_empty());
        for problem in report.errors().iter().chain(report.warnings()) {
            if let Some(position) = problem.position() {
                let line = text.split('\n').nth(position.line - 1).unwrap_or_default();
                prop_assert!(position.column <= line.chars().count() + 1, "{problem}");
            }
        }
        let Ok(rules) = RuleSet::parse(&text, "damaged.yaml") else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let handler = RuleHandler::new(Arc::new(rules), ReplayOptions::seeded(1));
            let mut client = Client::connect(&handler).await;
            for text in said.iter().map(String::as_str).chain(["", "{}", r#"{"type":"order","count":1}"#, "/join x", "roll"]) {
                client.try_to_say(text).await;
            }
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            client.leave().await;
        });
    }
}
