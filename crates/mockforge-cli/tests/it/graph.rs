//! `mockforge check --graph`: a drawing on stdout, and nothing else there.

use crate::process::{folder, run_in, text};

const MACHINE: &str = "{initial: shut, states: {shut: {on: {match: ^open$, to: open}}, open: }}";

#[test]
fn a_script_is_drawn_as_a_flowchart() {
    let script = r#"{"step_id":"ask","text":"more?","on_match":[{"pattern":"^yes$","goto_step":"ask"},{"pattern":"^no$","goto_step":"end"}]}"#;
    let folder = folder(&[("s.jsonl", script)]);
    let output = run_in(&folder, &["check", "--graph", "s.jsonl"]);
    let drawing = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    assert!(drawing.starts_with("flowchart TD\n"), "{drawing}");
    assert!(drawing.contains("-->|\"#94;yes#36;\"| c0s0"), "{drawing}");
}

#[test]
fn machines_of_rules_are_drawn_in_one_diagram() {
    let folder = folder(&[
        ("one.yaml", &format!("machines: {{door: {MACHINE}}}")),
        ("two.yaml", &format!("machines:\n  door: {MACHINE}\n  \"the gate\": {MACHINE}\n")),
    ]);
    let drawing = text(&run_in(&folder, &["check", "--graph", "one.yaml"]).stdout);
    let expected = "stateDiagram-v2\n    state \"shut\" as s0\n    state \"open\" as s1\n    [*] --> s0\n    s0 --> s1: #94;open#36;\n";
    assert_eq!(drawing, expected);
    let drawing = text(&run_in(&folder, &["check", "--graph", "two.yaml"]).stdout);
    assert_eq!(drawing.matches("stateDiagram-v2").count(), 1, "{drawing}");
    for part in [
        "    state \"door\" as m0 {\n        state \"shut\" as m0s0\n",
        "    state \"the gate\" as m1 {\n        state \"shut\" as m1s0\n",
        "        m1s0 --> m1s1: #94;open#36;\n    }\n",
    ] {
        assert!(drawing.contains(part), "{part}{drawing}");
    }
}

/// A drawing does not leave out silently what else is in the file.
#[test]
fn machines_beside_entries_are_not_forgotten_silently() {
    let script =
        format!("{{\"machines\":{}}}\n{{\"text\":\"a\"}}\n", r#"{"door":{"initial":"shut","states":{"shut":{}}}}"#);
    let folder = folder(&[("s.jsonl", &script)]);
    let output = run_in(&folder, &["check", "--graph", "s.jsonl"]);
    let said = text(&output.stderr);
    assert!(text(&output.stdout).starts_with("flowchart TD\n"), "{said}");
    assert!(said.contains("s.jsonl: its machines are not drawn; in a rules file"), "{said}");
}

/// What is wrong or doubtful is told on stderr, and so is that there is nothing to draw.
#[test]
fn diagnostics_are_no_part_of_a_drawing() {
    let folder = folder(&[
        ("rules.yaml", "rules: [{match: a, response: b}]"),
        ("empty.jsonl", "# nothing\n"),
        ("slip.jsonl", r#"{"txet":"a"}"#),
        ("slip.yaml", "machines: {door: {initail: shut}}"),
        ("doubt.jsonl", r#"{"text":"{{uiud}}"}"#),
        ("c.yaml", "websocket: { port: 0 }"),
        ("x.har", r#"{"log":{"entries":[]}}"#),
    ]);
    for (file, code, said) in [
        ("rules.yaml", 1, "error: rules.yaml: nothing to draw: there are no machines\n"),
        ("empty.jsonl", 1, "error: empty.jsonl: nothing to draw: there are no entries\n"),
        ("slip.jsonl", 1, "slip.jsonl:1:2: unknown key `txet`; did you mean `text`?\n"),
        ("slip.yaml", 1, "unknown key `initail`; did you mean `initial`?\n"),
        ("doubt.jsonl", 0, "unknown token `{{uiud}}`"),
        ("c.yaml", 1, "error: c.yaml: a configuration cannot be drawn; the files that it names can\n"),
        ("x.har", 1, "import it first"),
        ("none.jsonl", 1, "none.jsonl: cannot be read"),
    ] {
        let output = run_in(&folder, &["check", "--graph", file]);
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{file}: {log}");
        assert!(log.contains(said), "{file}: {log}");
        assert_eq!(output.stdout.is_empty(), code == 1, "{file}: {}", text(&output.stdout));
    }
}
