//! `mockforge load`: puts a server under load. All that measures is in `ws-load`; here are its flags, its files, and its exit
//! code.

mod options;
mod progress;
mod recording;

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use ws_load::{Failure, LoadError, Report, Stop, Verdict};

pub(crate) use self::options::Load;
use self::progress::Line;
use crate::file_limit;
use crate::reach::{self, NOTHING_LISTENS};
use crate::signals::Interruptions;

/// What is said of flags that do not go together.
const USAGE: u8 = 2;
/// What shells make of a program that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;

pub(crate) fn load(options: Load) -> anyhow::Result<ExitCode> {
    let plan = options.plan()?;
    if let Err(problem) = plan.check() {
        eprintln!("error: {problem}");
        return Ok(ExitCode::from(USAGE));
    }
    if options.html.as_deref().is_some_and(is_stdout) {
        eprintln!("error: --html needs the name of a file: only --json can be `-`");
        return Ok(ExitCode::from(USAGE));
    }
    for file in [&options.json, &options.html].into_iter().flatten().filter(|file| !is_stdout(file)) {
        // Before the load, which may take long.
        check_writable(file).with_context(|| cannot_write(file))?;
    }
    if let Some(problem) = file_limit::raise(options.most_connections()) {
        eprintln!("warning: {problem}");
    }
    let stop = Stop::default();
    stop_on_signals(stop.clone())?;
    let line = Line::new();
    let ran = ws_load::run(plan, &stop, |progress| line.show(progress));
    line.finish();
    let report = ran.map_err(|error| explained(error, &options))?;
    if report.sessions() == 0 {
        bail!("cannot connect to {}: no connection was open before the end", options.servers());
    }
    let verdicts: Vec<_> = options.fail_if.iter().map(|threshold| threshold.judge(&report)).collect();
    write_files(&options, &report, &verdicts)?;
    if !options.json.as_deref().is_some_and(is_stdout) {
        print(&report, &verdicts)?;
    }
    let failed = verdicts.iter().any(|verdict| verdict.failed);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What there is stays: a load that comes to nothing leaves the report of the one before, and no empty one.
fn check_writable(file: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).open(file) {
        Ok(_) => fs::remove_file(file),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            OpenOptions::new().append(true).create(true).open(file).map(drop)
        }
        Err(error) => Err(error),
    }
}

fn cannot_write(file: &Path) -> String {
    format!("cannot write {}", file.display())
}

/// Who could not be reached, and why.
fn explained(error: LoadError, options: &Load) -> anyhow::Error {
    let LoadError::NoConnection { failure, example } = error else { return error.into() };
    let servers = options.servers();
    let reason = if example.is_empty() { String::new() } else { format!(": {example}") };
    match failure {
        Failure::Refused => anyhow!("cannot connect to {servers}: {NOTHING_LISTENS}"),
        Failure::Tls => anyhow!("cannot connect to {servers}: {}", reach::tls(&example)),
        Failure::Status(status) => anyhow!("{servers} refused the handshake with HTTP {status}{reason}"),
        Failure::Connect => anyhow!("cannot connect to {servers}{reason}"),
        failure => anyhow!("cannot connect to {servers}: {failure}{reason}"),
    }
}

fn write_files(options: &Load, report: &Report, verdicts: &[Verdict]) -> anyhow::Result<()> {
    if let Some(file) = &options.json {
        let json = format!("{:#}\n", report.to_json(verdicts));
        if is_stdout(file) {
            io::stdout().write_all(json.as_bytes())?;
        } else {
            fs::write(file, json).with_context(|| cannot_write(file))?;
        }
    }
    if let Some(file) = &options.html {
        fs::write(file, report.to_html(verdicts)).with_context(|| cannot_write(file))?;
    }
    Ok(())
}

fn print(report: &Report, verdicts: &[Verdict]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{report}")?;
    if !verdicts.is_empty() {
        writeln!(stdout, "\nthresholds")?;
    }
    for Verdict { threshold, failed, measured } in verdicts {
        let mark = if *failed { "FAILED" } else { "ok" };
        writeln!(stdout, "  {mark:<12} fail if {threshold}: {measured}")?;
    }
    stdout.flush()
}

fn is_stdout(file: &Path) -> bool {
    file == Path::new("-")
}

/// The first signal ends the load, and it is reported; the second ends the program.
fn stop_on_signals(stop: Stop) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let mut interruptions = {
        let _entered = runtime.enter();
        Interruptions::new()?
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            interruptions.next().await;
            stop.stop();
            interruptions.next().await;
            std::process::exit(INTERRUPTED);
        });
    });
    Ok(())
}
