//! The names of a recording's files. Nothing that was written before is opened again.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use super::line;

/// What in a name gives way to the number.
const PLACE: &str = "{n}";
/// More files of one name than a directory is good for; then there is an error instead of an endless search.
const MOST_FILES: u64 = 1_000_000;

/// `base` with a number: in the place of `{n}`, else before its extension.
pub(super) fn numbered(base: &Path, number: &str) -> PathBuf {
    let name = base.file_name().unwrap_or_default().to_string_lossy();
    if name.contains(PLACE) {
        return base.with_file_name(name.replace(PLACE, number));
    }
    match base.extension() {
        Some(extension) => base.with_extension(format!("{number}.{}", extension.to_string_lossy())),
        None => base.with_file_name(format!("{name}.{number}")),
    }
}

/// Opens a file that has nothing in it: a new one, an empty one, or what is no file at all, such as a pipe. `None` if it
/// has something in it.
pub(super) fn open(path: &Path) -> Result<Option<File>> {
    match create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let found = fs::metadata(path)?;
            if found.is_file() && found.len() > 0 {
                return open_begun(path, found.len());
            }
            OpenOptions::new().append(true).open(path).map(Some)
        }
        created => created.map(Some),
    }
}

/// Opens a recording that holds nothing but its first line, to begin it once more. `None` if the file is something else.
fn open_begun(path: &Path, bytes: u64) -> Result<Option<File>> {
    if bytes != line::HEADER.len() as u64 || fs::read(path)? != line::HEADER.as_bytes() {
        return Ok(None);
    }
    let file = OpenOptions::new().append(true).open(path)?;
    file.set_len(0)?;
    Ok(Some(file))
}

/// Creates the first file from `number` on that is not there, and tells its number.
pub(super) fn create_numbered(number: u64, name: impl Fn(u64) -> PathBuf) -> Result<(File, PathBuf, u64)> {
    for number in number..number.saturating_add(MOST_FILES) {
        let path = name(number);
        match create(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => return created.map(|file| (file, path, number)),
        }
    }
    Err(Error::new(ErrorKind::AlreadyExists, "all numbers are taken"))
}

/// Whatever is cut off, what is written next goes to the end: the file is open for appending.
fn create(path: &Path) -> Result<File> {
    OpenOptions::new().append(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_where_they_should() {
        for (base, expected) in [
            ("a/session.jsonl", "a/session.7.jsonl"),
            ("session", "session.7"),
            ("a.b/c", "a.b/c.7"),
            ("a{n}/s-{n}.jsonl", "a{n}/s-7.jsonl"),
            (".hidden", ".hidden.7"),
        ] {
            assert_eq!(numbered(Path::new(base), "7"), Path::new(expected), "{base}");
        }
    }

    #[test]
    fn nothing_is_opened_twice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        assert!(open(&path).unwrap().is_some());
        assert!(open(&path).unwrap().is_some(), "it is empty");
        fs::write(&path, "x").unwrap();
        assert!(open(&path).unwrap().is_none());
        fs::write(numbered(&path, "2"), "").unwrap();
        let (_, made, number) = create_numbered(2, |n| numbered(&path, &n.to_string())).unwrap();
        assert_eq!((made, number), (dir.path().join("a.3.jsonl"), 3));
    }
}
