//! Tests that need a process of their own: for its environment, its log or its memory.

use std::process::Command;

/// Runs `test`, an ignored one of this binary, with variables set (or removed) beforehand. Gives back what it printed
/// to both outputs; fails if it fails.
#[track_caller]
pub(crate) fn run(test: &str, variables: &[(&str, Option<&str>)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", test]).env("RUST_BACKTRACE", "0");
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().unwrap();
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("1 passed"), "{test} with {variables:?}:\n{printed}");
    printed
}
