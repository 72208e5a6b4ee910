//! A folder of scripts as it was at one moment: everything that can be imported, read once.
//!
//! What is not in it does not exist for scripts: nothing is read later.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{ScriptError, ScriptErrorKind, ScriptErrors};

const MAX_SCRIPTS: usize = 256;
const MAX_FILES: usize = 1000;
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The `.js` files of a folder, by their names from it, with slashes.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    files: BTreeMap<String, Arc<str>>,
    /// Links that lead out of the folder.
    outside: BTreeSet<String>,
}

impl Snapshot {
    /// Reads all `.js` files below `dir`, but not below folders called `node_modules` or beginning with a dot.
    pub(crate) fn read(dir: &Path) -> Result<Self, ScriptErrors> {
        let root = dir.canonicalize().map_err(|error| problem(&dir.display().to_string(), error.to_string()))?;
        let mut reader = Reader {
            root: root.clone(),
            snapshot: Self::default(),
            bytes: 0,
            errors: Vec::new(),
            entered: BTreeSet::new(),
        };
        reader.folder(&root, "");
        let Reader { snapshot, mut errors, .. } = reader;
        let scripts = snapshot.scripts().count();
        if scripts > MAX_SCRIPTS {
            errors
                .push(problem(&dir.display().to_string(), format!("{scripts} scripts: at most {MAX_SCRIPTS} are run")));
        }
        errors.extend(
            snapshot
                .outside
                .iter()
                .filter(|name| is_script(name))
                .map(|name| problem(name, "it is a link that leads out of the folder of scripts")),
        );
        ScriptErrors::of(errors)?;
        Ok(snapshot)
    }

    /// The files that are scripts: at the top, and not beginning with `_`.
    pub(crate) fn scripts(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str).filter(|name| is_script(name))
    }

    pub(crate) fn source(&self, name: &str) -> Option<&Arc<str>> {
        self.files.get(name)
    }

    pub(crate) fn leads_outside(&self, name: &str) -> bool {
        self.outside.contains(name)
    }

    /// Line and column, from 1, of the first place in `file` where `found` finds something.
    pub(crate) fn place_of(&self, file: &str, found: impl Fn(&str) -> Option<usize>) -> Option<(u32, u32)> {
        let source = self.source(file)?;
        source.lines().enumerate().find_map(|(line, text)| {
            let column = text[..found(text)?].chars().count();
            Some((u32::try_from(line + 1).ok()?, u32::try_from(column + 1).ok()?))
        })
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(name, source)| ((*name).to_owned(), Arc::from(*source))).collect();
        Self { files, outside: BTreeSet::new() }
    }
}

fn is_script(name: &str) -> bool {
    !name.contains('/') && !name.starts_with('_')
}

fn problem(file: &str, message: impl Into<String>) -> ScriptError {
    ScriptError::new(ScriptErrorKind::Read, file, message)
}

struct Reader {
    root: PathBuf,
    snapshot: Snapshot,
    bytes: u64,
    errors: Vec<ScriptError>,
    /// Real folders that were entered: links may make circles.
    entered: BTreeSet<PathBuf>,
}

impl Reader {
    fn folder(&mut self, path: &Path, prefix: &str) {
        if !self.entered.insert(path.to_owned()) {
            return;
        }
        let entries = fs::read_dir(path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.errors.push(problem(prefix.trim_end_matches('/'), error.to_string())),
        };
        let mut names: Vec<_> = entries.iter().map(fs::DirEntry::file_name).collect();
        names.sort();
        for name in names {
            // Who has such a name cannot be imported.
            let Some(name) = name.to_str() else { continue };
            if name.starts_with('.') || name == "node_modules" {
                continue;
            }
            self.entry(&path.join(name), format!("{prefix}{name}"));
        }
    }

    fn entry(&mut self, path: &Path, name: String) {
        let is_js = name.ends_with(".js");
        let real = match path.canonicalize() {
            Ok(real) => real,
            // A file that an editor is just replacing, or a dead link.
            Err(error) if is_js => return self.errors.push(problem(&name, error.to_string())),
            Err(_) => return,
        };
        if !real.starts_with(&self.root) {
            if is_js {
                self.snapshot.outside.insert(name);
            }
            return;
        }
        if real.is_dir() {
            self.folder(&real, &format!("{name}/"));
        } else if is_js {
            self.file(&real, name);
        }
    }

    fn file(&mut self, path: &Path, name: String) {
        if self.snapshot.files.len() == MAX_FILES {
            if !self.errors.iter().any(|error| error.message.contains("more than")) {
                self.errors.push(problem(&name, format!("more than {MAX_FILES} files: at most so many are read")));
            }
            return;
        }
        let size = fs::metadata(path).map_or(0, |metadata| metadata.len());
        if self.bytes + size > MAX_BYTES {
            let message = format!("with this file of {size} bytes the folder has more than {MAX_BYTES}");
            return self.errors.push(problem(&name, message));
        }
        match fs::read_to_string(path) {
            Ok(source) => {
                self.bytes += size;
                self.snapshot.files.insert(name, Arc::from(source));
            }
            Err(error) => self.errors.push(problem(&name, error.to_string())),
        }
    }
}
