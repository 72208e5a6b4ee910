//! A folder of scripts as it was at one moment: everything that can be imported, read once.
//!
//! What is not in it does not exist for scripts: nothing is read later.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::limits::size;
use crate::{ScriptError, ScriptErrorKind, ScriptErrors};

const MAX_SCRIPTS: usize = 256;
const MAX_FILES: usize = 1000;
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// How often a folder is read that changes all the time.
const MAX_READINGS: usize = 5;

/// The `.js` files of a folder, by their names from it, with slashes.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Snapshot {
    files: BTreeMap<String, Arc<str>>,
    /// Links that lead out of the folder.
    outside: BTreeSet<String>,
}

impl Snapshot {
    /// Reads all `.js` files below `dir`, but not below folders called `node_modules` or beginning with a dot.
    ///
    /// It reads until it has seen the same twice: what is written, removed or linked anew meanwhile must not give a mixture.
    pub(crate) fn read(dir: &Path) -> Result<Self, ScriptErrors> {
        let mut last = Self::read_once(dir);
        for _ in 1..MAX_READINGS {
            let now = Self::read_once(dir);
            if now == last {
                return now;
            }
            last = now;
        }
        last?;
        Err(problem(&dir.display().to_string(), "it changes all the time").into())
    }

    /// Reads the files that there are now, which may change while it reads.
    pub(crate) fn read_once(dir: &Path) -> Result<Self, ScriptErrors> {
        let Reader { snapshot, mut errors, .. } =
            Reader::read(dir).map_err(|error| problem(&dir.display().to_string(), error.to_string()))?;
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

    /// The folders that are searched for files or have some, links followed.
    pub(crate) fn folders(dir: &Path) -> BTreeSet<PathBuf> {
        let Ok(Reader { mut entered, sources, .. }) = Reader::read(dir) else { return BTreeSet::new() };
        entered.extend(sources);
        entered
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
    /// Real folders of files, where links may lead.
    sources: BTreeSet<PathBuf>,
}

impl Reader {
    fn read(dir: &Path) -> io::Result<Self> {
        let root = dir.canonicalize()?;
        let mut reader = Self {
            root: root.clone(),
            snapshot: Snapshot::default(),
            bytes: 0,
            errors: Vec::new(),
            entered: BTreeSet::new(),
            sources: BTreeSet::new(),
        };
        reader.folder(&root, "");
        Ok(reader)
    }

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
        } else if is_js && real.is_file() {
            self.file(&real, name);
            self.sources.extend(real.parent().map(Path::to_owned));
        } else if is_js {
            // To read from a pipe would wait for ever.
            self.errors.push(problem(&name, "it is no regular file"));
        }
    }

    fn file(&mut self, path: &Path, name: String) {
        if self.snapshot.files.len() == MAX_FILES {
            if !self.errors.iter().any(|error| error.message.contains("more than")) {
                self.errors.push(problem(&name, format!("more than {MAX_FILES} files: at most so many are read")));
            }
            return;
        }
        let source = match read_text(path, MAX_BYTES - self.bytes) {
            Ok(source) => source,
            Err(error) => return self.errors.push(problem(&name, error.to_string())),
        };
        match source {
            Some(source) => {
                self.bytes += source.len() as u64;
                self.snapshot.files.insert(name, Arc::from(source));
            }
            None => {
                let message = format!("with this file the folder has more than {}", size(MAX_BYTES));
                self.errors.push(problem(&name, message));
            }
        }
    }
}

/// A file's text; None if it is longer.
fn read_text(path: &Path, most: u64) -> io::Result<Option<String>> {
    let file = File::open(path)?;
    let mut source = String::new();
    let read = file.take(most + 1).read_to_string(&mut source)?;
    Ok((read as u64 <= most).then_some(source))
}
