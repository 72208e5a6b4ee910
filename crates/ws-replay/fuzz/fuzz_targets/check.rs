//! A file that strangers wrote, as a script and as rules: it is read or refused, every problem has a place inside it, and what
//! is said of it can be shown on a terminal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_replay::{CheckReport, FileKind, ReplayScript, RuleSet};

fuzz_target!(|text: &str| {
    let _ = FileKind::of(text.as_bytes());
    check(text, &CheckReport::of_text(text, "fuzz"));
    // Both forms, whatever the text looks like; a file that a rule names is not looked for.
    for name in ["fuzz.yaml", "fuzz.jsonl"] {
        check(text, &CheckReport::of_rules_text(text, name));
        if let Ok(rules) = RuleSet::parse(text, name) {
            let _ = rules.to_mermaid();
        }
    }
    if let Ok(script) = ReplayScript::parse(text, "fuzz") {
        let _ = script.to_mermaid();
    }
});

fn check(text: &str, report: &CheckReport) {
    assert_eq!(report.passed(), report.errors().is_empty());
    for problem in report.errors().iter().chain(report.warnings()) {
        if let Some(position) = problem.position() {
            let line = text.split('\n').nth(position.line - 1);
            assert!(line.is_some_and(|line| position.column <= line.chars().count() + 1), "{problem}");
        }
        assert!(!problem.to_string().contains('\n'), "{problem:?}");
    }
    let report = report.to_string();
    assert!(report.chars().all(|character| character == '\n' || !character.is_control()), "{report:?}");
}
