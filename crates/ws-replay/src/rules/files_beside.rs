//! Files that a rules file names: where they lie, and which were asked for. It reads none.

use std::path::{Path, PathBuf};

/// The files beside one that is read.
#[derive(Debug, Default)]
pub(super) struct FilesBeside {
    /// `None`: what is read is no file.
    folder: Option<PathBuf>,
    /// Each once, in order.
    asked_for: Vec<PathBuf>,
}

impl FilesBeside {
    pub(super) fn in_folder(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned), asked_for: Vec::new() }
    }

    /// The path of the file of that name, if there can be one.
    pub(super) fn find(&mut self, name: &str) -> Option<PathBuf> {
        let path = self.folder.as_ref()?.join(name);
        if !self.asked_for.contains(&path) {
            self.asked_for.push(path.clone());
        }
        Some(path)
    }

    /// All files that were looked for, also those that are not there.
    pub(super) fn into_asked_for(self) -> Vec<PathBuf> {
        self.asked_for
    }
}
