//! What is logged, and where to.
//!
//! A word that is no level would be read as the name of a module that nobody has, and silence the log: it is an error here.

use std::fmt;
use std::io::{self, IsTerminal};
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// A level such as `debug`, or a filter such as `info,ws_server=debug`.
#[derive(Debug, Clone)]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// Logs to stderr from here on: stdout is for the answers of commands.
    pub(crate) fn start(&self) {
        self.start_with(io::stderr);
    }

    /// Logs to what `writer` makes, which writes to stderr in its way.
    pub(crate) fn start_with(&self, writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static) {
        let Ok(filter) = parse(&self.0) else { return };
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(writer)
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            // Whoever has closed the pipe or the terminal wants no log: saying so there, too, would be a panic.
            .log_internal_errors(false)
            .init();
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        for part in text.split(',').map(str::trim) {
            check(part)?;
        }
        match parse(text) {
            Ok(_) if !text.trim().is_empty() => Ok(Self(text.to_owned())),
            _ => Err(format!("expected a level ({}) or a filter such as info,ws_server=debug", LEVELS.join(", "))),
        }
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn parse(filter: &str) -> Result<EnvFilter, impl fmt::Debug> {
    // jsonpath_lib logs each query that selects nothing.
    EnvFilter::builder().parse(format!("{filter},jsonpath_lib=off"))
}

/// Refuses a word, alone or behind `target=`, that should be a level and is none.
fn check(part: &str) -> Result<(), String> {
    // What has brackets is about spans; tracing reads it.
    if part.contains(['[', ']', '{', '}']) {
        return Ok(());
    }
    let level = part.rsplit('=').next().unwrap_or(part).trim();
    if level.is_empty() || level.parse::<LevelFilter>().is_ok() {
        return Ok(());
    }
    let nearest = LEVELS.into_iter().min_by_key(|known| strsim::osa_distance(known, &level.to_lowercase()));
    let nearest = nearest.filter(|known| strsim::osa_distance(known, &level.to_lowercase()) <= 2);
    let hint = nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
    Err(format!("`{level}` is no level, those are {}{hint}", LEVELS.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_pairs_are_filters() {
        for text in
            ["info", "DEBUG", "off", "info,ws_server=debug", "ws_server=trace,ws_replay=off", "ws[span{id=1}]=debug"]
        {
            assert_eq!(text.parse::<LogFilter>().map(|filter| filter.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_level_is_named_with_the_nearest_one() {
        let levels = "is no level, those are off, error, warn, info, debug, trace";
        for (text, expected) in [
            ("debgu", format!("`debgu` {levels}; did you mean `debug`?")),
            ("info,ws_server", format!("`ws_server` {levels}")),
            ("info,ws_server=warning", format!("`warning` {levels}")),
            ("ws_server=Trcae", format!("`Trcae` {levels}; did you mean `trace`?")),
        ] {
            assert_eq!(text.parse::<LogFilter>().unwrap_err(), expected);
        }
        for text in ["", " ", "a=b=info", "[=info"] {
            let error = text.parse::<LogFilter>().unwrap_err();
            assert!(error.contains("such as info,ws_server=debug"), "{text}: {error}");
        }
    }
}
