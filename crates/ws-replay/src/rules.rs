//! Rules: what is answered to which message, whenever it comes, with what a connection and its rooms remember.
//!
//! A script says what happens one after the other; rules have no order in time. Both may serve one connection. Everything
//! that can be wrong is found when the file is read; following rules cannot fail.

mod actions;
mod answering;
mod answers;
mod arranging;
mod book;
mod checks;
mod correlations;
mod files_beside;
mod handler;
mod incoming;
mod machines;
mod matching;
mod names;
mod plan;
mod present;
mod problem;
mod reader;
mod reading;
mod renewal;
mod response;
mod rule;
mod scene;
mod session;
mod sessions;
mod timers;
mod turn;

use std::fmt::{self, Write};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use ws_patterns::{Difference, MessageText, PatternSet};

use crate::mermaid;
use crate::source::{Findings, Source};
use crate::state_names::StateNames;
use crate::template::fnv1a;
use crate::{Problem, ProblemKind, ReplayErrors, ReplayScript};
use actions::Actions;
use checks::Check;
use correlations::Watch;
use incoming::Incoming;
use machines::Machine;
use matching::MessageType;
use rule::Rule;

pub use book::{ListedRule, RuleBook, RuleChange, RulePosition};
pub use handler::RuleHandler;
pub use problem::RuleProblem;
pub(crate) use reader::{DOCUMENT_KEYS, RuleReader, is_rule_object};
pub(crate) use session::RuleSession;
pub(crate) use sessions::{Follower, RuleSessions};

/// A rules file that was read, checked and compiled.
///
/// ```
/// use ws_replay::RuleSet;
///
/// let rules = RuleSet::parse(
///     r#"
/// rules:
///   - name: greet
///     match: "^I am (?<who>.+)$"
///     set: { name: "{{who}}" }
///     response: "hello {{who}}"
///   - match: "^who am I$"
///     when: state.name != null
///     response: "you are {{state.name}}"
/// "#,
///     "greet.yaml",
/// )?;
/// assert_eq!(rules.summary().to_string(), "2 rules");
///
/// let errors = RuleSet::parse("rules:\n  - match: hi\n    respnse: hello\n", "slip.yaml").unwrap_err();
/// assert!(errors.to_string().contains("slip.yaml:3:5: unknown key `respnse`; did you mean `response`?"));
/// # Ok::<(), ws_replay::ReplayErrors>(())
/// ```
#[derive(Debug)]
pub struct RuleSet {
    name: Arc<str>,
    /// In the order in which they are asked.
    rules: Vec<Arc<Rule>>,
    /// How messages call them, and the machines.
    rule_names: Vec<Arc<str>>,
    machine_names: Vec<Arc<str>>,
    /// The rules about text, by their numbers in the index.
    text_rules: Vec<usize>,
    index: PatternSet,
    machines: Arc<[Machine]>,
    watches: Arc<[Watch]>,
    /// What connections begin with.
    state: Arc<[(String, Value)]>,
    /// In the order of the file.
    checks: Vec<Check>,
    reads_last_message: bool,
    require: Require,
    /// Whether text must be JSON, if the file says so itself.
    says_json: Option<bool>,
    refusal: Arc<Actions>,
    /// Shared by all sets that were made of one by adding and taking away: what they have in common is the very same.
    lineage: Arc<()>,
    state_names: StateNames,
    warnings: Vec<Problem>,
    /// The one from which it was loaded, if it was, and those that it names.
    files: Vec<PathBuf>,
}

/// Whether text must be JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Require {
    Json,
    /// Nothing was said, and every rule looks at JSON.
    JsonByDefault,
    Anything,
}

impl RuleSet {
    /// The largest file that is read, in bytes: 16 MiB.
    pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

    /// Reads and compiles the text of a rules file, which problems will call `name`. A name that ends in `.jsonl` says that
    /// each line is a rule, one in `.yaml`, `.yml` or `.json` that it is one document; with other names, the text itself
    /// tells. Files that rules name cannot be found from here: for that, there is [`load`](Self::load).
    ///
    /// # Errors
    /// All mistakes of the text, each with its place.
    pub fn parse(text: &str, name: &str) -> Result<Self, ReplayErrors> {
        Self::parse_in(None, text, name)
    }

    /// Reads and compiles a rules file. This blocks while it reads.
    ///
    /// # Errors
    /// That the file cannot be read, is larger than [`MAX_FILE_BYTES`](Self::MAX_FILE_BYTES) or is not UTF-8, else all
    /// mistakes of its text, each with its place.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ReplayErrors> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let read = File::open(path)
            .map_err(|error| unreadable(&error, &name))
            .and_then(|file| Self::read_in(path.parent(), file, &name));
        match read {
            Ok(mut rules) => {
                rules.files.insert(0, path.to_owned());
                Ok(rules)
            }
            Err(errors) => Err(errors.of_file(path)),
        }
    }

    /// Reads and compiles what `reader` gives, which problems will call `name`, as [`parse`](Self::parse) does. This blocks
    /// while it reads.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn read(reader: impl Read, name: &str) -> Result<Self, ReplayErrors> {
        Self::read_in(None, reader, name)
    }

    fn read_in(folder: Option<&Path>, reader: impl Read, name: &str) -> Result<Self, ReplayErrors> {
        let whole_file = |kind| ReplayErrors::single(Problem::of_file(name.into(), kind));
        let mut bytes = Vec::new();
        let read = reader.take(Self::MAX_FILE_BYTES + 1).read_to_end(&mut bytes);
        let length = read.map_err(|error| unreadable(&error, name))?;
        if length as u64 > Self::MAX_FILE_BYTES {
            return Err(whole_file(RuleProblem::TooLarge { limit: Self::MAX_FILE_BYTES }.into()));
        }
        let text = String::from_utf8(bytes).map_err(|_| whole_file(ProblemKind::NotUtf8))?;
        Self::parse_in(folder, &text, name)
    }

    fn parse_in(folder: Option<&Path>, text: &str, name: &str) -> Result<Self, ReplayErrors> {
        Self::parse_by(&mut |_| {}, RuleReader::of_file(folder), text, name)
    }

    /// `look` is shown the reader when all is read.
    fn parse_by(
        look: &mut dyn FnMut(&RuleReader),
        mut reader: RuleReader,
        text: &str,
        name: &str,
    ) -> Result<Self, ReplayErrors> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source = Source::new(name.into(), text);
        let mut findings = Findings::new(&source);
        let mut state_names = StateNames::default();
        reader.read_file(&mut state_names, &mut findings);
        look(&reader);
        let rules = reader.finish(&mut findings);
        if !findings.has_errors() {
            state_names.report(&mut findings);
        }
        match findings.into_result() {
            Ok(warnings) => Ok(Self { state_names, warnings, ..rules }),
            Err(errors) => Err(ReplayErrors { files: rules.files, ..errors }),
        }
    }

    /// The file, as it was named when it was read.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The files that it was made of, for who watches them: the one from which it was [loaded](Self::load), if it was, and then
    /// the files with JSON Schemas that its rules name. If loading fails, [`ReplayErrors::files`] has them.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// What is doubtful in the file, in its order. Rules with doubts are followed all the same.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What is doubtful when `script` is played beside these rules: what one of the two sets of the connection's state, the
    /// other may read.
    pub fn warnings_beside(&self, script: &ReplayScript) -> impl Iterator<Item = &Problem> {
        self.warnings.iter().filter(|doubt| !script.state_names().settle(doubt.kind()))
    }

    /// Which names of the connection's state are read and set here.
    pub(crate) fn state_names(&self) -> &StateNames {
        &self.state_names
    }

    /// What the file holds, in figures.
    #[must_use]
    pub fn summary(&self) -> RuleSummary {
        RuleSummary {
            rules: self.rules.len(),
            machines: self.machines.len(),
            correlations: self.watches.len(),
            requires_json: self.require != Require::Anything,
        }
    }

    /// The same of rules beside a script, for which text need not be JSON unless the file says so.
    pub(crate) fn summary_beside_script(&self) -> RuleSummary {
        RuleSummary { requires_json: self.require == Require::Json, ..self.summary() }
    }

    /// The machines as a state diagram of [Mermaid](https://mermaid.js.org/syntax/stateDiagram.html), each in a box of its
    /// own if there are several; `None` without machines.
    ///
    /// ```
    /// use ws_replay::RuleSet;
    ///
    /// let rules = RuleSet::parse(
    ///     "machines: {door: {initial: shut, states: {shut: {on: {match: ^open$, to: open}}, open: }}}",
    ///     "door.yaml",
    /// )?;
    /// let drawing = rules.to_mermaid().unwrap();
    /// assert!(drawing.starts_with("stateDiagram-v2\n    state \"shut\" as s0\n"));
    /// # Ok::<(), ws_replay::ReplayErrors>(())
    /// ```
    #[must_use]
    pub fn to_mermaid(&self) -> Option<String> {
        match &*self.machines {
            [] => None,
            [only] => Some(only.machine.to_mermaid()),
            several => {
                let mut drawing = String::from("stateDiagram-v2\n");
                for (number, machine) in several.iter().enumerate() {
                    let name = mermaid::escape(&machine.name);
                    // Writing to a string cannot fail.
                    let _ = writeln!(drawing, "    state \"{name}\" as m{number} {{");
                    for line in machine.machine.to_mermaid_part(&format!("m{number}s")).lines() {
                        let _ = writeln!(drawing, "    {line}");
                    }
                    drawing.push_str("    }\n");
                }
                Some(drawing)
            }
        }
    }

    /// The rules that may take a message, in the order in which they are asked: of those about text, their first pattern
    /// matches it.
    fn candidates<'s>(&'s self, message: &'s Incoming) -> Box<dyn Iterator<Item = (usize, &'s Rule)> + 's> {
        let message_type = match message {
            Incoming::Text(text) => {
                let matching = self.index.matches(text).map(|number| self.text_rules[number]);
                return Box::new(matching.map(|number| (number, &*self.rules[number])));
            }
            Incoming::Binary(_) => MessageType::Binary,
            Incoming::Ping(_) => MessageType::Ping,
            Incoming::Pong(_) => MessageType::Pong,
        };
        let rules = self.rules.iter().map(|rule| &**rule).enumerate();
        Box::new(rules.filter(move |(_, rule)| rule.matching.message_type == message_type))
    }

    /// The rules that a text nearly matches.
    fn nearest(&self, text: &MessageText<'_>, most: usize) -> Vec<(usize, Difference)> {
        let nearest = self.index.nearest(text, most).into_iter();
        nearest.map(|(number, difference)| (self.text_rules[number], difference)).collect()
    }

    /// What is done for a text that is not JSON, where JSON is required.
    fn refusal(&self, is_alone: bool) -> Option<&Actions> {
        let refuses = match self.require {
            Require::Json => true,
            // What a script waits for, or a real server takes, need not be JSON.
            Require::JsonByDefault => is_alone,
            Require::Anything => false,
        };
        refuses.then_some(&self.refusal)
    }

    /// Why text must be JSON, where it must.
    fn why_json(&self) -> &'static str {
        match self.require {
            Require::JsonByDefault => "all rules look at JSON (`require: anything` changes that)",
            Require::Json | Require::Anything => "the file says `require: json`",
        }
    }

    /// Whether something happens by time alone.
    fn takes_time(&self) -> bool {
        let is_delayed = || {
            let of_rules = self.rules.iter().map(|rule| &rule.actions);
            let of_machines = self.machines.iter().flat_map(Machine::actions);
            of_rules.chain(of_machines).chain([&*self.refusal]).any(Actions::takes_time)
        };
        !self.watches.is_empty() || self.machines.iter().any(Machine::has_timers) || is_delayed()
    }

    fn sees_outbound(&self) -> bool {
        self.watches.iter().any(|watch| watch.sees_outbound)
    }

    /// The number of the first stream of random values: far from those of scripts, and another one for each file. The
    /// folder does not matter, so that a run repeats also on another machine.
    fn stream(&self) -> u64 {
        const ROOM_FOR_ACTIONS: u64 = (1 << 32) - 1;
        let file = Path::new(&*self.name).file_name().unwrap_or_default();
        (1 << 63) | (fnv1a(file.as_encoded_bytes()) & !ROOM_FOR_ACTIONS)
    }
}

fn unreadable(error: &io::Error, name: &str) -> ReplayErrors {
    ReplayErrors::single(Problem::of_file(name.into(), ProblemKind::Unreadable(error.to_string())))
}

/// What a rules file holds, in figures. It displays as `12 rules, 1 machine, 2 correlations`, with what is not there left
/// out, and with `; text must be JSON` behind it if that is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleSummary {
    /// How many rules there are.
    pub rules: usize,
    /// How many machines there are.
    pub machines: usize,
    /// How many correlations there are.
    pub correlations: usize,
    /// Whether text that is not JSON is refused.
    pub requires_json: bool,
}

impl fmt::Display for RuleSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        f.write_str(&word(self.rules, "rule"))?;
        for (count, what) in [(self.machines, "machine"), (self.correlations, "correlation")] {
            if count > 0 {
                write!(f, ", {}", word(count, what))?;
            }
        }
        f.write_str(if self.requires_json { "; text must be JSON" } else { "" })
    }
}
