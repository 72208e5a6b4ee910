//! Whether a session went as its script says: what its checks found, and reports of it for people and programs.
//!
//! Nothing is checked here, and no report is written anywhere.

mod json;
mod junit;
mod text;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What reports call the check of the session as a whole, which each has beside those of the file: with a script, and without.
const WHOLE_SCRIPT: &str = "the script was played to its end";
const WHOLE_SESSION: &str = "the session came to its end";

/// What is to be said about one session when it is over: whether its script was played to its end, and what each check
/// found.
///
/// ```
/// use ws_replay::{CheckOutcome, CheckResult, ReportFormat, SessionVerdict};
///
/// let outcome = CheckOutcome::Failed("expected `type` to be \"order\", found \"ordr\"".into());
/// let verdict = SessionVerdict::new("shop.jsonl")
///     .check(CheckResult::new("shop.jsonl:3", "the client says hello", CheckOutcome::Passed))
///     .check(CheckResult::new("shop.jsonl:7", "it orders", outcome));
/// assert!(!verdict.passed());
/// assert_eq!(verdict.to_string(), "shop.jsonl: failed: 1 of 2 checks failed, played to its end");
/// assert!(verdict.report(ReportFormat::JUnit).contains("<failure"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionVerdict {
    name: String,
    checks: Vec<CheckResult>,
    unfinished: Option<String>,
    has_script: bool,
    took: Duration,
}

impl SessionVerdict {
    /// Of a session that was played to its end, without checks until now. Reports call it `name`: mostly the file of its script.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), checks: Vec::new(), unfinished: None, has_script: true, took: Duration::ZERO }
    }

    /// Adds a check. Reports keep their order.
    #[must_use]
    pub fn check(mut self, check: CheckResult) -> Self {
        self.checks.push(check);
        self
    }

    /// Says that no script was played: the session was only to come to its end.
    #[must_use]
    pub fn without_script(self) -> Self {
        Self { has_script: false, ..self }
    }

    /// Says that the script was not played to its end, and why.
    #[must_use]
    pub fn unfinished(self, reason: impl Into<String>) -> Self {
        Self { unfinished: Some(reason.into()), ..self }
    }

    /// Says how long the session took.
    #[must_use]
    pub fn took(self, duration: Duration) -> Self {
        Self { took: duration, ..self }
    }

    /// What reports call the session.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All checks of the script.
    #[must_use]
    pub fn checks(&self) -> &[CheckResult] {
        &self.checks
    }

    /// Whether the script was played to its end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.unfinished.is_none()
    }

    /// Why it was not played to its end.
    #[must_use]
    pub fn unfinished_because(&self) -> Option<&str> {
        self.unfinished.as_deref()
    }

    /// How long the session took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.took
    }

    /// Whether the script was played to its end and no check failed. Checks on a way that was not gone do not matter.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.is_finished() && self.failed_checks() == 0
    }

    /// The whole verdict as a document, which ends with a line break.
    #[must_use]
    pub fn report(&self, format: ReportFormat) -> String {
        match format {
            ReportFormat::Text => text::report(self),
            ReportFormat::Json => json::report(self),
            ReportFormat::JUnit => junit::report(self),
        }
    }

    /// What the check of the session as a whole is called.
    fn whole_name(&self) -> &'static str {
        if self.has_script { WHOLE_SCRIPT } else { WHOLE_SESSION }
    }

    /// What the check of the session as a whole found.
    fn whole(&self) -> CheckOutcome {
        self.unfinished.clone().map_or(CheckOutcome::Passed, CheckOutcome::Failed)
    }

    fn failed_checks(&self) -> usize {
        self.count(|outcome| matches!(outcome, CheckOutcome::Failed(_)))
    }

    fn checks_not_reached(&self) -> usize {
        self.count(|outcome| *outcome == CheckOutcome::NotReached)
    }

    fn count(&self, is_meant: impl Fn(&CheckOutcome) -> bool) -> usize {
        self.checks.iter().filter(|check| is_meant(&check.outcome)).count()
    }
}

/// One line: whether it passed, and how many checks did not.
impl fmt::Display for SessionVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.passed() { "passed" } else { "failed" };
        write!(f, "{}: {word}: ", self.name)?;
        let number = self.checks.len();
        let checks = if number == 1 { "check" } else { "checks" };
        match self.failed_checks() {
            _ if number == 0 => f.write_str("no checks")?,
            0 => write!(f, "{} of {number} {checks} passed", number - self.checks_not_reached())?,
            failed => write!(f, "{failed} of {number} {checks} failed")?,
        }
        match self.checks_not_reached() {
            0 => {}
            missed => write!(f, ", {missed} not reached")?,
        }
        f.write_str(match (self.has_script, self.is_finished()) {
            (true, true) => ", played to its end",
            (true, false) => ", not played to its end",
            (false, true) => "",
            (false, false) => ", ended before its time",
        })
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    place: String,
    description: String,
    outcome: CheckOutcome,
    at: Duration,
}

impl CheckResult {
    /// A check that is written at `place`, as `file:line`.
    #[must_use]
    pub fn new(place: impl Into<String>, description: impl Into<String>, outcome: CheckOutcome) -> Self {
        Self { place: place.into(), description: description.into(), outcome, at: Duration::ZERO }
    }

    /// Says when it was decided, from the beginning of the session on.
    #[must_use]
    pub fn at(self, time: Duration) -> Self {
        Self { at: time, ..self }
    }

    /// Where it is written: `file:line`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What should be so.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether it was so.
    #[must_use]
    pub fn outcome(&self) -> &CheckOutcome {
        &self.outcome
    }

    /// When it was decided, from the beginning of the session on; zero if it never was.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.at
    }
}

/// Whether something was as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It was so.
    Passed,
    /// It was not so: what was expected, and what was found.
    Failed(String),
    /// The session never came there.
    NotReached,
}

/// What a report is for. It is parsed from `text`, `json` and `junit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReportFormat {
    /// For people, in a terminal.
    #[default]
    Text,
    /// For programs: one object.
    Json,
    /// For what shows the results of tests: JUnit's XML, with one test case for each check and one for the whole script.
    JUnit,
}

impl ReportFormat {
    /// The format that belongs to the end of a file name: `.txt`, `.json` or `.xml`.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Text),
            "json" => Some(Self::Json),
            "xml" => Some(Self::JUnit),
            _ => None,
        }
    }
}

impl FromStr for ReportFormat {
    type Err = UnknownReportFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "junit" => Ok(Self::JUnit),
            _ => Err(UnknownReportFormat(name.to_owned())),
        }
    }
}

/// A word that names no [`ReportFormat`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `text`, `json` or `junit`, found `{0}`")]
pub struct UnknownReportFormat(String);

#[cfg(test)]
mod tests;
