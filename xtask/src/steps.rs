//! A list of steps with their names and times, and how it came out.

use std::{
    env, fmt,
    time::{Duration, Instant},
};

use anyhow::{Error, Result, bail};

use crate::{toolbox::Missing, workspace::Workspace};

/// A name and what it does.
pub(crate) type Step = (&'static str, fn(&Workspace) -> Result<()>);

/// Runs every step, also after one that fails, and closes with a summary.
///
/// A step that needs something that is [`Missing`] here is skipped, and the summary says so; under `CI=true` it fails.
///
/// # Errors
/// If a step failed.
pub(crate) fn run(workspace: &Workspace, steps: &[Step]) -> Result<()> {
    let strict = in_ci();
    let start = Instant::now();
    let mut done = Vec::new();
    for (name, step) in steps {
        println!("== {name}");
        let start = Instant::now();
        let outcome = Outcome::of(step(workspace), strict);
        let time = start.elapsed();
        println!("== {name}: {outcome} ({})\n", Seconds(time));
        done.push((*name, outcome, time));
    }
    for (name, outcome, time) in &done {
        println!("{name:<12} {:>8}  {outcome}", Seconds(*time).to_string());
    }
    println!("{:<12} {:>8}\n", "all", Seconds(start.elapsed()).to_string());
    let count = |wanted: fn(&Outcome) -> bool| done.iter().filter(|step| wanted(&step.1)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    println!(
        "steps: {} passed, {failed} failed, {} skipped",
        count(|outcome| matches!(outcome, Outcome::Passed)),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    );
    if failed > 0 {
        bail!("{failed} of {} steps failed", steps.len());
    }
    Ok(())
}

/// Whether a CI runs us, and not a person.
pub(crate) fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

/// How a step came out.
#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(Error),
    Skipped(Error),
}

impl Outcome {
    fn of(result: Result<()>, strict: bool) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(error) if !strict && error.is::<Missing>() => Self::Skipped(error),
            Err(error) => Self::Failed(error),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => write!(f, "passed"),
            Self::Failed(error) => write!(f, "FAILED: {error:#}"),
            Self::Skipped(error) => write!(f, "skipped: {error:#}"),
        }
    }
}

/// A time as people read it.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn what_is_missing_is_skipped_but_fails_in_ci() {
        let missing = || Err(Missing::new("Node.js", "install it").into());
        assert!(matches!(Outcome::of(missing(), false), Outcome::Skipped(_)));
        assert!(matches!(Outcome::of(missing(), true), Outcome::Failed(_)));
        let with_context = missing().context("while preparing");
        assert!(matches!(Outcome::of(with_context, false), Outcome::Skipped(_)));
    }

    #[test]
    fn an_error_is_a_failure_everywhere() {
        assert!(matches!(Outcome::of(Err(anyhow!("no")), false), Outcome::Failed(_)));
    }
}
