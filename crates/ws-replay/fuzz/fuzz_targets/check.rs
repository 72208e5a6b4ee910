//! A replay file that strangers wrote: it is read or refused, and every problem has a place inside it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ws_replay::CheckReport;

fuzz_target!(|text: &str| {
    let report = CheckReport::of_text(text, "fuzz");
    assert_eq!(report.passed(), report.errors().is_empty());
    for problem in report.errors().iter().chain(report.warnings()) {
        if let Some(position) = problem.position() {
            let line = text.split('\n').nth(position.line - 1);
            assert!(line.is_some_and(|line| position.column <= line.chars().count() + 1), "{problem}");
        }
    }
    let _ = report.to_string();
});
