//! `mockforge check`: says of each file what is wrong with it, or what it holds; or draws one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use mockforge_ws::{CheckReport, MetricsRegistry, PathMode, Problem, ReplayErrors, ServerError, WsConfig, WsServer};

use crate::input::{self, Input, Kind};
use crate::named_files;

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Scripts, rules files or configurations, with the files that they name; `-` is what is typed or piped in
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Draw one file instead, as a Mermaid diagram on stdout: a script, or the machines of a rules file
    #[arg(long)]
    graph: bool,
}

impl Check {
    /// Whether there is more to draw than one drawing.
    pub(crate) fn draws_several(&self) -> bool {
        self.graph && self.files.len() > 1
    }
}

pub(crate) fn check(options: &Check) -> anyhow::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    let mut code = ExitCode::SUCCESS;
    for file in &options.files {
        let input = Input::open(file).context("cannot read stdin")?;
        if options.graph {
            return draw(&input, &mut stdout);
        }
        if !check_input(&input, &mut stdout).context("cannot write the report")? {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// Says whether the file passes, as all of these.
fn check_input(input: &Input<'_>, out: &mut impl Write) -> io::Result<bool> {
    match input.kind() {
        Kind::Config => check_config(input, out),
        Kind::Rules => tell(&input.check_rules(), out),
        Kind::Script => tell(&input.check_script(), out),
        Kind::Har => {
            writeln!(out, "{}", input::told_apart(Kind::Har, &input.name()))?;
            Ok(false)
        }
    }
}

fn tell(report: &CheckReport, out: &mut impl Write) -> io::Result<bool> {
    writeln!(out, "{report}")?;
    Ok(report.passed())
}

/// Checks a configuration, and the scripts and rules that it names.
fn check_config(input: &Input<'_>, out: &mut impl Write) -> io::Result<bool> {
    let config = match input.config() {
        Ok(config) => config,
        Err(mistakes) => {
            writeln!(out, "{mistakes}")?;
            return Ok(false);
        }
    };
    writeln!(out, "{}", config.summary())?;
    let mut passed = true;
    for script in named_files::scripts(&config.config) {
        passed &= check_named(script, Kind::Script, out)?;
    }
    for rules in named_files::rules(&config.config) {
        passed &= check_named(rules, Kind::Rules, out)?;
    }
    if passed && let Some(problem) = hindrance(config.config) {
        writeln!(out, "{}: {problem}", input.name())?;
        passed = false;
    }
    Ok(passed)
}

/// Checks a file of which a configuration says what it is.
fn check_named(path: &Path, kind: Kind, out: &mut impl Write) -> io::Result<bool> {
    let report = match kind {
        Kind::Rules => CheckReport::of_rules_file(path),
        _ => CheckReport::of_file(path),
    };
    match input::misplaced(path, kind).filter(|_| !report.passed()) {
        Some(instead) => writeln!(out, "{instead}").map(|()| false),
        None => tell(&report, out),
    }
}

/// What would keep `serve` from starting, but for recordings, which it would begin, and certificates, which may be elsewhere.
fn hindrance(config: WsConfig) -> Option<ServerError> {
    let mut config = WsConfig { record: None, tls: None, ..config };
    let of_paths = config.paths.iter_mut().filter_map(|path| match &mut path.mode {
        Some(PathMode::Proxy(proxy)) => Some(&mut **proxy),
        _ => None,
    });
    for proxy in config.proxy_config.iter_mut().chain(of_paths) {
        proxy.tls.ca_file = None;
    }
    WsServer::builder().config(config).metrics(MetricsRegistry::new()).build().err()
}

/// Writes the drawing, and nothing else, to `out`.
fn draw(input: &Input<'_>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let drawing = match input.kind() {
        Kind::Script => input.script().map(|script| {
            warn(script.warnings());
            (script.summary().entries > 0).then(|| script.to_mermaid())
        }),
        Kind::Rules => input.rules().map(|rules| {
            warn(rules.warnings());
            rules.to_mermaid()
        }),
        Kind::Har => {
            eprintln!("{}", input::told_apart(Kind::Har, &input.name()));
            return Ok(ExitCode::FAILURE);
        }
        Kind::Config => bail!("{}: a configuration cannot be drawn; the files that it names can", input.name()),
    };
    match drawing {
        Ok(Some(drawing)) => {
            out.write_all(drawing.as_bytes()).and_then(|()| out.flush()).context("cannot write the drawing")?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(None) if input.kind() == Kind::Rules => bail!("{}: nothing to draw: there are no machines", input.name()),
        Ok(None) => bail!("{}: nothing to draw: there are no entries", input.name()),
        Err(errors) => Ok(refuse(errors)),
    }
}

fn warn(doubts: &[Problem]) {
    for doubt in doubts {
        eprintln!("{}", doubt.in_context());
    }
}

fn refuse(errors: ReplayErrors) -> ExitCode {
    eprintln!("{}", CheckReport::from(errors));
    ExitCode::FAILURE
}
