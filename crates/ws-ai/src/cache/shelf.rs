//! The folder of the cache: its files come and go whole, are for their owner alone, and take a bounded place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// How the names of our files end; before it are 64 hexadecimal digits.
pub(super) const ENDING: &str = ".json";
/// How the names of files end that are not whole yet.
const UNFINISHED: &str = ".json-part";

/// The place that all files may take together; when it is taken, the oldest go.
const MOST_BYTES: u64 = 256 << 20;
/// What a small file takes of it, so that the number of files is bounded, too.
const LEAST_BYTES_OF_A_FILE: u64 = 4 << 10;
/// A file that is larger is none of ours: it has at most 1 MiB of text, which JSON can make six times as long.
const MOST_BYTES_OF_A_FILE: u64 = 8 << 20;

pub(super) struct Shelf {
    folder: PathBuf,
    most_bytes: u64,
    least_bytes_of_a_file: u64,
    /// About what the files take: other programs may use the folder too, so it is counted anew before files go.
    taken: Mutex<u64>,
    /// Makes the names of unfinished files differ.
    next: AtomicU64,
}

impl Shelf {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Self::open_with(folder, MOST_BYTES, LEAST_BYTES_OF_A_FILE)
    }

    fn open_with(folder: &Path, most_bytes: u64, least_bytes_of_a_file: u64) -> io::Result<Self> {
        make_private(folder)?;
        let (folder, taken, next) = (folder.to_owned(), Mutex::default(), AtomicU64::default());
        let shelf = Self { folder, most_bytes, least_bytes_of_a_file, taken, next };
        shelf.make_room(0)?;
        Ok(shelf)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What a file holds, if it is there.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        // One byte more, to see that there is more.
        file.take(MOST_BYTES_OF_A_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST_BYTES_OF_A_FILE {
            return Err(io::Error::other("it is too large"));
        }
        Ok(Some(bytes))
    }

    /// Writes a file. Readers see what was there before, or all of it.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let length = (bytes.len() as u64).max(self.least_bytes_of_a_file);
        let is_full = {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            *taken += length;
            *taken > self.most_bytes
        };
        if is_full {
            self.make_room(length)?;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished =
            self.path(&format!(".{}-{}-{number}{UNFINISHED}", name.trim_end_matches(ENDING), process::id()));
        let written = write_private(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, self.path(name)));
        if written.is_err() {
            // There is nothing to be done if this fails too: it goes when room is made.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Counts what is taken; if `more` does not fit, the oldest files go, until a tenth is free.
    fn make_room(&self, more: u64) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_ours = name.to_str().is_some_and(is_ours);
            // One that another program has just removed is not there.
            if let (true, Ok(facts)) = (is_ours, entry.metadata()) {
                let length = facts.len().max(self.least_bytes_of_a_file);
                files.push((facts.modified().unwrap_or(SystemTime::UNIX_EPOCH), length, entry.path()));
            }
        }
        let mut taken = files.iter().map(|(_, length, _)| length).sum::<u64>() + more;
        if taken > self.most_bytes {
            files.sort();
            let wanted = self.most_bytes - self.most_bytes / 10;
            for (_, length, path) in files {
                if taken <= wanted {
                    break;
                }
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    // Another program makes room, too.
                    _ => taken -= length,
                }
            }
        }
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = taken;
        Ok(())
    }
}

fn is_ours(name: &str) -> bool {
    let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match name.strip_suffix(ENDING) {
        Some(hash) => is_hash(hash),
        None => name
            .strip_suffix(UNFINISHED)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.split_once('-'))
            .is_some_and(|(hash, _)| is_hash(hash)),
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    // Else a file can be there and empty after the power fails.
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn name(number: u64) -> String {
        format!("{number:064x}{ENDING}")
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_oldest_go_when_the_place_is_taken_and_files_of_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let stranger = folder.path().join("notes.json");
        fs::write(&stranger, [b'x'; 5_000]).unwrap();
        let shelf = Shelf::open_with(folder.path(), 1_000, 200).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(1_000);
        let write = |number, length| {
            shelf.write(&name(number), &vec![b'x'; length]).unwrap();
            let file = File::options().write(true).open(shelf.path(&name(number))).unwrap();
            file.set_modified(long_ago + Duration::from_secs(number)).unwrap();
        };
        for number in 1..=4 {
            write(number, 250);
        }
        assert_eq!(names(folder.path()).len(), 5, "they fit just so");
        write(5, 250);
        assert_eq!(names(folder.path()), [name(3), name(4), name(5), "notes.json".to_owned()]);
        // Small ones take their place, too.
        write(6, 0);
        write(7, 0);
        assert_eq!(names(folder.path()), [name(4), name(5), name(6), name(7), "notes.json".to_owned()]);
        // The next program finds what is there, and keeps within less if it must.
        Shelf::open_with(folder.path(), 300, 200).unwrap();
        assert_eq!(names(folder.path()), [name(7), "notes.json".to_owned()]);
    }

    #[test]
    fn what_was_never_finished_goes_too_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let left_over = folder.path().join(format!(".{}-77-0{UNFINISHED}", "a".repeat(64)));
        fs::write(&left_over, [b'x'; 500]).unwrap();
        fs::write(folder.path().join(".hidden-part"), [b'x'; 500]).unwrap();
        Shelf::open_with(folder.path(), 400, 200).unwrap();
        assert_eq!(names(folder.path()), [".hidden-part"]);
    }

    #[test]
    fn many_writers_of_one_name_leave_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path()).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let shelf = &shelf;
                scope.spawn(move || shelf.write(&name(1), &vec![b'a' + writer; 10_000]).unwrap());
            }
        });
        assert_eq!(names(folder.path()), [name(1)]);
        let bytes = shelf.read(&name(1)).unwrap().unwrap();
        assert_eq!(bytes.len(), 10_000);
        assert!(bytes.iter().all(|byte| *byte == bytes[0]));
    }
}
