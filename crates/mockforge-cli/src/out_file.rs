//! `--out`: where a command writes what it has made.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

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

    pub(crate) fn write(&self, content: &str) -> anyhow::Result<()> {
        let written = if self.is_stdout() {
            let mut stdout = io::stdout().lock();
            stdout.write_all(content.as_bytes()).and_then(|()| stdout.flush())
        } else {
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(true).create_new(!self.force);
            match options.open(&self.out) {
                Ok(mut file) => file.write_all(content.as_bytes()),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    bail!("{} is there already; --force overwrites it", self.name())
                }
                Err(error) => Err(error),
            }
        };
        written.with_context(|| format!("cannot write {}", self.name()))
    }

    fn is_stdout(&self) -> bool {
        self.out == Path::new("-")
    }
}
