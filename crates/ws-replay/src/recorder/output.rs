//! One file: what waits to be written, how large it is, and how it ends when it cannot go on.

use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write};
use std::path::PathBuf;

use super::line::{self, MARK_BYTES};
use super::stats::Counters;

/// What a file can do.
pub(super) trait Sink: Write {
    /// Cuts it off; what is written next follows there.
    fn cut_off(&mut self, bytes: u64) -> Result<()>;
}

impl Sink for File {
    fn cut_off(&mut self, bytes: u64) -> Result<()> {
        self.set_len(bytes)
    }
}

/// There is no room in the file for a line.
#[derive(Debug)]
pub(super) struct Full;

/// A file that is written. When it fails it is cut off behind the last whole line, is marked if that is possible, and
/// takes nothing more.
pub(super) struct Output<F: Sink = File> {
    sink: F,
    name: PathBuf,
    most_bytes: u64,
    /// The size of the file: whole lines.
    size: u64,
    /// Whole lines that are not written yet.
    pending: Vec<u8>,
    /// Where in `pending` the lines of frames end.
    frame_ends: Vec<usize>,
    is_closed: bool,
}

impl Output {
    /// The least size that has room for something.
    pub(super) const LEAST_BYTES: u64 = 4096;
}

/// So much is written at once, if there is so much.
const BATCH_BYTES: usize = 256 * 1024;

impl<F: Sink> Output<F> {
    /// Begins a file in which nothing stands, with the first line of every recording.
    pub(super) fn begin(sink: F, name: PathBuf, most_bytes: Option<u64>, counters: &Counters) -> Result<Self> {
        let pending = line::HEADER.as_bytes().to_vec();
        let most_bytes = most_bytes.unwrap_or(u64::MAX);
        let mut output = Self { sink, name, most_bytes, size: 0, pending, frame_ends: Vec::new(), is_closed: false };
        output.write(counters)?;
        counters.file();
        Ok(output)
    }

    /// Takes a line; `mark` stands before it in this file, and neither comes without the other.
    pub(super) fn push(
        &mut self,
        mark: Option<&str>,
        line: &str,
        is_frame: bool,
        counters: &Counters,
    ) -> std::result::Result<(), Full> {
        if self.is_closed {
            counters.lost_frames(is_frame.into());
            return Ok(());
        }
        let bytes = (mark.map_or(0, str::len) + line.len() + MARK_BYTES + self.pending.len()) as u64;
        if self.size.saturating_add(bytes) > self.most_bytes {
            return Err(Full);
        }
        self.pending.extend_from_slice(mark.unwrap_or_default().as_bytes());
        self.pending.extend_from_slice(line.as_bytes());
        if is_frame {
            self.frame_ends.push(self.pending.len());
        }
        if self.pending.len() >= BATCH_BYTES {
            self.flush(counters);
        }
        Ok(())
    }

    /// Ends the file with a mark, for which there is always room.
    pub(super) fn truncate(&mut self, reason: &str, counters: &Counters) {
        if !self.is_closed {
            self.pending.extend_from_slice(line::truncated(None, reason).as_bytes());
            self.flush(counters);
            self.is_closed = true;
            counters.truncated(reason);
        }
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self, counters: &Counters) {
        if let Err(error) = self.write(counters) {
            self.is_closed = true;
            counters.failed(&format!("cannot write `{}`: {error}", self.name.display()));
        }
    }

    fn write(&mut self, counters: &Counters) -> Result<()> {
        let mut taken = 0;
        let written = self.write_pending(&mut taken);
        // What is left of the last line when it fails in the middle.
        let whole = match &written {
            Ok(()) => self.pending.len(),
            Err(_) => self.pending[..taken].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1),
        };
        self.size += whole as u64;
        let frames = self.frame_ends.partition_point(|end| *end <= whole);
        counters.written(frames, whole);
        counters.lost_frames(self.frame_ends.len() - frames);
        self.pending.clear();
        self.frame_ends.clear();
        if let Err(error) = &written {
            // There may be room for a mark: file systems give it in blocks. It must not follow half a line.
            let is_whole = self.sink.cut_off(self.size).is_ok() || taken == whole;
            let mark = line::truncated(None, &format!("cannot write: {}", error.kind()));
            if is_whole && self.sink.write_all(mark.as_bytes()).is_ok() {
                counters.truncated("the disk failed");
            } else {
                // If it cannot be cut off, the reader knows that the last line of a recording may be broken.
                let _ = self.sink.cut_off(self.size);
            }
        }
        written
    }

    /// As `write_all`, and tells how far it came.
    fn write_pending(&mut self, taken: &mut usize) -> Result<()> {
        while *taken < self.pending.len() {
            match self.sink.write(&self.pending[*taken..]) {
                Ok(0) => return Err(Error::from(ErrorKind::WriteZero)),
                Ok(bytes) => *taken += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReplayScript;

    /// A disk of so many bytes.
    struct Disk {
        content: Vec<u8>,
        capacity: usize,
    }

    impl Write for &mut Disk {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            let room = self.capacity - self.content.len();
            if room == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(room);
            self.content.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    impl Sink for &mut Disk {
        fn cut_off(&mut self, bytes: u64) -> Result<()> {
            self.content.truncate(bytes.try_into().unwrap());
            Ok(())
        }
    }

    const LINE: &str =
        "{\"ts\":0,\"text\":\"a message that is longer than the mark that says what is missing here\"}\n";

    /// Wherever the disk ends: what is there are whole lines and, if there is room for it, the mark; the figures are
    /// right, and it plays.
    #[test]
    fn a_full_disk_leaves_whole_lines() {
        let mark = "{\"truncated\":\"cannot write: no storage space\"}\n";
        for capacity in line::HEADER.len()..800 {
            let mut disk = Disk { content: Vec::new(), capacity };
            let counters = Counters::default();
            let mut output = Output::begin(&mut disk, "f".into(), None, &counters).unwrap();
            for batch in 0..4 {
                for _ in 0..5 {
                    output.push(None, LINE, true, &counters).unwrap();
                }
                // The time of a frame that stands alone.
                if batch != 1 {
                    output.flush(&counters);
                }
            }
            let stats = counters.stats();
            let content = String::from_utf8(disk.content).unwrap();
            assert!(content.ends_with('\n'), "{capacity}: {content}");
            assert_eq!(content.matches(LINE).count() as u64, stats.frames, "{capacity}");
            assert_eq!((stats.frames + stats.lost_frames, stats.errors), (20, 1), "{capacity}");
            let room = capacity - line::HEADER.len() - content.matches(LINE).count() * LINE.len();
            assert_eq!(content.ends_with(mark), room >= mark.len(), "{capacity}: {content}");
            assert_eq!(u64::from(content.ends_with(mark)), stats.truncated, "{capacity}");
            let script = ReplayScript::parse(&content, "f").unwrap();
            assert_eq!(script.summary().entries as u64, stats.frames);
        }
    }

    #[test]
    fn a_disk_without_any_room_is_an_error_at_the_start() {
        let counters = Counters::default();
        let mut disk = Disk { content: Vec::new(), capacity: 3 };
        assert!(Output::begin(&mut disk, "f".into(), None, &counters).is_err());
        #[cfg(target_os = "linux")]
        {
            let full = std::fs::OpenOptions::new().append(true).open("/dev/full").unwrap();
            let error = Output::begin(full, "/dev/full".into(), None, &counters).map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::StorageFull);
        }
    }

    /// The bound holds with the mark, and everything up to it is there.
    #[test]
    fn a_full_file_ends_with_a_mark_within_its_bound() {
        for most_bytes in 4096..4300 {
            let mut disk = Disk { content: Vec::new(), capacity: usize::MAX };
            let counters = Counters::default();
            let mut output = Output::begin(&mut disk, "f".into(), Some(most_bytes), &counters).unwrap();
            while output.push(None, LINE, true, &counters).is_ok() {}
            output.truncate("`max_bytes` is reached", &counters);
            output.push(None, LINE, true, &counters).unwrap();
            let stats = counters.stats();
            assert_eq!((stats.truncated, stats.lost_frames, stats.errors), (1, 1, 0));
            assert!(disk.content.len() as u64 <= most_bytes);
            assert!(disk.content.ends_with(b"{\"truncated\":\"`max_bytes` is reached\"}\n"));
        }
    }
}
