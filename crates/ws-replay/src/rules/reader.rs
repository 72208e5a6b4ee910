//! Taking a rules file apart: a document with its keys, or lines that are rules; and putting a set together from its parts.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::actions::Actions;
use super::correlations::Watch;
use super::files_beside::FilesBeside;
use super::machines::Machine;
use super::names::Names;
use super::problem::RuleProblem;
use super::reading::Reading;
use super::response::{Place, Response};
use super::rule::Rule;
use super::{Require, RuleSet};
use crate::ProblemKind;
use crate::located::{Node, Record, Tree};
use crate::memory::Memory;
use crate::source::{Findings, Span};
use crate::state_names::StateNames;

/// The keys of a document.
pub(crate) const DOCUMENT_KEYS: &[&str] = &["rules", "state", "machines", "correlations", "require", "invalid_json"];
/// Those that a line may have instead of those of a rule.
const MARKS: &[&str] = &["state", "machines", "correlations", "require", "invalid_json"];
/// What tells a rule from an entry of a script.
const RULE_MARKS: [&str; 3] = ["match", "response", "responses"];
pub(super) const INVALID_JSON: &str = r#"{"error":"Invalid JSON format"}"#;

/// Whether an object with these keys, in a replay file, is a rule or another part of a set of rules.
pub(crate) fn is_rule_object<'k>(keys: impl IntoIterator<Item = &'k str>) -> bool {
    keys.into_iter().any(|key| RULE_MARKS.contains(&key) || MARKS.contains(&key))
}

/// Collects the parts of a set of rules.
pub(crate) struct RuleReader {
    files: FilesBeside,
    /// Whether the file has rules and nothing else.
    is_rules_file: bool,
    names: Names,
    /// How many actions were numbered, those of rules that were there before included.
    pub(super) actions: u32,
    /// Whether the rules are added to others.
    are_added: bool,
    rules: Vec<Rule>,
    /// Each of the rules as JSON, if that is kept.
    written: Option<Vec<Arc<str>>>,
    /// The names of all machines, also of those that are wrong.
    machine_names: Vec<(String, Span)>,
    machines: Vec<Machine>,
    watches: Vec<Watch>,
    state: Vec<(String, Value)>,
    require: Option<(bool, Span)>,
    refusal: Option<(Actions, Span)>,
}

impl RuleReader {
    /// For a rules file. Files that it names lie in `folder`.
    pub(super) fn of_file(folder: Option<&Path>) -> Self {
        Self { is_rules_file: true, ..Self::new(folder) }
    }

    /// For rules that can be told apart afterwards.
    pub(super) fn of_book() -> Self {
        Self { written: Some(Vec::new()), ..Self::of_file(None) }
    }

    /// For rules that are added to others; so many actions are numbered there.
    pub(super) fn of_added(actions: u32) -> Self {
        Self { are_added: true, actions, ..Self::of_book() }
    }

    /// For rules among the entries of a script.
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        Self {
            files: FilesBeside::in_folder(folder),
            is_rules_file: false,
            names: Names::default(),
            actions: 0,
            are_added: false,
            rules: Vec::new(),
            written: None,
            machine_names: Vec::new(),
            machines: Vec::new(),
            watches: Vec::new(),
            state: Vec::new(),
            require: None,
            refusal: None,
        }
    }

    /// Reads all of a rules file.
    pub(super) fn read_file(&mut self, state_names: &mut StateNames, findings: &mut Findings<'_, '_>) {
        if !is_lines(findings) {
            if findings.source().text().lines().all(is_blank_or_comment) {
                return;
            }
            if let Some(node) = Node::from_yaml(findings) {
                self.document(&node, state_names, findings);
            }
            return;
        }
        let lines = findings.source().text().split('\n');
        for line in lines.filter(|line| !is_blank_or_comment(line)) {
            self.object(line, state_names, findings);
        }
    }

    /// Reads an object of a file of lines: a rule, or another part of the set.
    pub(crate) fn object(&mut self, part: &str, state_names: &mut StateNames, findings: &mut Findings<'_, '_>) {
        let Some(node) = Node::from_json(part, findings) else { return };
        let is_mark = match &node.value {
            Tree::Map(entries) => {
                let has = |keys: &[&str]| entries.iter().any(|(key, _)| keys.contains(&key.text.as_str()));
                has(MARKS) && !has(&RULE_MARKS)
            }
            _ => false,
        };
        let mut reading = Reading::new(findings, &mut self.names, state_names, &mut self.files, &mut self.actions);
        if !is_mark {
            let rule = Rule::read_line(&node, &mut reading);
            self.take(rule, &node);
        } else if let Some(record) = node.record("rules", "a rule", MARKS, reading.findings) {
            self.parts(&record, state_names, findings);
        }
    }

    fn document(&mut self, node: &Node, state_names: &mut StateNames, findings: &mut Findings<'_, '_>) {
        let Tree::Map(entries) = &node.value else {
            let found = node.excerpt();
            return findings.at_span(node.span, RuleProblem::NotRules { found }.into());
        };
        let has = |keys: &[&str]| entries.iter().any(|(key, _)| keys.contains(&key.text.as_str()));
        if self.are_added && has(&RULE_MARKS) && !has(&["rules"]) {
            let mut reading = Reading::new(findings, &mut self.names, state_names, &mut self.files, &mut self.actions);
            let rule = Rule::read(node, &mut reading);
            return self.take(rule, node);
        }
        if let Some(record) = node.record("rules", "the keys of a rules file", DOCUMENT_KEYS, findings) {
            self.parts(&record, state_names, findings);
        }
    }

    fn take(&mut self, rule: Option<Rule>, node: &Node) {
        if let (Some(written), Some(_)) = (&mut self.written, &rule) {
            written.push(node.written().into());
        }
        self.rules.extend(rule);
    }

    fn parts(&mut self, record: &Record<'_>, state_names: &mut StateNames, findings: &mut Findings<'_, '_>) {
        if self.are_added {
            for (key, span) in MARKS.iter().filter_map(|key| Some((key, record.key_span(key)?))) {
                findings.at_span(span, RuleProblem::OfAllRules(key).into());
            }
        }
        let mut reading = Reading::new(findings, &mut self.names, state_names, &mut self.files, &mut self.actions);
        let reading = &mut reading;
        let list = |key: &'static str, expected, reading: &mut Reading<'_, '_, '_>| {
            record.get(key).and_then(|node| node.list(key, expected, reading.findings)).unwrap_or_default()
        };
        for node in list("rules", "a list of rules", reading) {
            let rule = Rule::read(node, reading);
            if let (Some(written), Some(_)) = (&mut self.written, &rule) {
                written.push(node.written().into());
            }
            self.rules.extend(rule);
        }
        if let Some(node) = record.get("state") {
            self.state.extend(read_state(node, reading));
        }
        let machines = record.get("machines");
        let machines =
            machines.and_then(|node| node.map("machines", "names of machines, each with what it is", reading.findings));
        for (name, node) in machines.unwrap_or_default() {
            if let Some((other, span)) = self.machine_names.iter().find(|(other, _)| *other == name.text) {
                let (name, line) = (other.clone(), span.line);
                reading.wrong::<()>(node.span, RuleProblem::NameTaken { what: "machine", name, line });
            }
            self.machine_names.push((name.text.clone(), name.span));
            self.machines.extend(Machine::read(name, node, reading));
        }
        for node in list("correlations", "a list of correlations", reading) {
            let Some(watch) = Watch::read(node, reading) else { continue };
            if let Some(other) = self.watches.iter().find(|other| other.name == watch.name) {
                let (name, line) = (other.name.clone(), other.span.line);
                reading.wrong::<()>(node.span, RuleProblem::NameTaken { what: "correlation", name, line });
            }
            self.watches.push(watch);
        }
        if let Some(node) = record.get("require") {
            const EXPECTED: &str = "json or anything";
            self.require = match node.text("require", EXPECTED, reading.findings) {
                Some("json") => Some((true, node.span)),
                Some("anything") => Some((false, node.span)),
                Some(_) => node.wrong("require", EXPECTED, reading.findings),
                None => None,
            };
        }
        if let Some(node) = record.get("invalid_json") {
            // Of the message there is the whole text, though no pattern.
            let place = Place { groups: &[None], has_room: false };
            let responses = Response::read_all("invalid_json", node, place, reading);
            self.refusal = Some((Actions::answering(responses, reading), node.span));
        }
    }

    /// Puts the set together. If anything was wrong, it is of no use, and `findings` knows.
    pub(crate) fn finish(mut self, findings: &mut Findings<'_, '_>) -> RuleSet {
        let is_empty = self.rules.is_empty() && self.machines.is_empty() && self.watches.is_empty();
        if self.is_rules_file && is_empty && !findings.has_errors() {
            findings.about_file(RuleProblem::NoRules.into());
        }
        let machines = self.machine_names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        let correlations = self.watches.iter().map(|watch| watch.name.as_str()).collect::<Vec<_>>();
        self.names.report(&machines, &correlations, findings);
        self.names.report_rooms(findings);
        self.names.report_states(&self.machines, findings);
        report_taken_names(&self.rules, findings);
        let says_json = match self.require {
            Some((says, _)) => Some(says),
            // Beside a script, it is said or not so.
            None => (!self.is_rules_file).then_some(false),
        };
        let refusal_span = self.refusal.as_ref().map(|(_, span)| *span);
        let refusal = match self.refusal {
            Some((refusal, _)) => refusal,
            None => Actions::answering_always(self.actions, vec![Response::verbatim(INVALID_JSON)]),
        };
        self.rules.sort_by_key(|rule| std::cmp::Reverse(rule.priority));
        let set = RuleSet {
            machines: self.machines.into(),
            watches: self.watches.into(),
            state: self.state.into(),
            reads_last_message: self.names.reads_last_message,
            says_json,
            refusal: Arc::new(refusal),
            files: self.files.into_asked_for(),
            ..RuleSet::empty(findings.source().name())
        };
        let set = set.arranged(self.rules.into_iter().map(Arc::new).collect());
        if let Some(span) = refusal_span.filter(|_| set.require == Require::Anything) {
            let needs = "\"require\": \"json\"";
            findings.at_span(span, ProblemKind::Needs { key: "invalid_json", needs });
        }
        // A mistake may be why it looks so.
        if !findings.has_errors() {
            set.report_never_asked(findings);
        }
        set
    }

    /// Gives the rules out that were read to be added to `others`, in their order, each as JSON. If anything was wrong, they
    /// are of no use, and `findings` knows.
    pub(super) fn finish_beside(self, others: &RuleSet, findings: &mut Findings<'_, '_>) -> Vec<(Rule, Arc<str>)> {
        if self.rules.is_empty() && !findings.has_errors() {
            findings.about_file(RuleProblem::NoRules.into());
        }
        let machines = others.machines.iter().map(|machine| machine.name.as_str()).collect::<Vec<_>>();
        let correlations = others.watches.iter().map(|watch| watch.name.as_str()).collect::<Vec<_>>();
        self.names.report(&machines, &correlations, findings);
        self.names.report_states(&others.machines, findings);
        report_taken_names(&self.rules, findings);
        self.rules.into_iter().zip(self.written.unwrap_or_default()).collect()
    }

    /// Each of the rules as JSON, by the numbers of their actions, if that was kept.
    pub(super) fn written(&self) -> HashMap<u32, Arc<str>> {
        let numbers = self.rules.iter().map(|rule| rule.actions.number);
        numbers.zip(self.written.iter().flatten().cloned()).collect()
    }

    /// Whether a rule looks at the message that came last.
    pub(super) fn reads_last_message(&self) -> bool {
        self.names.reads_last_message
    }
}

fn report_taken_names(rules: &[Rule], findings: &mut Findings<'_, '_>) {
    let mut lines = HashMap::new();
    for rule in rules {
        let Some(name) = &rule.name else { continue };
        if let Some(line) = lines.insert(name, rule.span.line) {
            let problem = RuleProblem::NameTaken { what: "rule", name: name.clone(), line };
            findings.at_span(rule.span, problem.into());
        }
    }
}

/// Reads what connections begin with.
fn read_state(node: &Node, reading: &mut Reading<'_, '_, '_>) -> Vec<(String, Value)> {
    let entries = node.map("state", "names and their values", reading.findings).unwrap_or_default();
    let memory = Memory::default();
    let mut state = Vec::new();
    for (name, node) in entries {
        reading.state_names.sets(&name.text, name.span);
        let value = node.to_json();
        match memory.set(&name.text, value.clone()) {
            Ok(()) => state.push((name.text.clone(), value)),
            Err(error) => {
                reading.wrong::<()>(node.span, RuleProblem::Senseless(error.to_string()));
            }
        }
    }
    state
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#') || line.starts_with("//")
}

/// Whether each line of the file is a part of its own: as its name says, or else as its first line looks.
fn is_lines(findings: &Findings<'_, '_>) -> bool {
    let source = findings.source();
    let extension = Path::new(&**source.name()).extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("jsonl" | "ndjson") => true,
        Some("yaml" | "yml" | "json") => false,
        _ => {
            let first = source.text().lines().find(|line| !is_blank_or_comment(line));
            // A whole document may stand on one line, too.
            let object =
                first.and_then(|line| serde_json::from_str::<HashMap<String, serde::de::IgnoredAny>>(line).ok());
            object.is_some_and(|object| !object.contains_key("rules"))
        }
    }
}
