//! The part of `cargo metadata` that we read. It never resolves versions or features: for what a crate really pulls,
//! see `commands/layers/tree.rs`.

use std::path::PathBuf;

use serde::Deserialize;

/// The workspace as its manifests describe it.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
    pub(crate) workspace_root: PathBuf,
}

/// A member of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// A line of a dependency table.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The package's own name, also when the manifest renames it.
    pub(crate) name: String,
    #[serde(default, deserialize_with = "kind_or_normal")]
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
    /// Where the package lies, if it is one of ours.
    pub(crate) path: Option<PathBuf>,
}

/// Which dependency table a line stands in.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    Normal,
    Dev,
    Build,
}

/// Something that cargo builds of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

/// Cargo writes `null` for the normal kind.
fn kind_or_normal<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Metadata {
    /// Reads what `cargo metadata --format-version 1` prints.
    pub(crate) fn parse(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_and_null_is_normal() {
        let dependency = |kind: &str| {
            let json = format!(r#"{{"name":"axum","kind":{kind},"optional":true,"path":null,"req":"^0.8"}}"#);
            serde_json::from_str::<Dependency>(&json).unwrap().kind
        };
        assert_eq!(dependency("null"), Kind::Normal);
        assert_eq!(dependency(r#""dev""#), Kind::Dev);
        assert_eq!(dependency(r#""build""#), Kind::Build);
    }
}
