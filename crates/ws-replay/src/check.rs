//! What `mockforge check` says of a replay or rules file.

use std::fmt;
use std::io::Read;
use std::path::Path;

use crate::state_names::StateNames;
use crate::{Problem, ReplayErrors, ReplayScript, RuleSet, RuleSummary, Summary};

/// Everything that was found in a replay or rules file, and what it holds if it is right.
///
/// It displays each finding with the line of the file and a mark below the place, and a last line that sums up.
///
/// ```
/// use ws_replay::CheckReport;
///
/// let report = CheckReport::of_text(r#"{"text": "{{uiud}}"}"#, "demo.jsonl");
/// assert!(report.passed());
/// assert_eq!(
///     report.to_string(),
///     "demo.jsonl:1:11: warning: `text`: unknown token `{{uiud}}` is sent as it stands; did you mean `{{uuid}}`?\n  \
///        1 | {\"text\": \"{{uiud}}\"}\n    \
///          |           ^^^^^^^^\n\
///      demo.jsonl: plays, with 1 warning: 1 entry, 0 waits, 0 s"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    name: String,
    outcome: Result<Content, ReplayErrors>,
    warnings: Vec<Problem>,
    /// Of a file that is right.
    state_names: StateNames,
}

/// What a file that is right holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Script(Summary),
    Rules(RuleSummary),
}

impl CheckReport {
    /// Reads and checks a file. This blocks while it reads.
    #[must_use]
    pub fn of_file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Self::new(path.display().to_string(), ReplayScript::load(path))
    }

    /// Reads and checks what `reader` gives, which problems will call `name`. This blocks while it reads.
    #[must_use]
    pub fn of_reader(reader: impl Read, name: &str) -> Self {
        Self::new(name.to_owned(), ReplayScript::read(reader, name))
    }

    /// Checks the text of a file, which problems will call `name`.
    #[must_use]
    pub fn of_text(text: &str, name: &str) -> Self {
        Self::new(name.to_owned(), ReplayScript::parse(text, name))
    }

    /// Reads and checks a rules file. This blocks while it reads.
    #[must_use]
    pub fn of_rules_file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Self::of_rules(path.display().to_string(), RuleSet::load(path))
    }

    /// Reads and checks the rules that `reader` gives, which problems will call `name`; see [`RuleSet::read`]. This blocks
    /// while it reads.
    #[must_use]
    pub fn of_rules_reader(reader: impl Read, name: &str) -> Self {
        Self::of_rules(name.to_owned(), RuleSet::read(reader, name))
    }

    /// Checks the text of a rules file, which problems will call `name`; see [`RuleSet::parse`].
    #[must_use]
    pub fn of_rules_text(text: &str, name: &str) -> Self {
        Self::of_rules(name.to_owned(), RuleSet::parse(text, name))
    }

    fn new(name: String, read: Result<ReplayScript, ReplayErrors>) -> Self {
        let (warnings, state_names) = match &read {
            Ok(script) => (script.warnings().to_vec(), script.state_names().clone()),
            Err(errors) => (errors.warnings().to_vec(), StateNames::default()),
        };
        Self { name, outcome: read.map(|script| Content::Script(script.summary())), warnings, state_names }
    }

    fn of_rules(name: String, read: Result<RuleSet, ReplayErrors>) -> Self {
        let (warnings, state_names) = match &read {
            Ok(rules) => (rules.warnings().to_vec(), rules.state_names().clone()),
            Err(errors) => (errors.warnings().to_vec(), StateNames::default()),
        };
        Self { name, outcome: read.map(|rules| Content::Rules(rules.summary())), warnings, state_names }
    }

    /// Judges files as served together: what one of them sets of the connection's state, another may read. Doubts that are
    /// none then are taken out of their reports.
    ///
    /// ```
    /// use ws_replay::CheckReport;
    ///
    /// let mut script = CheckReport::of_text(r#"{"text": "welcome", "set": {"greeted": true}}"#, "welcome.jsonl");
    /// let mut rules =
    ///     CheckReport::of_rules_text("rules: [{match: hi, when: state.greeted, response: again}]", "again.yaml");
    /// assert_eq!((script.warnings().len(), rules.warnings().len()), (1, 1));
    /// CheckReport::judge_together([&mut script, &mut rules]);
    /// assert_eq!((script.warnings().len(), rules.warnings().len()), (0, 0));
    /// ```
    pub fn judge_together<'r>(reports: impl IntoIterator<Item = &'r mut Self>) {
        let mut reports: Vec<&mut Self> = reports.into_iter().collect();
        let names: Vec<StateNames> = reports.iter().map(|report| report.state_names.clone()).collect();
        for report in &mut reports {
            report.warnings.retain(|doubt| !names.iter().any(|names| names.settle(doubt.kind())));
        }
    }

    /// Whether the file can be played or followed: it may have warnings, but no errors.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.outcome.is_ok()
    }

    /// The mistakes, in the order of the file.
    #[must_use]
    pub fn errors(&self) -> &[Problem] {
        self.outcome.as_ref().err().map_or(&[], ReplayErrors::errors)
    }

    /// The doubts, in the order of the file.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What the file holds, if it is a replay file and plays.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        match self.outcome {
            Ok(Content::Script(summary)) => Some(summary),
            _ => None,
        }
    }

    /// What the file holds, if it is a rules file and can be followed.
    #[must_use]
    pub fn rule_summary(&self) -> Option<RuleSummary> {
        match self.outcome {
            Ok(Content::Rules(summary)) => Some(summary),
            _ => None,
        }
    }
}

/// What is wrong with a file that was found not to play.
impl From<ReplayErrors> for CheckReport {
    fn from(errors: ReplayErrors) -> Self {
        let name = errors.errors().first().map_or("", Problem::source_name).to_owned();
        Self::new(name, Err(errors))
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.errors().iter().chain(&self.warnings) {
            writeln!(f, "{}", problem.in_context())?;
        }
        let warnings = match self.warnings.len() {
            0 => String::new(),
            1 => ", with 1 warning".to_owned(),
            n => format!(", with {n} warnings"),
        };
        match &self.outcome {
            Ok(Content::Script(summary)) => write!(f, "{}: plays{warnings}: {summary}", self.name),
            Ok(Content::Rules(summary)) => write!(f, "{}: can be followed{warnings}: {summary}", self.name),
            Err(errors) => {
                let count = errors.errors().len() + errors.not_listed();
                let noun = if count == 1 { "error" } else { "errors" };
                write!(f, "{}: {count} {noun}{warnings}", self.name)
            }
        }
    }
}
