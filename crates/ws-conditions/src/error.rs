//! What is wrong with conditions that somebody wrote: all of it at once, each with its key.

use std::fmt::{self, Display};

/// Conditions that cannot be carried out.
///
/// ```
/// use ws_conditions::{Bandwidth, Conditions};
///
/// let conditions = Conditions { bandwidth_out: Some(Bandwidth::new(0)), ..Default::default() };
/// let error = conditions.compile(|_| Err("no patterns here".into())).unwrap_err();
/// assert_eq!(error.to_string(), "bandwidth_out.bytes_per_second: expected at least 1, got 0");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionsError {
    problems: Vec<Problem>,
}

/// One mistake and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, as a path from the top of the conditions: `faults[2].probability`.
    pub key: String,
    /// What is wrong with it and what is expected.
    pub problem: String,
}

impl ConditionsError {
    /// Every mistake that was found, in the order of the keys; never empty.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)
    }
}

impl Display for ConditionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, problem) in self.problems.iter().enumerate() {
            let separator = if nth == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConditionsError {}

/// Collects mistakes below one key.
#[derive(Debug)]
pub(crate) struct Problems<'a> {
    prefix: String,
    found: &'a mut Vec<Problem>,
}

impl Problems<'_> {
    /// Runs `check`, whose keys start at the top.
    pub(crate) fn collect<T>(check: impl FnOnce(&mut Problems<'_>) -> T) -> Result<T, ConditionsError> {
        let mut found = Vec::new();
        let value = check(&mut Problems { prefix: String::new(), found: &mut found });
        if found.is_empty() { Ok(value) } else { Err(ConditionsError { problems: found }) }
    }

    /// The same, for what stands below `key`.
    pub(crate) fn below(&mut self, key: impl Display) -> Problems<'_> {
        Problems { prefix: format!("{}{key}.", self.prefix), found: self.found }
    }

    pub(crate) fn add(&mut self, key: impl Display, problem: impl Into<String>) {
        self.found.push(Problem { key: format!("{}{key}", self.prefix), problem: problem.into() });
    }

    /// Demands `least <= value <= most`.
    pub(crate) fn in_range(&mut self, key: &str, value: u64, least: u64, most: u64) {
        if value < least {
            self.add(key, format!("expected at least {least}, got {value}"));
        } else if value > most {
            self.add(key, format!("expected at most {most}, got {value}"));
        }
    }
}
