//! The rules: pure functions from a path and its text to what is wrong.

use std::{fmt, path::Path};

/// How long a source file may get; one concept is seldom longer.
const MAX_LINES: usize = 600;

/// Names that say nothing about what is inside.
const VAGUE: &[&str] = &["common", "helpers", "types", "utils"];

/// Folders at the root of machines on which this was developed.
const MACHINE_FOLDERS: &[&str] = &["farm", "root", "work"];

/// Hosts of package registries, in two parts, so that they do not stand here.
const REGISTRIES: &[(&str, &str)] = &[
    ("deb.debian", "org"),
    ("files.pythonhosted", "org"),
    ("index.crates", "io"),
    ("pypi", "org"),
    ("registry.npmjs", "org"),
    ("static.crates", "io"),
];

/// Something that breaks a rule.
#[derive(Debug, PartialEq)]
pub(super) struct Problem {
    path: String,
    line: usize,
    what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// What is wrong with the file at `path`, counted from the root.
pub(super) fn judge(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |line, what: String| problems.push(Problem { path: path.to_owned(), line, what });
    if let Some(what) = wrong_name(path) {
        report(1, what);
    }
    let is_rust = path.ends_with(".rs");
    if is_rust && path.split('/').any(|part| part == "src") && !text.starts_with("//!") {
        report(1, "opens without `//!`; say what the module is for and what it never does".into());
    }
    if is_rust && text.lines().count() > MAX_LINES {
        let what = format!("is longer than {MAX_LINES} lines; make one file of each concept");
        report(MAX_LINES + 1, what);
    }
    let is_lock_file = path.ends_with(".lock") || path.ends_with("-lock.json");
    for (index, line) in text.lines().enumerate() {
        if is_rust && stub(line) {
            report(index + 1, "a stub; write it, or leave it out until it has content".into());
        }
        if is_lock_file {
            continue;
        }
        if let Some(folder) = machine_folder(line) {
            let what = format!("a path of one machine (/{folder}/...); take it from the project's root");
            report(index + 1, what);
        }
        if let Some(host) = registry(line) {
            report(index + 1, format!("the registry host {host}; name packages, not hosts"));
        }
    }
    problems
}

fn wrong_name(path: &str) -> Option<String> {
    let path = Path::new(path);
    if path.extension()? != "rs" {
        return None;
    }
    let stem = path.file_stem()?.to_str()?;
    if stem == "mod" {
        return Some("`mod.rs`; name it after its folder, beside the folder: `foo.rs` + `foo/`".into());
    }
    if VAGUE.contains(&stem) {
        return Some(format!("`{stem}.rs` says nothing; name it after its concept"));
    }
    let folder = path.parent()?;
    let is_in_src = folder.iter().any(|part| part == "src");
    // The facade's tests are named by the specification.
    if folder.ends_with("tests")
        && !is_in_src
        && folder.starts_with("crates")
        && !folder.starts_with("crates/mockforge-ws")
    {
        return Some("a test program of its own; make it a module of tests/it/main.rs".into());
    }
    None
}

fn stub(line: &str) -> bool {
    let is_comment = line.trim_start().starts_with("//");
    !is_comment && [concat!("todo", "!("), concat!("unimplemented", "!(")].iter().any(|it| line.contains(it))
}

/// The machine's folder with which an absolute path in `line` begins.
fn machine_folder(line: &str) -> Option<&'static str> {
    MACHINE_FOLDERS.iter().copied().find(|folder| {
        let start = format!("/{folder}/");
        line.match_indices(&start).any(|(at, _)| {
            // `crates/work/x` and `example.com/work/x` are no absolute paths.
            let before = line[..at].chars().next_back();
            let after = line[at + start.len()..].chars().next();
            !before.is_some_and(|it| it.is_alphanumeric() || "_./-}".contains(it))
                && after.is_some_and(|it| it.is_alphanumeric() || it == '.')
        })
    })
}

fn registry(line: &str) -> Option<String> {
    REGISTRIES.iter().map(|(name, end)| format!("{name}.{end}")).find(|host| line.contains(host.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that are found in a well-named file with this text.
    fn lines(text: &str) -> Vec<usize> {
        judge("docs/a.md", text).iter().map(|problem| problem.line).collect()
    }

    fn found(path: &str, text: &str) -> usize {
        judge(path, text).len()
    }

    #[test]
    fn a_good_file_is_fine() {
        assert_eq!(judge("crates/a/src/room.rs", "//! Rooms.\nstruct Room;\n"), []);
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        for name in ["mod.rs", "utils.rs", "common.rs", "helpers.rs", "types.rs"] {
            assert_eq!(found(&format!("crates/a/src/{name}"), "//! A.\n"), 1, "{name}");
        }
        assert_eq!(found("docs/types.md", ""), 0);
    }

    #[test]
    fn a_module_says_what_it_is_for() {
        assert_eq!(found("crates/a/src/room/list.rs", "use a;\n"), 1);
        assert_eq!(found("crates/a/tests/it/room.rs", "use a;\n"), 0);
    }

    #[test]
    fn a_file_has_an_end() {
        let long = |lines| format!("//! A.\n{}", "\n".repeat(lines - 1));
        assert_eq!(found("a/src/a.rs", &long(MAX_LINES)), 0);
        assert_eq!(found("a/src/a.rs", &long(MAX_LINES + 1)), 1);
        assert_eq!(found("a/data.json", &long(MAX_LINES + 1)), 0);
    }

    #[test]
    fn a_crate_has_one_test_program() {
        assert_eq!(found("crates/a/tests/rooms.rs", ""), 1);
        assert_eq!(found("crates/a/tests/it/main.rs", ""), 0);
        // Unit tests.
        assert_eq!(found("crates/a/src/session/tests/parts.rs", "//! Parts.\n"), 0);
        assert_eq!(found("crates/mockforge-ws/tests/ws_handlers_e2e.rs", ""), 0);
    }

    #[test]
    fn stubs_are_found_but_not_the_word() {
        let stub = concat!("todo", "!()");
        assert_eq!(found("a/src/a.rs", &format!("//! A.\n    {stub}\n")), 1);
        assert_eq!(found("a/src/a.rs", &format!("//! A.\n// no {stub} here\n")), 0);
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        let folder = MACHINE_FOLDERS[0];
        let text = format!("ok\nsee /{folder}/x\n'/{folder}/x'\n");
        assert_eq!(lines(&text), [2, 3]);
        let fine = format!("a/{folder}/x ../{folder}/x /{folder}/ /{folder}s/x {{a}}/{folder}/x");
        assert_eq!(lines(&fine), [0; 0]);
        assert_eq!(found("Cargo.lock", &text), 0);
    }

    #[test]
    fn hosts_of_registries_are_found() {
        let (name, end) = REGISTRIES[0];
        assert_eq!(lines(&format!("https://{name}.{end}/x")), [1]);
    }

    #[test]
    fn a_problem_names_its_place() {
        let problem = &judge("crates/a/src/mod.rs", "//! A.\n")[0];
        assert!(problem.to_string().starts_with("crates/a/src/mod.rs:1: `mod.rs`"), "{problem}");
    }
}
