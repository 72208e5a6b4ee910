//! The house rules that are about files and words. What a compiler or clippy can see is theirs.

mod rules;

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};

use crate::{process, toolbox::Missing, workspace::Workspace};

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let mut problems = Vec::new();
    for path in files(workspace)? {
        let full = workspace.root().join(&path);
        // A file that git still has but that is deleted, and what is not text, have no lines to judge.
        let Ok(text) = fs::read_to_string(full) else { continue };
        problems.extend(rules::judge(&path, &text));
    }
    if problems.is_empty() {
        return Ok(());
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    bail!("{} places break the house rules", problems.len());
}

/// What is tracked, and what is about to be: new files that git does not ignore.
fn files(workspace: &Workspace) -> Result<Vec<String>> {
    if !process::exists("git") {
        return Err(Missing::new("git", "install it: it knows which files are ours").into());
    }
    let mut git = Command::new("git");
    git.current_dir(workspace.root());
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let printed = process::read(&mut git, process::SHORT).context("git cannot list the files")?;
    Ok(printed.split_terminator('\0').map(str::to_owned).collect())
}
