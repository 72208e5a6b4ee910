//! What a test brings along at run time: texts of rules and scripts, and conditions. They are parsed here, away from any
//! folder, so they can name no file; and they lie over every version of the configuration, which they never change.

#[cfg(feature = "admin")]
mod edits;

use std::sync::Arc;

use ws_conditions::{Conditions, ConditionsError, Plan};
use ws_replay::{Problem, ReplayErrors, ReplayOptions, ReplayScript, RuleBook};

use super::blueprint::{Modes, Part, Script};
use super::compile;
#[cfg(feature = "admin")]
pub(crate) use edits::RuleEdit;

/// All that was uploaded for one realm. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Uploads {
    rules: Option<Uploaded<RuleBook>>,
    replay: Option<Uploaded<ReplayScript>>,
    /// Tells scripts apart that were uploaded one after the other.
    replay_number: u64,
    conditions: Option<UploadedConditions>,
}

/// A text, and what it is compiled to.
struct Uploaded<T> {
    text: Arc<str>,
    compiled: Arc<T>,
}

impl<T> Clone for Uploaded<T> {
    fn clone(&self) -> Self {
        Self { text: Arc::clone(&self.text), compiled: Arc::clone(&self.compiled) }
    }
}

#[derive(Clone)]
struct UploadedConditions {
    #[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "the admin API reads it"))]
    written: Arc<Conditions>,
    plan: Arc<Plan>,
}

/// One change of what is uploaded, compiled. Clones share it.
#[derive(Clone)]
pub(crate) struct Upload {
    change: Change,
    /// How many rules, entries or faults it has.
    pub(crate) entries: usize,
    /// What is doubtful in it.
    pub(crate) warnings: Vec<String>,
    /// The rules that it goes on from, if it changes some of them only.
    changes: Option<Option<Arc<RuleBook>>>,
}

#[derive(Clone)]
enum Change {
    Rules(Option<Uploaded<RuleBook>>),
    Replay(Option<Uploaded<ReplayScript>>),
    Conditions(Option<UploadedConditions>),
}

impl Upload {
    /// Rules in front of all modes.
    ///
    /// # Errors
    /// All mistakes of the text.
    pub(crate) fn rules(text: &str) -> Result<Self, ReplayErrors> {
        let rules = RuleBook::parse(text, RULES)?;
        let (entries, warnings) = (rules.rules().summary().rules, doubts(rules.rules().warnings()));
        let uploaded = Uploaded { text: text.into(), compiled: Arc::new(rules) };
        Ok(Self::new(Change::Rules(Some(uploaded)), entries, warnings))
    }

    /// A script in the place of all modes.
    ///
    /// # Errors
    /// All mistakes of the text.
    pub(crate) fn replay(text: &str) -> Result<Self, ReplayErrors> {
        let script = ReplayScript::read(text.as_bytes(), "uploaded replay")?;
        let (entries, warnings) = (script.summary().entries, doubts(script.warnings()));
        let uploaded = Uploaded { text: text.into(), compiled: Arc::new(script) };
        Ok(Self::new(Change::Replay(Some(uploaded)), entries, warnings))
    }

    /// Conditions in the place of all others; `seed` makes what is random in them repeat, if they do not say so themselves.
    ///
    /// # Errors
    /// All that makes no sense in them.
    pub(crate) fn conditions(conditions: Conditions, seed: Option<u64>) -> Result<Self, ConditionsError> {
        let plan = compile(Conditions { seed: conditions.seed.or(seed), ..conditions.clone() })?;
        let entries = conditions.faults.len();
        let uploaded = UploadedConditions { written: Arc::new(conditions), plan: Arc::new(plan) };
        Ok(Self::new(Change::Conditions(Some(uploaded)), entries, Vec::new()))
    }

    /// The rules of the configuration alone.
    #[cfg(feature = "admin")]
    pub(crate) fn no_rules() -> Self {
        Self::nothing(Change::Rules(None))
    }

    /// The modes of the configuration.
    #[cfg(feature = "admin")]
    pub(crate) fn no_replay() -> Self {
        Self::nothing(Change::Replay(None))
    }

    /// The conditions of the configuration.
    #[cfg(feature = "admin")]
    pub(crate) fn no_conditions() -> Self {
        Self::nothing(Change::Conditions(None))
    }

    #[cfg(feature = "admin")]
    fn nothing(change: Change) -> Self {
        Self::new(change, 0, Vec::new())
    }

    fn new(change: Change, entries: usize, warnings: Vec<String>) -> Self {
        Self { change, entries, warnings, changes: None }
    }
}

/// How the rules of an upload are called; connections know them by that, whatever comes and goes.
const RULES: &str = "uploaded rules";

pub(super) fn doubts(warnings: &[Problem]) -> Vec<String> {
    warnings.iter().map(ToString::to_string).collect()
}

impl Uploads {
    /// The same with a change, which has a number that no other has.
    pub(crate) fn with(&self, upload: Upload, number: u64) -> Self {
        match upload.change {
            Change::Rules(rules) => Self { rules, ..self.clone() },
            Change::Replay(replay) => Self { replay, replay_number: number, ..self.clone() },
            Change::Conditions(conditions) => Self { conditions, ..self.clone() },
        }
    }

    /// Whether an upload that changes some of the rules goes on from those that are here.
    pub(crate) fn fits(&self, upload: &Upload) -> bool {
        let here = self.rules.as_ref().map(|rules| Arc::as_ptr(&rules.compiled));
        upload.changes.as_ref().is_none_or(|before| before.as_ref().map(Arc::as_ptr) == here)
    }

    /// The rules, as they were uploaded together, and as they are now.
    #[cfg(feature = "admin")]
    pub(crate) fn rules(&self) -> Option<(&str, &RuleBook)> {
        self.rules.as_ref().map(|rules| (&*rules.text, &*rules.compiled))
    }

    /// The script, as it was uploaded.
    #[cfg(feature = "admin")]
    pub(crate) fn replay(&self) -> Option<&str> {
        self.replay.as_ref().map(|replay| &*replay.text)
    }

    /// The conditions, as they were uploaded.
    #[cfg(feature = "admin")]
    pub(crate) fn conditions(&self) -> Option<&Conditions> {
        self.conditions.as_ref().map(|conditions| &*conditions.written)
    }

    /// How long all texts are.
    pub(crate) fn bytes(&self) -> usize {
        let length = |text: Option<&Arc<str>>| text.map_or(0, |text| text.len());
        let added = self.rules.as_ref().map_or(0, |rules| rules.compiled.added_bytes());
        let rules = length(self.rules.as_ref().map(|rules| &rules.text)) + added;
        rules + length(self.replay.as_ref().map(|replay| &replay.text))
    }

    /// What it makes of every version.
    pub(super) fn layer(&self, options: &ReplayOptions) -> Layer {
        let modes = |part| Arc::new(Modes { parts: vec![part], options: options.clone() });
        let rules = self.rules.as_ref().map(|rules| Arc::clone(rules.compiled.rules()));
        let over = match (&self.replay, rules) {
            (Some(replay), rules) => {
                let script = Script { script: Arc::clone(&replay.compiled), rules };
                Over::Replay { modes: modes(Part::Replay(script)), number: self.replay_number }
            }
            (None, Some(rules)) => {
                Over::Rules { alone: modes(Part::Rules(Arc::clone(&rules))), before: modes(Part::RulesBefore(rules)) }
            }
            (None, None) => Over::Nothing,
        };
        Layer { over, conditions: self.conditions.as_ref().map(|conditions| Arc::clone(&conditions.plan)) }
    }
}

/// What uploads make of every version.
pub(super) struct Layer {
    pub(super) over: Over,
    /// In the place of all others.
    pub(super) conditions: Option<Arc<Plan>>,
}

/// What stands before the modes of a place, or in their place.
pub(super) enum Over {
    Nothing,
    /// The first where there is nothing behind them.
    Rules {
        alone: Arc<Modes>,
        before: Arc<Modes>,
    },
    Replay {
        modes: Arc<Modes>,
        number: u64,
    },
}
