//! `--out`: where a command writes what it has made.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};

#[derive(Debug, clap::Args)]
pub(crate) struct OutFile {
    /// The file to write; `-` is stdout
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Overwrite the file if there is one
    #[arg(long)]
    force: bool,
}

impl OutFile {
    /// How it is called in what is said about it.
    pub(crate) fn name(&self) -> String {
        if self.is_stdout() { "stdout".to_owned() } else { self.out.display().to_string() }
    }

    /// Whether the file can be made, for who has much to do before there is something to write.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if !self.is_stdout() && !self.force && self.out.exists() {
            return Err(self.is_there());
        }
        match self.out.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
            Some(folder) if !self.is_stdout() => {
                bail!("cannot write {}: there is no folder {}", self.name(), folder.display())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn write(&self, content: &str) -> anyhow::Result<()> {
        let written = if self.is_stdout() {
            let mut stdout = io::stdout().lock();
            stdout.write_all(content.as_bytes()).and_then(|()| stdout.flush())
        } else {
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(true).create_new(!self.force);
            match options.open(&self.out) {
                Ok(mut file) => file.write_all(content.as_bytes()),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(self.is_there()),
                Err(error) => Err(error),
            }
        };
        written.with_context(|| format!("cannot write {}", self.name()))
    }

    /// Writes to it piece by piece, for who may fail in the middle.
    pub(crate) fn in_pieces(&self) -> Unfinished<'_> {
        Unfinished { out: self, opened: None }
    }

    fn is_there(&self) -> anyhow::Error {
        anyhow!("{} is there already; --force overwrites it", self.name())
    }

    fn is_stdout(&self) -> bool {
        self.out == Path::new("-")
    }
}

/// What shall become an [`OutFile`]. Until it is finished it stands beside it, with `.part` behind the name; with the first
/// piece, not before.
pub(crate) struct Unfinished<'o> {
    out: &'o OutFile,
    opened: Option<Box<dyn Write>>,
}

impl Unfinished<'_> {
    /// How it is called in what is said about it.
    pub(crate) fn name(&self) -> String {
        if self.out.is_stdout() { self.out.name() } else { self.path().display().to_string() }
    }

    /// Makes it what it shall become.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.opened = None;
        if self.out.is_stdout() {
            return Ok(());
        }
        // Somebody may have made one in the meantime.
        self.out.check()?;
        fs::rename(self.path(), &self.out.out).with_context(|| format!("cannot write {}", self.out.name()))
    }

    fn path(&self) -> PathBuf {
        let mut path = self.out.out.clone().into_os_string();
        path.push(".part");
        path.into()
    }

    fn open(&self) -> io::Result<Box<dyn Write>> {
        if self.out.is_stdout() {
            return Ok(Box::new(io::stdout().lock()));
        }
        Ok(Box::new(File::create(self.path())?))
    }
}

impl Write for Unfinished<'_> {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => self.open()?,
        };
        self.opened.insert(opened).write(content)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.opened.as_mut().map_or(Ok(()), Write::flush)
    }
}
