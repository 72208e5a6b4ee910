//! What is logged.
//!
//! A word that is no level would be read as the name of a module that nobody has, and silence the log: it is an error here.

use std::str::FromStr;
use std::{env, fmt};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// A level such as `debug`, or a filter such as `info,ws_server=debug`.
#[derive(Debug, Clone)]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// What `RUST_LOG` says; none, if it is not set.
    ///
    /// # Errors
    /// What it says, if that is no filter. A word alone is one there, as for all programs that read it.
    pub(crate) fn from_rust_log() -> Result<Option<Self>, String> {
        let Some(text) = env::var("RUST_LOG").ok().filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        match parse(&text) {
            Ok(_) => Ok(Some(Self(text))),
            Err(_) => Err(text),
        }
    }

    /// The filter itself.
    pub(crate) fn to_filter(&self) -> EnvFilter {
        parse(&self.0).unwrap_or_default()
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
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

/// Reads a filter, which may ask for what is off unless it is asked for.
fn parse(filter: &str) -> Result<EnvFilter, impl fmt::Debug + use<>> {
    // jsonpath_lib logs each query that selects nothing. The spans of connections would stand before each line.
    // OpenTelemetry logs each batch that does not reach its collector; ws_metrics says it once, and where that should be.
    EnvFilter::builder().parse(format!("jsonpath_lib=off,opentelemetry=off,ws_span=off,{filter}"))
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
