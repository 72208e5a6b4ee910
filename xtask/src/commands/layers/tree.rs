//! What a crate pulls when somebody takes it alone. `cargo tree -p` resolves features for that package only, as a
//! build of it alone does; `cargo metadata` would unite them over the workspace.

use anyhow::{Context, Result};

use super::plan::{ALONE, Unwanted};
use crate::{process, workspace::Workspace};

/// A line for each package or feature that a crate alone must not pull.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (name, unwanted) in ALONE {
        let exists = workspace.metadata().packages.iter().any(|package| package.name == *name);
        if !exists {
            continue;
        }
        let mut cargo = workspace.cargo();
        cargo.args(["tree", "--package", name, "--edges", "normal", "--prefix", "none"]);
        cargo.args(["--format", "{p}|{f}"]);
        let printed = process::read(&mut cargo, process::SHORT)?;
        let pulled = parse(&printed).context("`cargo tree` printed something new")?;
        problems.extend(judge(name, &pulled, unwanted));
    }
    Ok(problems)
}

/// A package in the tree, and the features with which it is built.
#[derive(Debug, PartialEq)]
struct Pulled<'a> {
    name: &'a str,
    features: Vec<&'a str>,
}

/// Reads lines like `tokio v1.54.0|bytes,sync` or `ws-core v0.1.0 (/folder)| (*)`.
fn parse(printed: &str) -> Option<Vec<Pulled<'_>>> {
    printed.lines().filter(|line| !line.is_empty()).map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Pulled<'_>> {
    let (package, features) = line.rsplit_once('|')?;
    let name = package.split(' ').next()?;
    // `(*)` marks a package that was printed before.
    let features = features.split(' ').next()?;
    Some(Pulled { name, features: features.split(',').filter(|name| !name.is_empty()).collect() })
}

fn judge(alone: &str, pulled: &[Pulled<'_>], unwanted: &[Unwanted]) -> Vec<String> {
    let mut problems = Vec::new();
    for thing in unwanted {
        let found = match thing {
            Unwanted::Package(name) => pulled.iter().any(|it| it.name == *name).then(|| (*name).to_owned()),
            Unwanted::Feature(name, feature) => pulled
                .iter()
                .any(|it| it.name == *name && it.features.contains(feature))
                .then(|| format!("{name} with the feature `{feature}`")),
        };
        problems.extend(found.map(|thing| {
            format!(
                "{alone} alone pulls {thing}, for which it has no use; \
                 `cargo tree -p {alone} -e normal,features` shows through whom"
            )
        }));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "ws-patterns v0.1.0 (/folder/ws-patterns)|default\n\
                        tokio v1.54.0|bytes,rt,sync\n\
                        regex v1.13.0|\n\
                        tokio v1.54.0|bytes,rt,sync (*)\n";

    #[test]
    fn a_tree_is_read() {
        let pulled = parse(TREE).unwrap();
        let names: Vec<_> = pulled.iter().map(|it| it.name).collect();
        assert_eq!(names, ["ws-patterns", "tokio", "regex", "tokio"]);
        assert_eq!(pulled[1].features, ["bytes", "rt", "sync"]);
        assert_eq!(pulled[1], pulled[3]);
        assert!(pulled[2].features.is_empty());
    }

    #[test]
    fn another_format_is_not_taken_for_an_empty_tree() {
        assert_eq!(parse("tokio v1.54.0"), None);
    }

    #[test]
    fn unwanted_packages_and_features_are_found() {
        let judge = |unwanted| judge("ws-patterns", &parse(TREE).unwrap(), &[unwanted]).len();
        assert_eq!(judge(Unwanted::Package("regex")), 1);
        assert_eq!(judge(Unwanted::Package("reg")), 0);
        assert_eq!(judge(Unwanted::Feature("tokio", "rt")), 1);
        assert_eq!(judge(Unwanted::Feature("tokio", "rt-multi-thread")), 0);
    }
}
