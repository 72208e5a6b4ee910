//! `mockforge export`: makes of a replay file what another tool reads.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use mockforge_ws::{HarLayout, ReplayScript};

use crate::out_file::OutFile;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Export {
    /// A HAR file, for the Network panel of Chrome's developer tools and whatever else reads such files.
    Har(ExportHar),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExportHar {
    /// The replay file; `-` is what is piped in
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whose files it shall be like
    #[arg(long, value_enum, default_value_t = Layout::Chrome)]
    layout: Layout,
    #[command(flatten)]
    out: OutFile,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Layout {
    /// Chrome's developer tools
    Chrome,
    /// Playwright's `recordHar`
    Playwright,
}

pub(crate) fn export(options: &Export) -> anyhow::Result<ExitCode> {
    let Export::Har(options) = options;
    let script = match &options.file {
        file if file == Path::new("-") => ReplayScript::read(io::stdin().lock(), "stdin")?,
        file => ReplayScript::load(file)?,
    };
    let layout = match options.layout {
        Layout::Chrome => HarLayout::Chrome,
        Layout::Playwright => HarLayout::Playwright,
    };
    let export = script.to_har(layout);
    options.out.write(&format!("{:#}\n", export.har))?;
    for warning in &export.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(ExitCode::SUCCESS)
}
