//! `mockforge completions`.

use std::fs::OpenOptions;

use crate::process::{mockforge, run, text};

#[test]
fn completions_are_printed() {
    let output = run(&["completions", "bash"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("--ws-replay-file"));
}

#[test]
fn a_full_disk_is_an_error_and_no_panic() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = mockforge(&["completions", "bash"], &[]).stdout(full).output().unwrap();
    let log = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.starts_with("error: cannot write the completions: ") && log.lines().count() == 1, "{log}");
}
