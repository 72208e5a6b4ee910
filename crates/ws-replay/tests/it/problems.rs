//! M07: what is wrong or doubtful in a file, with its place, all of it in one run.

use ws_replay::{CheckReport, ReplayScript};

/// Every kind of mistake in JSON lines; the snapshot shows each with its place.
#[test]
fn every_mistake_is_reported_with_its_place() {
    let text = r##"{"ts": 0, "text": "fine"}
{"ts": 0, "text": "unquoted}
{'ts': 0}
{"ts": 0, "text": "x",}
{"ts": 0
"just text"
42
{"ts": 0, "txt": "slip", "waitfor": "x", "delay": 5}
{"ts": "soon", "text": 5, "dir": "up", "close": "yes"}
{"ts": -5, "text": "x"}
{"ts": 1.5, "text": "x"}
{"ts": 100, "text": "x"}
{"ts": 99, "text": "back"}
{"text": "x", "text": "y", "waitFor": "a", "wait_for": "b"}
{"text": "x", "waitFor": "[unclosed"}
{"text": "x", "waitFor": "$.a["}
{"text": "x", "waitFor": "$.a:close"}
{"text": "{{$.a[}}", "waitFor": "$.a"}
{"binary": true, "text": "not base64!"}
{"text": "x", "code": 4000, "reason": "why"}
{"dir": "in"}
{"dir": "in", "binary": true, "text": "AA==", "waitFor": "x"}
{"ts": 100}
{"ts": 100, "binary": true}
{"text": "\ud800"}
    {"text": "é", "colour": 1}
{"close": true, "code": 1006}
{"close": true, "code": 70000}
"##;
    insta::assert_snapshot!(ReplayScript::parse(text, "broken.jsonl").unwrap_err());
}

#[test]
fn entries_behind_a_close_are_never_reached() {
    let text = format!(
        "{{\"close\":true,\"reason\":\"{}\"}}\n{{\"text\":\"late\"}}\n{{\"dir\":\"in\",\"close\":true,\"text\":\"x\"}}",
        "r".repeat(124)
    );
    insta::assert_snapshot!(ReplayScript::parse(&text, "late.jsonl").unwrap_err());
}

/// In an array, what stands before a mistake in the JSON itself is still checked.
#[test]
fn arrays_are_reported_by_line_too() {
    let text = "[\n  {\"txt\": 1},\n  # comment\n  {\n    \"ts\": \"x\"\n  },\n  {\"ts\": 0 \"text\": \"y\"}\n]";
    insta::assert_snapshot!(ReplayScript::parse(text, "broken.json").unwrap_err());
    // The end of a comment of seven characters: comments are read as blanks, one for each character.
    let unfinished = ReplayScript::parse("[\n# \u{e9}\u{1f600}\u{e9}\u{e9}\u{e9}", "open.json").unwrap_err();
    assert_eq!(unfinished.to_string(), "open.json:2:7: expected JSON: EOF while parsing a list");
    let after = ReplayScript::parse("[{\"text\":\"a\"}]\n{\"text\":\"b\"}", "two.json").unwrap_err();
    assert_eq!(after.to_string(), "two.json:2:1: expected JSON: trailing characters");
}

#[test]
fn a_report_lists_doubts_beside_mistakes() {
    let text = r#"{"text": "{{uiud}} {{1}} {{$.a}} {{user.name}} {{nwo+1h}} {{faker.emial}} {{uuid"}
{"text": "{{2}} {{nme}}", "waitFor": "^(?<name>.)$"}
{"dir": "in", "text": "hello", "waitFor": "^bye$"}
{"text": "{\"id\":\"{{uuid}\",\"a\":{\"b\":{}}}"}
"#;
    insta::assert_snapshot!(CheckReport::of_text(text, "doubtful.jsonl"));
    let broken = format!("{text}{{\"ts\": -1}}\nx");
    let report = CheckReport::of_text(&broken, "broken.jsonl");
    assert!(!report.passed() && report.summary().is_none());
    assert_eq!((report.errors().len(), report.warnings().len()), (2, 11));
    assert!(report.to_string().ends_with("\nbroken.jsonl: 2 errors, with 11 warnings"), "{report}");
}

/// A large file of garbage is reported in bounded space.
#[test]
fn mistakes_beyond_a_thousand_are_counted() {
    let errors = ReplayScript::parse(&"x\n".repeat(1234), "garbage").unwrap_err();
    assert_eq!((errors.errors().len(), errors.not_listed()), (1000, 234));
    assert!(errors.to_string().ends_with("garbage:1000:1: expected JSON: expected value\nand 234 more"));
    assert!(CheckReport::of_text(&"x\n".repeat(1234), "garbage").to_string().ends_with("garbage: 1234 errors"));
}
