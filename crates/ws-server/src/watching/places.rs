//! Where changes of files show: in which folders, at which names.
//!
//! A file can become another one without being touched: when a symbolic link on the way to it is exchanged, or when
//! something appears that was missing on the way. So each place is a name in a real folder, and a file has several.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::reload::Contents;
use crate::scripts;

/// As many links as the system follows in a path.
const MOST_LINKS: usize = 40;

/// Names in real folders.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places(BTreeMap<PathBuf, Names>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    own: BTreeSet<OsString>,
    /// Whether scripts are looked for in this folder: then every one is a place.
    are_searched: bool,
}

impl Places {
    /// Those of all files, as the folders are now.
    pub(super) fn of(contents: &Contents) -> Self {
        let mut places = Self::default();
        for file in contents.files() {
            places.follow(file);
        }
        if let Some(dir) = contents.folder() {
            places.follow(dir);
            for folder in scripts::folders(dir) {
                places.search(folder);
            }
        }
        places
    }

    #[cfg(test)]
    pub(super) fn of_file(file: &Path) -> Self {
        let mut places = Self::default();
        places.follow(file);
        places
    }

    /// The folders to be watched.
    pub(super) fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.keys()
    }

    pub(super) fn has_folder(&self, folder: &Path) -> bool {
        self.0.contains_key(folder)
    }

    /// The folders in which scripts are looked for.
    pub(super) fn searched(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.iter().filter(|(_, names)| names.are_searched).map(|(folder, _)| folder)
    }

    /// Whether a change at `path`, as the system names it, may be one of a file.
    pub(super) fn are_concerned_by(&self, path: &Path) -> bool {
        let is_place =
            |(names, name): (&Names, &OsStr)| names.own.contains(name) || names.are_searched && is_script(name);
        self.has_folder(path) || self.names_beside(path).is_some_and(is_place)
    }

    /// Whether something new at `path` is a folder that is to be searched. Unlike all other questions this one asks the disk.
    pub(super) fn would_search(&self, path: &Path) -> bool {
        let is_place = |(names, name): (&Names, &OsStr)| names.are_searched && is_looked_at(name);
        self.names_beside(path).is_some_and(is_place) && path.is_dir()
    }

    fn names_beside<'p>(&self, path: &'p Path) -> Option<(&Names, &'p OsStr)> {
        Some((self.0.get(path.parent()?)?, path.file_name()?))
    }

    fn add(&mut self, folder: &Path, name: &OsStr) {
        self.0.entry(folder.to_owned()).or_default().own.insert(name.to_owned());
    }

    /// Adds where `path` really is, every link on the way, and, if it is missing, where it would appear.
    fn follow(&mut self, path: &Path) {
        let Ok(path) = std::path::absolute(path) else { return };
        let mut rest: VecDeque<OsString> = steps(&path);
        let mut real = PathBuf::new();
        let mut links = 0;
        while let Some(step) = rest.pop_front() {
            let name = match Path::new(&step).components().next() {
                Some(Component::Normal(name)) => name,
                Some(Component::ParentDir) => {
                    real.pop();
                    continue;
                }
                Some(Component::CurDir) | None => continue,
                Some(Component::RootDir | Component::Prefix(_)) => {
                    real.push(&step);
                    continue;
                }
            };
            let next = real.join(name);
            match fs::symlink_metadata(&next) {
                Ok(found) if found.is_symlink() => {
                    self.add(&real, name);
                    links += 1;
                    let Ok(target) = fs::read_link(&next) else { return };
                    if links > MOST_LINKS {
                        return;
                    }
                    if target.is_absolute() {
                        real.clear();
                    }
                    let mut target = steps(&target);
                    target.append(&mut rest);
                    rest = target;
                }
                Ok(found) if found.is_dir() && !rest.is_empty() => real = next,
                _ => return self.add(&real, name),
            }
        }
    }

    /// Adds every script in a real folder, and the folders and links that lead to more of them.
    fn search(&mut self, folder: PathBuf) {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && is_looked_at(&name) {
                self.add(&folder, &name);
            } else if kind.is_symlink() && is_looked_at(&name) && (is_script(&name) || path.is_dir()) {
                self.follow(&path);
            }
        }
        self.0.entry(folder).or_default().are_searched = true;
    }
}

fn steps(path: &Path) -> VecDeque<OsString> {
    path.components().map(|step| step.as_os_str().to_owned()).collect()
}

/// Whether what has this name may be a script.
pub(super) fn is_script(name: &OsStr) -> bool {
    is_looked_at(name) && Path::new(name).extension().is_some_and(|extension| extension == "js")
}

/// Whether what has this name is looked at when scripts are looked for.
pub(super) fn is_looked_at(name: &OsStr) -> bool {
    !name.as_encoded_bytes().starts_with(b".") && name != "node_modules"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of a file, each as one path, seen from `folder`.
    #[cfg(unix)]
    fn places_of(file: &Path, folder: &Path) -> Vec<String> {
        let places = Places::of_file(file);
        let names = places.0.iter().flat_map(|(real, names)| names.own.iter().map(|name| real.join(name)));
        names.map(|place| place.strip_prefix(folder).unwrap().display().to_string()).collect()
    }

    #[cfg(unix)]
    #[test]
    fn every_link_on_the_way_to_a_file_is_a_place() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        fs::create_dir_all(folder.join("releases/2/conf")).unwrap();
        fs::write(folder.join("releases/2/conf/real.yaml"), "").unwrap();
        symlink("releases/2", folder.join("current")).unwrap();
        symlink("real.yaml", folder.join("releases/2/conf/rules.yaml")).unwrap();
        symlink(folder.join("nowhere/a.yaml"), folder.join("dead")).unwrap();
        symlink("round", folder.join("round")).unwrap();
        let cases: [(&str, &[&str]); 7] = [
            ("releases/2/conf/real.yaml", &["releases/2/conf/real.yaml"]),
            ("current/conf/real.yaml", &["current", "releases/2/conf/real.yaml"]),
            (
                "current/conf/../conf/rules.yaml",
                &["current", "releases/2/conf/real.yaml", "releases/2/conf/rules.yaml"],
            ),
            ("dead", &["dead", "nowhere"]),
            ("current/missing/a/b.yaml", &["current", "releases/2/missing"]),
            ("current/conf/real.yaml/a", &["current", "releases/2/conf/real.yaml"]),
            ("round", &["round"]),
        ];
        for (file, expected) in cases {
            assert_eq!(places_of(&folder.join(file), &folder), expected, "{file}");
        }
    }

    #[test]
    fn a_relative_file_has_a_place_in_a_real_folder() {
        let places = Places::of_file(Path::new("missing.yaml"));
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        assert!(places.has_folder(&here) && places.are_concerned_by(&here.join("missing.yaml")));
        assert!(!places.are_concerned_by(&here.join("other.yaml")));
    }

    #[cfg(unix)]
    #[test]
    fn scripts_have_all_names_that_scripts_may_have() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        for name in ["lib", "node_modules", ".git", "..1"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        symlink("..1", folder.join("..data")).unwrap();
        symlink("..data/chat.js", folder.join("chat.js")).unwrap();
        let mut places = Places::default();
        places.search(folder.clone());
        for name in ["chat.js", "new.js", "_shared.js", "lib", "..data", "..1/chat.js"] {
            assert!(places.are_concerned_by(&folder.join(name)), "{name}");
        }
        for name in ["chat.json", "js", ".chat.js", "node_modules", ".git", "recording.jsonl", "lib/chat.js"] {
            assert!(!places.are_concerned_by(&folder.join(name)), "{name}");
        }
        fs::create_dir(folder.join("more")).unwrap();
        fs::write(folder.join("file"), "").unwrap();
        let new = ["more", "file", "node_modules", "missing"].map(|name| places.would_search(&folder.join(name)));
        assert_eq!(new, [true, false, false, false]);
    }
}
