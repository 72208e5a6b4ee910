//! Who names whom in the manifests.

use std::path::Path;

use super::plan::{AXUM, OPTIONAL_AXUM, Room};
use crate::metadata::{Dependency, Kind, Metadata, Package};

/// A line for each thing that is not as planned.
pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let Some(room) = Room::of(&package.name) else {
            problems
                .push(format!("{}: a crate that is not in the plan; give it a planned name, or plan it", package.name));
            continue;
        };
        let folder = package.manifest_path.parent().unwrap_or(Path::new(""));
        if !folder.ends_with(room.folder) {
            problems.push(format!("{}: belongs into {}/", room.name, room.folder));
        }
        for dependency in &package.dependencies {
            problems.extend(wrong_arrow(room, dependency));
            problems.extend(wrong_axum(package, dependency));
        }
    }
    problems
}

fn wrong_arrow(from: &Room, to: &Dependency) -> Option<String> {
    to.path.as_ref()?;
    let (fine, side) = match to.kind {
        Kind::Dev => (from.tests_may_use(&to.name), "; its tests may use what stands below it"),
        Kind::Normal | Kind::Build => (from.may_use(&to.name), ""),
    };
    (!fine).then(|| format!("{} -> {}: {} may use {}{side}", from.name, to.name, from.name, from.may_use))
}

fn wrong_axum(from: &Package, to: &Dependency) -> Option<String> {
    let name = from.name.as_str();
    if to.name != "axum"
        || to.kind == Kind::Dev
        || AXUM.contains(&name)
        || (to.optional && OPTIONAL_AXUM.contains(&name))
    {
        return None;
    }
    Some(format!(
        "{name} -> axum: only {} may, {} as an optional dependency, and tests",
        AXUM.join(", "),
        OPTIONAL_AXUM.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of one package in its place, with one line in its dependency table.
    fn problems(package: &str, folder: &str, dependency: &str) -> Vec<String> {
        let json = format!(
            r#"{{"workspace_root":"/w","target_directory":"/w/target","packages":[{{
                "name":"{package}","manifest_path":"/w/{folder}/Cargo.toml","targets":[],
                "dependencies":[{dependency}]}}]}}"#
        );
        check(&Metadata::parse(json.as_bytes()).unwrap())
    }

    fn ours(name: &str, kind: &str) -> String {
        format!(r#"{{"name":"{name}","kind":{kind},"optional":false,"path":"/w/crates/{name}"}}"#)
    }

    fn foreign(name: &str, kind: &str, optional: bool) -> String {
        format!(r#"{{"name":"{name}","kind":{kind},"optional":{optional},"path":null}}"#)
    }

    const NORMAL: &str = "null";
    const DEV: &str = r#""dev""#;

    #[test]
    fn a_planned_arrow_is_fine() {
        let problems = problems("ws-rooms", "crates/ws-rooms", &ours("ws-core", NORMAL));
        assert_eq!(problems, [""; 0]);
    }

    #[test]
    fn an_arrow_to_a_sibling_is_found_and_says_what_is_allowed() {
        let problems = problems("ws-rooms", "crates/ws-rooms", &ours("ws-patterns", NORMAL));
        assert_eq!(problems, ["ws-rooms -> ws-patterns: ws-rooms may use ws-core"]);
    }

    #[test]
    fn an_arrow_upwards_is_found_in_tests_too() {
        let up = problems("ws-core", "crates/ws-core", &ours("ws-server", "\"build\""));
        assert_eq!(up, ["ws-core -> ws-server: ws-core may use none of our crates"]);
        let in_tests = problems("ws-core", "crates/ws-core", &ours("ws-server", DEV));
        assert_eq!(in_tests.len(), 1, "{in_tests:?}");
    }

    #[test]
    fn tests_may_use_everything_below() {
        let cli = problems("mockforge-cli", "crates/mockforge-cli", &ours("ws-testing", DEV));
        assert_eq!(cli, [""; 0]);
    }

    #[test]
    fn the_server_is_tested_with_the_test_kit_but_not_built_on_it() {
        let server = |kind| problems("ws-server", "crates/ws-server", &ours("ws-testing", kind));
        assert_eq!(server(DEV), [""; 0]);
        assert_eq!(server(NORMAL), ["ws-server -> ws-testing: ws-server may use what stands below it"]);
    }

    #[test]
    fn names_and_folders_are_planned() {
        assert_eq!(problems("ws-helpers", "crates/ws-helpers", "").len(), 1);
        assert_eq!(problems("ws-core", "core", ""), ["ws-core: belongs into crates/ws-core/"]);
    }

    #[test]
    fn axum_belongs_to_the_server() {
        let of = |package: &str, kind: &str, optional| {
            problems(package, &format!("crates/{package}"), &foreign("axum", kind, optional))
        };
        assert_eq!(of("ws-server", NORMAL, false), [""; 0]);
        assert_eq!(of("ws-core", NORMAL, true), [""; 0]);
        assert_eq!(of("mockforge-ws", DEV, false), [""; 0]);
        assert_eq!(of("ws-core", NORMAL, false).len(), 1);
        assert_eq!(of("ws-rooms", NORMAL, true).len(), 1);
        assert_eq!(of("mockforge-cli", NORMAL, false).len(), 1);
    }
}
