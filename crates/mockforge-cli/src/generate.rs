//! `mockforge generate`: events that nobody wrote, written once, as a file that `serve --ws-replay-file` plays.

mod progress;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use indicatif::HumanCount;
use mockforge_ws::{
    AiError, AiEventGenerator, CheckReport, ReplayAugmentationConfig, ReplayErrors, ReplayScript, Usage,
    WebSocketAiConfig, parse_rate,
};

use self::progress::Progress;
use crate::args;
use crate::events::{self, Writing};
use crate::logging::Logging;
use crate::out_file::OutFile;

#[derive(Debug, clap::Args)]
pub(crate) struct Generate {
    /// What happens, in words, e.g. "a busy stock market"
    #[arg(long, value_name = "TEXT", value_parser = events::narrative)]
    narrative: String,
    /// How many events are written [default: 20]; with --augment, after each point [default: 3]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = at_least_one)]
    events: Option<usize>,
    /// How many events are sent in a second when the file is played [default: 1]
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = parse_rate)]
    rate: Option<f64>,
    /// Make all that is random repeat
    #[arg(long, value_name = "N", value_parser = args::seed)]
    seed: Option<u64>,
    #[command(flatten)]
    out: OutFile,
    #[command(flatten)]
    logging: Logging,
    /// Take this script as it is, and put events into it
    #[arg(long, value_name = "FILE", requires = "at", help_heading = "Enriching a script")]
    augment: Option<PathBuf>,
    /// Where they come: after entries with this `step_id`, or with this `type` in their JSON; may be several
    #[arg(long, value_name = "NAME", requires = "augment", value_delimiter = ',', help_heading = "Enriching a script")]
    at: Vec<String>,
    #[command(flatten, next_help_heading = "Who writes")]
    writing: Writing,
}

/// How many events are written if nobody says how many.
const EVENTS: usize = 20;

pub(crate) fn generate(options: Generate) -> anyhow::Result<ExitCode> {
    // Before anything is spent on what cannot be kept.
    options.out.check()?;
    let script = options.augment.as_deref().map(read).transpose()?;
    let total = script.is_none().then(|| options.events.unwrap_or(EVENTS));
    let progress = Progress::new(total);
    options.logging.start_with(progress.log());

    let generator = AiEventGenerator::new(config(&options)).map_err(|error| anyhow!(told(&error)))?;
    let generator = generator.observed_by(Arc::new(progress.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let outcome = runtime.block_on(async {
        match options.augment.as_deref().zip(script) {
            Some((file, script)) => enrich(&generator, file, &script, &options.out).await,
            None => write(&generator, options.events.unwrap_or(EVENTS), &options.out).await,
        }
    });
    progress.finish();
    match outcome {
        Ok(()) => {
            eprintln!("wrote {} to {}, by {}", counted(generator.usage().events), options.out.name(), bill(&generator));
            Ok(ExitCode::SUCCESS)
        }
        Err(Failure::Script(errors)) => {
            eprintln!("{}", CheckReport::from(errors));
            Ok(ExitCode::FAILURE)
        }
        Err(Failure::Other(error)) => Err(error),
    }
}

/// Why there is no file.
enum Failure {
    /// The script is none.
    Script(ReplayErrors),
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Writes a new file. One that is not finished is kept apart: what stands in it may have cost something.
async fn write(generator: &AiEventGenerator, count: usize, out: &OutFile) -> Result<(), Failure> {
    let mut file = out.in_pieces();
    let mut written = 0;
    let outcome = generator.write_replay(count as u64, &mut file, |_| written += 1).await;
    match outcome {
        Ok(_) => Ok(file.finish()?),
        Err(error) if written == 0 => {
            Err(anyhow!("{}; nothing is written, by {}", told(&error), bill(generator)).into())
        }
        Err(error) => {
            let what_is_there = format!("the first {} are in {}", counted(written), file.name());
            Err(anyhow!("{}; {what_is_there}, by {}", told(&error), bill(generator)).into())
        }
    }
}

/// Writes the script with events in it.
async fn enrich(generator: &AiEventGenerator, file: &Path, script: &str, out: &OutFile) -> Result<(), Failure> {
    let enriched = generator.augment(script, &file.display().to_string()).await.map_err(|error| match error {
        AiError::Replay(errors) => Failure::Script(errors),
        error @ AiError::Augment { .. } => anyhow!(error).into(),
        error => anyhow!("{}; nothing is written, by {}", told(&error), bill(generator)).into(),
    })?;
    // It is what `serve` will read; whatever it would refuse is said now.
    ReplayScript::read(enriched.as_bytes(), &out.name()).map_err(Failure::Script)?;
    Ok(out.write(&enriched)?)
}

fn config(options: &Generate) -> WebSocketAiConfig {
    let events = options.events;
    let replay = options.augment.as_ref().map(|_| {
        let default = ReplayAugmentationConfig::default();
        ReplayAugmentationConfig {
            augmentation_points: options.at.clone(),
            events_per_point: events.unwrap_or(default.events_per_point),
            ..default
        }
    });
    let default = WebSocketAiConfig::default();
    options.writing.clone().over(WebSocketAiConfig {
        narrative: options.narrative.clone(),
        event_count: events.unwrap_or(default.event_count),
        events_per_second: options.rate.unwrap_or(default.events_per_second),
        seed: options.seed,
        replay,
        ..default
    })
}

fn read(script: &Path) -> anyhow::Result<String> {
    fs::read_to_string(script).with_context(|| format!("cannot read {}", script.display()))
}

/// What is wrong. A mistake in a field is one in the flag that has set it.
fn told(error: &AiError) -> String {
    match error {
        AiError::Config { field: "narrative", problem } => format!("--narrative: {problem}"),
        AiError::Config { field, problem } => match events::flag_of(field) {
            Some(flag) => format!("{flag}: {problem}"),
            None => error.to_string(),
        },
        _ => error.to_string(),
    }
}

/// So many events.
fn counted(events: u64) -> String {
    format!("{} {}", HumanCount(events), if events == 1 { "event" } else { "events" })
}

/// Who wrote, and what it has cost.
fn bill(generator: &AiEventGenerator) -> String {
    let (usage, provider) = (generator.usage(), generator.provider_name());
    if usage.calls + usage.failed_calls + usage.cached_calls == 0 {
        return provider;
    }
    format!("{provider}: {}", cost(&usage))
}

fn cost(usage: &Usage) -> String {
    let calls = usage.calls + usage.failed_calls + usage.cached_calls;
    let mut cost = format!("{} {}", HumanCount(calls), if calls == 1 { "call" } else { "calls" });
    let of_these: Vec<_> = [(usage.cached_calls, "from the cache"), (usage.failed_calls, "failed")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, how)| format!("{} {how}", HumanCount(count)))
        .collect();
    if !of_these.is_empty() {
        // Writing into a string cannot fail.
        let _ = write!(cost, " ({})", of_these.join(", "));
    }
    let (prompt, completion) = (HumanCount(usage.prompt_tokens), HumanCount(usage.completion_tokens));
    let _ = write!(cost, ", {prompt} tokens in, {completion} out");
    if usage.is_estimated {
        cost.push_str(", estimated");
    }
    cost
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "expected a whole number, 1 or more".to_owned())
}
