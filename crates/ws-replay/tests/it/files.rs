//! The forms that a replay file may have.

use std::fs;

use ws_replay::{CheckReport, Position, ProblemKind, ReplayScript};

use crate::simulation::{replies, run};

const LINES: &str = "{\"ts\":0,\"text\":\"a\"}\n{\"ts\":100,\"text\":\"b\"}\n";

/// M16: blank lines and comments, in every place.
#[test]
fn blank_and_comment_lines_are_skipped() {
    let text = "# first\n\n  // indented\n{\"text\":\"a\"}\n\t\n#{\"text\":\"no\"}\n{\"text\":\"// # b\"}\n//";
    assert_eq!(replies(text, &[]), ["a", "// # b"]);
}

/// M16: a JSON array, on one line or pretty-printed, with comments around and between.
#[test]
fn an_array_is_a_file_too() {
    let compact = r#"[{"ts":0,"text":"a"},{"ts":100,"text":"b"}]"#;
    let pretty = "// head\n[\n  {\n    \"ts\": 0,\n    # between, with a [ and a \"\n    \"text\": \"a\"\n  },\n\
                  \u{20} {\n    \"ts\": 100,\n    \"text\": \"b\"\n  }\n]\n# tail\n";
    for text in [compact, pretty] {
        assert_eq!(run(text, &[]), run(LINES, &[]));
    }
}

#[test]
fn windows_files_are_read() {
    let text = format!("\u{feff}{}", LINES.replace('\n', "\r\n"));
    assert_eq!(run(&text, &[]), run(LINES, &[]));
    let errors = ReplayScript::parse("\u{feff}x\r\n", "f").unwrap_err();
    assert_eq!(errors.errors()[0].position(), Some(Position { line: 1, column: 1 }), "{errors}");
}

/// The document's examples have entries without `ts` and `dir`: such an entry is due as soon as its turn comes.
#[test]
fn an_entry_without_ts_follows_at_once() {
    let text = "{\"ts\":50,\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"ts\":60,\"text\":\"c\"}";
    assert_eq!(run(text, &[]), [(50, "a".into()), (50, "b".into()), (60, "c".into())]);
}

/// M07, M08: what cannot be read says so, with its name.
#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.jsonl");
    let errors = ReplayScript::load(&missing).unwrap_err();
    assert!(matches!(errors.errors()[0].kind(), ProblemKind::Unreadable(_)));
    assert!(errors.to_string().starts_with(&format!("{}: cannot be read: ", missing.display())), "{errors}");
    assert!(!CheckReport::of_file(&missing).passed());

    let binary = dir.path().join("binary.jsonl");
    fs::write(&binary, b"{\"ts\":0}\n\xc3\xa9 \xff").unwrap();
    let errors = ReplayScript::load(&binary).unwrap_err();
    let name = binary.display();
    assert_eq!(errors.to_string(), format!("{name}:2:3: expected UTF-8 text, found a byte that is not"));
}

#[test]
fn a_file_is_read_up_to_its_bound_only() {
    let dir = tempfile::tempdir().unwrap();
    let large = dir.path().join("large.jsonl");
    let file = fs::File::create(&large).unwrap();
    file.set_len(ReplayScript::MAX_FILE_BYTES + 1).unwrap();
    let errors = ReplayScript::load(&large).unwrap_err();
    assert!(matches!(errors.errors()[0].kind(), ProblemKind::TooLarge { .. }), "{errors}");
}

#[test]
fn a_file_is_loaded_and_summed_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ok.jsonl");
    fs::write(&path, "{\"ts\":0,\"text\":\"a\"}\n{\"ts\":1500,\"text\":\"b\",\"waitFor\":\"x\"}\n").unwrap();
    let script = ReplayScript::load(&path).unwrap();
    assert_eq!(script.summary().to_string(), "2 entries, 1 wait, 1.5 s");
    assert_eq!(script.name(), path.display().to_string());
    let report = CheckReport::of_file(&path);
    assert_eq!(report.to_string(), format!("{}: plays: 2 entries, 1 wait, 1.5 s", path.display()));
}

/// For who watches them.
#[test]
fn a_script_names_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("script.jsonl");
    for (text, is_right) in [("{\"text\":\"a\"}", true), ("{", false)] {
        fs::write(&path, text).unwrap();
        match ReplayScript::load(&path) {
            Ok(script) => assert!(is_right && script.files().eq([path.as_path()])),
            Err(errors) => assert!(!is_right && errors.files().eq([path.as_path()])),
        }
    }
    fs::remove_file(&path).unwrap();
    assert!(ReplayScript::load(&path).unwrap_err().files().eq([path.as_path()]));
    assert_eq!(ReplayScript::parse("{\"text\":\"a\"}", "script.jsonl").unwrap().files().count(), 0);
}

#[test]
fn an_empty_file_plays_nothing_and_is_doubtful() {
    for text in ["", "\n# only a comment\n", "[]"] {
        let script = ReplayScript::parse(text, "empty.jsonl").unwrap();
        assert_eq!(script.warnings().len(), 1, "{text}");
        assert_eq!(script.warnings()[0].to_string(), "empty.jsonl: has no entries: it will play nothing");
    }
}

/// Rules among the entries are counted, too; beside a script they do not ask for JSON by themselves.
#[test]
fn rules_among_entries_are_in_the_summary() {
    let rules = r#"{"match":"$.a","response":"b"}
        {"match":"$.c","response":"d"}"#;
    let summary = |text: &str| ReplayScript::parse(text, "f").unwrap().summary().to_string();
    assert_eq!(summary(&format!("{{\"text\":\"a\"}}\n{rules}")), "1 entry, 0 waits, 0 s; 2 rules");
    assert_eq!(
        summary(&format!("{{\"require\":\"json\"}}\n{{\"text\":\"a\"}}\n{rules}")),
        "1 entry, 0 waits, 0 s; 2 rules; text must be JSON"
    );
}
