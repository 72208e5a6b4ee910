//! `mockforge init`: handlers in JavaScript to start from, and a configuration that serves them.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use mockforge_ws::{SCRIPT_SAMPLES, SCRIPT_TYPES};

use crate::config_file::ConfigFile;

const CONFIGURATION: &str = include_str!("init/mockforge.yaml");
const JSCONFIG: &str = include_str!("init/jsconfig.json");

#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// The folder to write to; it is made if there is none
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn init(options: &Init) -> anyhow::Result<ExitCode> {
    let dir = &options.dir;
    let (configuration, handlers) = (in_folder(dir, "mockforge.yaml"), in_folder(dir, "handlers"));
    fs::create_dir_all(&handlers).with_context(|| format!("cannot make the folder {}", handlers.display()))?;
    let others = [("mockforge.d.ts", SCRIPT_TYPES), ("jsconfig.json", JSCONFIG)];
    let mut stdout = io::stdout().lock();
    for (name, content) in SCRIPT_SAMPLES.iter().chain(&others) {
        write(&handlers.join(name), content, &mut stdout)?;
    }
    write(&configuration, CONFIGURATION, &mut stdout)?;
    say(&format!("\n{}", what_next(dir, &configuration, &handlers)), &mut stdout)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a file, if there is none.
fn write(path: &Path, content: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let shown = path.display();
    let written = OpenOptions::new().write(true).create_new(true).open(path);
    let told = match written.and_then(|mut file| file.write_all(content.as_bytes())) {
        Ok(()) => format!("wrote {shown}"),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && !path.is_dir() => {
            format!("kept {shown}, which was there already")
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("cannot write {shown}: there is a folder of this name")
        }
        Err(error) => return Err(error).context(format!("cannot write {shown}")),
    };
    say(&told, out)
}

/// The commands to type next.
fn what_next(dir: &Path, configuration: &Path, handlers: &Path) -> String {
    // One that was there already may say something else.
    let config = ConfigFile::load(configuration).map(|file| file.config).unwrap_or_default();
    let mut serve = "mockforge serve".to_owned();
    if dir != Path::new(".") {
        serve = format!("{serve} --config {}", as_word(configuration));
    }
    if config.scripts.is_none_or(|scripts| scripts.dir != handlers) {
        serve = format!("{serve} --handlers {}", as_word(handlers));
    }
    let port = config.port;
    format!("Serve them:          {serve} --watch\nIn another terminal: mockforge connect ws://127.0.0.1:{port}/ws")
}

/// A path as a shell takes it for one word.
fn as_word(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c));
    if is_plain { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// A path as somebody in the working folder would write it.
fn in_folder(dir: &Path, name: &str) -> PathBuf {
    if dir == Path::new(".") { PathBuf::from(name) } else { dir.join(name) }
}

fn say(text: &str, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "{text}").context("cannot write to stdout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_shells_where_need_be() {
        for (path, word) in [("a/b-1.yaml", "a/b-1.yaml"), ("my mock", "'my mock'"), ("it's", r"'it'\''s'")] {
            assert_eq!(as_word(Path::new(path)), word);
        }
    }
}
