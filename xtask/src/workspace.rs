//! Where things are: the root, the folders that git ignores, and cargo itself.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{metadata::Metadata, process};

/// The workspace that xtask belongs to.
#[derive(Debug)]
pub(crate) struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    /// Asks cargo what the workspace is.
    pub(crate) fn load() -> Result<Self> {
        // `cargo run` sets it; the other is for who starts the built program by hand.
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let json = process::read(
            cargo_in(&manifest).args(["metadata", "--format-version", "1", "--no-deps"]),
            process::SHORT,
        )?;
        let metadata = Metadata::parse(json.as_bytes()).context("`cargo metadata` printed something new")?;
        Ok(Self { metadata })
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.metadata.workspace_root
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> &Path {
        &self.metadata.target_directory
    }

    /// A folder for reports and logs of `command`; it may be deleted at any time.
    pub(crate) fn scratch(&self, command: &str) -> PathBuf {
        self.target().join("xtask").join(command)
    }

    /// A folder for things that xtask installs. Git ignores it; deleting it only costs the time to install again.
    pub(crate) fn cache(&self, name: &str) -> PathBuf {
        self.root().join(".cache").join(name)
    }

    /// A script of ours that runs a foreign client.
    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.root().join("xtask/clients").join(name)
    }

    /// Cargo, at the root.
    pub(crate) fn cargo(&self) -> Command {
        cargo_in(self.root())
    }
}

/// Cargo in `folder`, without the variables that `cargo run` made for xtask: some build scripts watch them, and would
/// run again each time somebody changes between `cargo xtask test` and `cargo test`.
fn cargo_in(folder: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    cargo
}
