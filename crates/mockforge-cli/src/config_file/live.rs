//! The configuration file of a server that runs: found at the start, and read again at each reload.
//!
//! What was found is not lost: a file that is deleted or emptied later is a mistake, not a configuration of defaults.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{ConfigFile, ConfigMistakes, read};

/// The configuration file, wherever it is, or may come to be.
#[derive(Debug)]
pub(crate) struct LiveFile {
    path: PathBuf,
    found: Mutex<Found>,
}

/// What has been found in the file so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    NoFile,
    Blanks,
    Text,
}

impl LiveFile {
    /// Reads the file that is `named`, or that of the working folder, if there is one.
    pub(crate) fn open(named: Option<&Path>) -> Result<(Self, Option<ConfigFile>), ConfigMistakes> {
        let path = named.unwrap_or(Path::new(ConfigFile::DEFAULT));
        let live = Self { path: path.to_owned(), found: Mutex::new(Found::NoFile) };
        let file = if named.is_some() || path.exists() { Some(live.read()?) } else { None };
        Ok((live, file))
    }

    /// Reads it again; `None`, if there never was one.
    pub(crate) fn read_again(&self) -> Result<Option<ConfigFile>, ConfigMistakes> {
        match fs::metadata(&self.path) {
            Err(_) if self.found() == Found::NoFile => Ok(None),
            // Reading from a pipe would wait for somebody who writes.
            Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
                Err(ConfigMistakes::of_file(&self.path, "is no regular file"))
            }
            _ => self.read().map(Some),
        }
    }

    fn read(&self) -> Result<ConfigFile, ConfigMistakes> {
        let text = read(&self.path).map_err(|problem| ConfigMistakes::of_file(&self.path, problem))?;
        let found = if text.trim().is_empty() { Found::Blanks } else { Found::Text };
        if found == Found::Blanks && self.found() == Found::Text {
            return Err(ConfigMistakes::of_file(
                &self.path,
                "is empty now; to go back to the defaults, leave `websocket:` in it",
            ));
        }
        let file = ConfigFile::of_text(&self.path, &text)?;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(file)
    }

    /// Where it is, or may come to be; `None`, if what stands there can be read only once.
    pub(crate) fn place(&self) -> Option<PathBuf> {
        let is_lasting = self.found() == Found::NoFile || self.path.is_file();
        is_lasting.then(|| std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone()))
    }

    fn found(&self) -> Found {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(file: Result<Option<ConfigFile>, ConfigMistakes>) -> Result<Option<u16>, String> {
        file.map(|file| file.map(|file| file.config.port)).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn what_was_found_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        fs::write(&path, "websocket: { port: 1 }").unwrap();
        let (live, file) = LiveFile::open(Some(&path)).unwrap();
        assert_eq!(port(Ok(file)), Ok(Some(1)));
        fs::write(&path, "websocket: { port: 2 }").unwrap();
        assert_eq!(port(live.read_again()), Ok(Some(2)));
        for blank in ["", " \n\n"] {
            fs::write(&path, blank).unwrap();
            let problem = port(live.read_again()).unwrap_err();
            assert!(problem.starts_with(&format!("{}: is empty now", path.display())), "{problem}");
        }
        fs::remove_file(&path).unwrap();
        let problem = port(live.read_again()).unwrap_err();
        assert!(problem.starts_with(&format!("{}: cannot be read", path.display())), "{problem}");
        fs::write(&path, "websocket:\n# port: 2").unwrap();
        assert_eq!(port(live.read_again()), Ok(Some(3001)));
    }

    #[test]
    fn an_empty_file_may_stay_empty_until_something_stands_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        fs::write(&path, "\n").unwrap();
        let (live, file) = LiveFile::open(Some(&path)).unwrap();
        assert_eq!(port(Ok(file)), Ok(Some(3001)));
        assert_eq!(port(live.read_again()), Ok(Some(3001)));
        fs::write(&path, "websocket: { port: 2 }").unwrap();
        assert_eq!(port(live.read_again()), Ok(Some(2)));
        fs::write(&path, "").unwrap();
        assert!(port(live.read_again()).is_err());
    }

    #[test]
    fn a_file_with_mistakes_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        fs::write(&path, "\n").unwrap();
        let (live, _) = LiveFile::open(Some(&path)).unwrap();
        fs::write(&path, "websocket: { prot: 1 }").unwrap();
        assert!(port(live.read_again()).is_err());
        fs::write(&path, "\n").unwrap();
        assert_eq!(port(live.read_again()), Ok(Some(3001)));
    }

    #[test]
    fn a_folder_is_no_file_to_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        fs::write(&path, "websocket: {}").unwrap();
        let (live, _) = LiveFile::open(Some(&path)).unwrap();
        assert_eq!(live.place().as_deref(), Some(path.as_path()));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(port(live.read_again()).unwrap_err().contains("is a folder"));
    }
}
