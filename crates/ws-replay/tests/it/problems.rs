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
{"close": true, "code": 1015}
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

/// A file that is no JSON at all, or whose entries are in an object, gets one answer.
#[test]
fn a_file_of_another_kind_gets_one_line() {
    let yaml = "# a session\n- ts: 0\n  text: hello\n\n- ts: 100\n  text: bye\n";
    let report = CheckReport::of_text(yaml, "session.yaml").to_string();
    let expected = "session.yaml:2:1: expected JSON: a replay file has one object a line, such as {\"ts\": 0, \"text\": \
                    \"hello\"}, or is one array of such objects\nsession.yaml: 1 error";
    assert_eq!(report, expected);

    for (column, text) in [
        (16, "// head\n{\"version\": 1, \"entries\": [{\"ts\": 0, \"text\": \"a\"}]}"),
        (15, "\n{\"version\": 1,\"entries\": [\n  {\"ts\": 0, \"text\": \"a\"}\n  ]\n}\n"),
    ] {
        let errors = ReplayScript::parse(text, "list.json").unwrap_err().to_string();
        let expected = "the entries stand inside an object, behind `entries`: let the file be their array alone, or have \
                        one entry a line";
        assert_eq!(errors, format!("list.json:2:{column}: {expected}"));
    }
    // A known key with a wrong value is a mistake of that entry.
    let entry = ReplayScript::parse("{\"text\": [\"a\"]}", "f").unwrap_err().to_string();
    assert!(entry.contains("`text`: expected a string"), "{entry}");
    // One object among the lines is enough to take them for entries.
    let mixed = ReplayScript::parse("{\"text\": \"a\"}\nx\ny", "f").unwrap_err();
    assert_eq!(mixed.errors().len(), 2, "{mixed}");
}

/// What was read from elsewhere is checked as a file is, within the same limit.
#[test]
fn a_reader_is_a_file_too() {
    let report = CheckReport::of_reader(&b"{\"txt\": 1}"[..], "stdin");
    assert_eq!(report, CheckReport::of_text("{\"txt\": 1}", "stdin"));
    let report = CheckReport::of_reader(std::io::repeat(b' '), "stdin").to_string();
    assert!(report.starts_with("stdin: is larger than 64 MiB"), "{report}");
    let report = CheckReport::of_reader(&b"{\"text\": \"\xff\"}"[..], "stdin").to_string();
    assert!(report.starts_with("stdin:1:11: expected UTF-8"), "{report}");
}

/// What a file holds does not steer the terminal on which its mistakes are shown.
#[test]
fn control_characters_are_not_shown() {
    for text in ["{\"te\u{7f}xt\": 1}", r#"{"te\u001b[2Jxt": 1}"#, r#"{"te\nxt": 1}"#, r#"{"te\u202ext": 1}"#] {
        let report = CheckReport::of_text(text, "odd.jsonl");
        assert_eq!(report.errors().len(), 1, "{report}");
        let shown = [report.to_string(), report.errors()[0].to_string()].concat();
        assert!(shown.contains('\u{fffd}') && !shown.contains(['\u{7f}', '\u{1b}', '\u{202e}']), "{shown:?}");
        assert_eq!(report.errors()[0].to_string().lines().count(), 1, "{shown}");
    }
}

/// A large file of garbage is reported in bounded space.
#[test]
fn mistakes_beyond_a_thousand_are_counted() {
    let errors = ReplayScript::parse(&"{x\n".repeat(1234), "garbage").unwrap_err();
    assert_eq!((errors.errors().len(), errors.not_listed()), (1000, 234));
    assert!(errors.to_string().ends_with("garbage:1000:2: expected JSON: key must be a string\nand 234 more"));
    assert!(CheckReport::of_text(&"{x\n".repeat(1234), "garbage").to_string().ends_with("garbage: 1234 errors"));
}

/// Ten mistakes of ten sorts: each is shown in its line, with a mark below what it is about, and names what was probably
/// meant.
#[test]
fn ten_mistakes_are_ten_diagnostics() {
    let text = r#"{"step_id": "start", "text": "hello", "on_match": [{"pattern": "^yes", "goto_stepp": "order"}]}
{"step_id": "order", "txt": "which?"}
{"text": "{{uiud}}", "next_step": "strat"}
{"text": "wait", "waitFor": "^(order"}
{"text": "sum", "condition": "state.sum >> 10"}
{"text": "多くの言葉", "set": {"n": 1}, "branches": [{"condition": "stat.n > 1", "goto_step": "end"}]}
{"text": "late", "waitFor": "x", "timeout_ms": "5s", "on_timeout": "ordre"}
{"text": "x", "dir": "inn"}
{"text": "again", "loop": {"goto_step": "order", "times": 0}}
{"step_id": "start", "text": "twice"}
"#;
    let report = CheckReport::of_text(text, "ten.jsonl");
    for (number, line) in text.lines().enumerate() {
        let place = |line: &ws_replay::Problem| line.position().map(|position| position.line) == Some(number + 1);
        assert!(report.errors().iter().any(place), "nothing is said of {line}\n{report}");
    }
    insta::assert_snapshot!(report);
}
