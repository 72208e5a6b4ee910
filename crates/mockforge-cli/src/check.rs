//! `mockforge check`: says of each file what is wrong with it, or what it holds; or draws one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use mockforge_ws::{
    CheckReport, MetricsRegistry, PathMode, Problem, ReplayErrors, ServerError, WebSocketAiConfig, WsConfig, WsServer,
};

use crate::handlers::{self, HandlerMistakes};
use crate::input::{self, Input, Kind};
use crate::named_files;

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Scripts, rules files, configurations, with the files that they name, handlers (.js) or folders of them; `-` is what is
    /// typed or piped in
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
    let mut checked = Vec::new();
    for file in &options.files {
        let input = Input::open(file).context("cannot read stdin")?;
        if options.graph {
            return draw(&input, &mut stdout);
        }
        let report = input.check();
        checked.push((input, report));
    }
    CheckReport::judge_together(checked.iter_mut().filter_map(|(_, report)| report.as_mut()));
    let mut code = ExitCode::SUCCESS;
    for (input, report) in &checked {
        if !tell_of_input(input, report.as_ref(), &mut stdout).context("cannot write the report")? {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// Says whether the file passes, as all of these. `report` is what was found in a script or rules.
fn tell_of_input(input: &Input, report: Option<&CheckReport>, out: &mut impl Write) -> io::Result<bool> {
    match report {
        Some(report) => tell(report, out),
        None if input.kind() == Kind::Config => check_config(input, out),
        None if input.kind() == Kind::ForEditors => {
            writeln!(out, "{}: is for editors: nothing to check", input.name()).map(|()| true)
        }
        None => match input.handlers() {
            Some(found) => tell_of_handlers(&found, out),
            None => writeln!(out, "{}", input::told_apart(input.kind(), &input.name())).map(|()| false),
        },
    }
}

fn tell(report: &CheckReport, out: &mut impl Write) -> io::Result<bool> {
    writeln!(out, "{report}")?;
    Ok(report.passed())
}

fn tell_of_handlers(found: &Result<String, HandlerMistakes>, out: &mut impl Write) -> io::Result<bool> {
    match found {
        Ok(summary) => writeln!(out, "{summary}")?,
        Err(mistakes) => writeln!(out, "{mistakes}")?,
    }
    Ok(found.is_ok())
}

/// Checks a configuration, and the handlers, scripts and rules that it names.
fn check_config(input: &Input, out: &mut impl Write) -> io::Result<bool> {
    let config = match input.config() {
        Ok(config) => config,
        Err(mistakes) => {
            writeln!(out, "{mistakes}")?;
            return Ok(false);
        }
    };
    writeln!(out, "{}", config.summary())?;
    let mut passed = true;
    if let Err(mistakes) = config.check_handlers_folder() {
        writeln!(out, "{mistakes}")?;
        passed = false;
    } else if let Some(scripts) = &config.config.scripts {
        passed &= tell_of_handlers(&handlers::check_configured(scripts), out)?;
    }
    let scripts = named_files::scripts(&config.config).map(|file| (file, Kind::Script, CheckReport::of_file(file)));
    let rules = named_files::rules(&config.config).map(|file| (file, Kind::Rules, CheckReport::of_rules_file(file)));
    let mut named: Vec<_> = scripts.chain(rules).collect();
    CheckReport::judge_together(named.iter_mut().map(|(.., report)| report));
    for (file, kind, report) in &named {
        passed &= tell_of_named(file, *kind, report, out)?;
    }
    if passed && let Some(problem) = hindrance(config.config) {
        writeln!(out, "{}: {problem}", input.name())?;
        passed = false;
    }
    Ok(passed)
}

/// Tells of a file of which a configuration says what it is.
fn tell_of_named(path: &Path, kind: Kind, report: &CheckReport, out: &mut impl Write) -> io::Result<bool> {
    match input::misplaced(path, kind).filter(|_| !report.passed()) {
        Some(instead) => writeln!(out, "{instead}").map(|()| false),
        None => tell(report, out),
    }
}

/// What would keep `serve` from starting, but for recordings, which it would begin, and certificates and keys, which may be
/// elsewhere.
fn hindrance(config: WsConfig) -> Option<ServerError> {
    let mut config = WsConfig { record: None, tls: None, ..config };
    let of_paths = config.paths.iter_mut().filter_map(|path| match &mut path.mode {
        Some(PathMode::Proxy(proxy)) => Some(&mut **proxy),
        _ => None,
    });
    for proxy in config.proxy_config.iter_mut().chain(of_paths) {
        proxy.tls.ca_file = None;
    }
    for events in named_files::events_mut(&mut config) {
        ask_for_no_key(events);
        // It would be made.
        events.cache_dir = None;
    }
    WsServer::builder().config(config).metrics(MetricsRegistry::new()).build().err()
}

/// The same provider, as one that needs no key.
fn ask_for_no_key(events: &mut WebSocketAiConfig) {
    let Some(replay) = &mut events.replay else { return };
    let is_chosen_by_model = replay.provider.is_empty() && replay.base_url.is_none() && !replay.model.is_empty();
    if is_chosen_by_model || replay.provider.eq_ignore_ascii_case("openai") {
        replay.provider = "openai-compatible".to_owned();
        replay.base_url.get_or_insert_with(|| "https://api.openai.com/v1".to_owned());
    }
}

/// Writes the drawing, and nothing else, to `out`.
fn draw(input: &Input, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let drawing = match input.kind() {
        Kind::Script => input.script().map(|script| {
            warn(script.warnings());
            let summary = script.summary();
            if summary.rules.is_some_and(|rules| rules.machines > 0) {
                eprintln!("{}: its machines are not drawn; in a rules file, for --rules, they can be", input.name());
            }
            (summary.entries > 0).then(|| script.to_mermaid())
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
        Kind::Handlers => bail!("{}: handlers cannot be drawn", input.name()),
        Kind::ForeignScript | Kind::ForEditors => bail!("{}: cannot be drawn", input.name()),
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
