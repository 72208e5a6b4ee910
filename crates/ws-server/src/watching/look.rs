//! How files look from outside, without reading them.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::places::{Places, is_looked_at, is_script};
use crate::reload::Contents;

/// How all files look that a server is made of; of one that cannot be found, nothing.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Look(BTreeMap<PathBuf, Option<Seen>>);

/// What changes when something is written to a file, or another file takes its place.
#[derive(PartialEq, Eq)]
enum Seen {
    File {
        length: u64,
        modified: Option<SystemTime>,
        inode: Inode,
        changed: Option<(i64, i64)>,
    },
    /// What is no file is looked at for being there, or being another one.
    Other(Inode),
}

impl Look {
    /// Looks at the files in `contents`, and at what is in the folders of `places` that are searched for scripts.
    pub(super) fn at(contents: &Contents, places: &Places) -> Self {
        let mut look = Self::default();
        for path in contents.files().chain(contents.folder()) {
            look.add(path);
        }
        for folder in places.searched() {
            look.add(folder);
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let (name, path) = (entry.file_name(), entry.path());
                if is_script(&name) || is_looked_at(&name) && path.is_dir() {
                    look.add(&path);
                }
            }
        }
        look
    }

    fn add(&mut self, path: &Path) {
        self.0.insert(path.to_owned(), fs::metadata(path).ok().map(|metadata| Seen::of(&metadata)));
    }

    /// Whether a file is gone or empty, as it is for a moment while it is saved.
    pub(super) fn shows_a_save(&self) -> bool {
        self.0.values().any(|seen| matches!(seen, None | Some(Seen::File { length: 0, .. })))
    }
}

impl Seen {
    fn of(metadata: &Metadata) -> Self {
        if !metadata.is_file() {
            return Self::Other(inode(metadata));
        }
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        Self::File { length, modified, inode: inode(metadata), changed: changed(metadata) }
    }
}

/// Device and inode, where there are some.
type Inode = Option<(u64, u64)>;

#[cfg(unix)]
fn inode(metadata: &Metadata) -> Inode {
    use std::os::unix::fs::MetadataExt;

    Some((metadata.dev(), metadata.ino()))
}

/// When anything about the file was changed last: unlike the other time, nobody can set it.
#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;

    Some((metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> Inode {
    None
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<(i64, i64)> {
    None
}
