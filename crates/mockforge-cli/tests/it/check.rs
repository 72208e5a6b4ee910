//! `mockforge check`.

use std::io::Write;
use std::process::Stdio;

use crate::process::{file, mockforge, run, text};

/// M07: every mistake of a file is named with line and column, and the exit code says that there are some.
#[test]
fn mistakes_are_named_all_at_once() {
    let (_folder, path) = file("{\"ts\":0,\"text\":\"ok\"}\nnot json\n{\"ts\":\"x\",\"text\":\"y\"}\n");
    let path = path.to_str().unwrap();
    let output = run(&["check", path], &[]);
    assert_eq!(output.status.code(), Some(1));
    let report = text(&output.stdout);
    assert!(report.contains(&format!("{path}:2:2: ")), "{report}");
    assert!(report.contains(&format!("{path}:3:")), "{report}");
}

#[test]
fn a_good_file_passes_and_is_summed_up() {
    let (_folder, path) = file("{\"ts\":0,\"text\":\"a\"}\n{\"ts\":1500,\"text\":\"b\",\"waitFor\":\"x\"}\n");
    let output = run(&["check", path.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("2 entries, 1 wait"), "{}", text(&output.stdout));
}

#[test]
fn one_bad_file_among_good_ones_fails() {
    let (_folder, good) = file("{\"text\":\"a\"}");
    let output = run(&["check", good.to_str().unwrap(), "/nonexistent/x.jsonl"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("/nonexistent/x.jsonl"), "{}", text(&output.stdout));
}

#[test]
fn a_dash_is_what_is_piped_in() {
    let mut child = mockforge(&["check", "-"], &[]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{\"txt\": \"a\"}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = "stdin:1:2: unknown key `txt`; did you mean `text`?\n  \
                      1 | {\"txt\": \"a\"}\n    \
                        |  ^^^^^\n\
                    stdin: 1 error\n";
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn a_file_of_another_kind_is_one_line() {
    let (_folder, path) = file("- ts: 0\n  text: hello\n- ts: 100\n  text: bye\n");
    let report = text(&run(&["check", path.to_str().unwrap()], &[]).stdout);
    assert_eq!(report.lines().count(), 2, "{report}");
    assert!(report.contains(":1:1: expected JSON: a replay file has one object a line"), "{report}");
}

#[test]
fn no_file_is_wrong_usage() {
    assert_eq!(run(&["check"], &[]).status.code(), Some(2));
}
