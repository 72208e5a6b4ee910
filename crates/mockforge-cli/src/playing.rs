//! Flags that say who answers clients and what is played to them, and what the program makes of how they did.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::builder::BoolishValueParser;
use mockforge_ws::{ReportFormat, ScriptsConfig, SessionVerdict, Speed, WsConfig, parse_duration};

/// Those of `serve`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Handlers, scripts and rules")]
pub(crate) struct Playing {
    /// Run the handlers in this folder: each .js file in it, on the paths that it names; `mockforge init` writes some
    #[arg(long, value_name = "DIR", env = "MOCKFORGE_WS_HANDLERS")]
    pub(crate) handlers: Option<PathBuf>,
    /// Answer messages by these rules (YAML or JSONL); beside a script they answer what it does not wait for, and before
    /// --proxy what shall not reach the real server
    #[arg(long, value_name = "FILE", env = "MOCKFORGE_WS_RULES")]
    pub(crate) rules: Option<PathBuf>,
    /// Play scripts so many times as fast: 10, 0.5, or `max`, which leaves out all delays [default: 1]
    #[arg(long, value_name = "FACTOR", env = "MOCKFORGE_WS_SPEED")]
    pub(crate) speed: Option<Speed>,
    #[command(flatten)]
    pub(crate) completion: Completion,
}

impl Playing {
    /// `config`, where no flag says otherwise.
    pub(crate) fn over(self, config: WsConfig) -> WsConfig {
        let scripts = match (self.handlers, config.scripts) {
            // The file may say what they may use.
            (Some(dir), Some(scripts)) => Some(ScriptsConfig { dir, ..scripts }),
            (Some(dir), None) => Some(ScriptsConfig::new(dir)),
            (None, scripts) => scripts,
        };
        WsConfig {
            scripts,
            rules_file: self.rules.or(config.rules_file),
            speed: self.speed.unwrap_or(config.speed),
            ..config
        }
    }
}

/// When the program ends by itself, and what it says then.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Completion {
    /// Test one client, the first that comes: when its session has ended, report on stderr, and exit with 0 if all checks
    /// passed, else with 1
    #[arg(long, value_parser = BoolishValueParser::new(), env = "MOCKFORGE_WS_EXIT_ON_COMPLETE")]
    pub(crate) exit_on_complete: bool,
    /// Write the report to this file, too: text (.txt), JSON (.json) or JUnit (.xml), as its name ends
    #[arg(long, value_name = "FILE", requires = "exit_on_complete", value_parser = report_file,
          env = "MOCKFORGE_WS_REPORT")]
    report: Option<ReportFile>,
    /// With --exit-on-complete: how long all may take, from the start of the program; 0: for ever
    #[arg(long, value_name = "DURATION", default_value = "60s", requires = "exit_on_complete", value_parser = parse_duration,
          env = "MOCKFORGE_WS_COMPLETE_WITHIN")]
    complete_within: Duration,
}

/// A file whose name says what is written to it.
#[derive(Debug, Clone)]
struct ReportFile {
    path: PathBuf,
    format: ReportFormat,
}

fn report_file(path: &str) -> Result<ReportFile, String> {
    let path = PathBuf::from(path);
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let format = ReportFormat::of_extension(extension).ok_or("expected a name that ends in .txt, .json or .xml")?;
    Ok(ReportFile { path, format })
}

impl Completion {
    /// How long to wait for a verdict; `None`: for ever.
    pub(crate) fn limit(&self) -> Option<Duration> {
        Some(self.complete_within).filter(|limit| !limit.is_zero())
    }

    /// Empties the file of the report: an old one shall not be taken for that of this run, and one that cannot be written is
    /// told before anything is played.
    pub(crate) fn begin_report(&self) -> anyhow::Result<()> {
        self.report.as_ref().map_or(Ok(()), |report| write(&report.path, ""))
    }

    /// Tells what became of the session, and makes it the program's answer.
    pub(crate) fn conclude(&self, verdict: &SessionVerdict) -> anyhow::Result<ExitCode> {
        eprint!("{}", verdict.report(ReportFormat::Text));
        if let Some(ReportFile { path, format }) = &self.report {
            write(path, &verdict.report(*format))?;
        }
        Ok(if verdict.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn write(path: &Path, report: &str) -> anyhow::Result<()> {
    fs::write(path, report).with_context(|| format!("cannot write the report to {}", path.display()))
}
