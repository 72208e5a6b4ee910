//! `mockforge check`: says of each file what is wrong with it, or what it holds.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use mockforge_ws::{CheckReport, MetricsRegistry, PathMode, ServerError, WsConfig, WsServer};

use crate::args::Check;
use crate::config_file::ConfigFile;

pub(crate) fn check(options: &Check) -> anyhow::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    let mut code = ExitCode::SUCCESS;
    for file in &options.files {
        let check = if is_config(file) { check_config } else { check_script };
        if !check(file, &mut stdout).context("cannot write the report")? {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

fn is_config(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Says whether the file passes, as all of these.
fn check_script(file: &Path, out: &mut impl Write) -> io::Result<bool> {
    let report = match file {
        file if file == Path::new("-") => CheckReport::of_reader(io::stdin().lock(), "stdin"),
        file => CheckReport::of_file(file),
    };
    writeln!(out, "{report}")?;
    Ok(report.passed())
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

/// Checks a configuration, and the scripts that it names.
fn check_config(file: &Path, out: &mut impl Write) -> io::Result<bool> {
    let config = match ConfigFile::load(file) {
        Ok(config) => config,
        Err(mistakes) => {
            writeln!(out, "{mistakes}")?;
            return Ok(false);
        }
    };
    writeln!(out, "{}", config.summary())?;
    let mut passed = true;
    for script in config.scripts() {
        passed &= check_script(script, out)?;
    }
    if passed && let Some(problem) = hindrance(config.config) {
        writeln!(out, "{}: {problem}", file.display())?;
        passed = false;
    }
    Ok(passed)
}
