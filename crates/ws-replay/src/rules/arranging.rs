//! Putting a set together from its parts: which rule is asked when, what must be JSON, and what is decided.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ws_patterns::{MessagePattern, PatternSet};

use super::actions::Actions;
use super::checks::{Check, CheckKey};
use super::correlations::Watch;
use super::machines::Machine;
use super::matching::MessageType;
use super::problem::RuleProblem;
use super::reader::INVALID_JSON;
use super::response::Response;
use super::rule::Rule;
use super::{Require, RuleSet};
use crate::source::Findings;
use crate::state_names::StateNames;

impl RuleSet {
    /// A set without anything.
    pub(super) fn empty(name: &Arc<str>) -> Self {
        Self {
            name: Arc::clone(name),
            rules: Vec::new(),
            rule_names: Vec::new(),
            machine_names: Vec::new(),
            text_rules: Vec::new(),
            index: PatternSet::new([]),
            machines: Arc::from([]),
            watches: Arc::from([]),
            state: Arc::from([]),
            checks: Vec::new(),
            reads_last_message: false,
            require: Require::Anything,
            says_json: None,
            refusal: Arc::new(Actions::answering_always(0, vec![Response::verbatim(INVALID_JSON)])),
            lineage: Arc::new(()),
            state_names: StateNames::default(),
            warnings: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Another version of it with these rules, which stand in the order in which they are asked.
    pub(super) fn with_rules(&self, rules: Vec<Arc<Rule>>, reads_last_message: bool) -> Self {
        let version = Self {
            machines: Arc::clone(&self.machines),
            watches: Arc::clone(&self.watches),
            state: Arc::clone(&self.state),
            reads_last_message: self.reads_last_message || reads_last_message,
            says_json: self.says_json,
            refusal: Arc::clone(&self.refusal),
            lineage: Arc::clone(&self.lineage),
            ..Self::empty(&self.name)
        };
        version.arranged(rules)
    }

    /// The same with these rules, which stand in the order in which they are asked.
    pub(super) fn arranged(self, rules: Vec<Arc<Rule>>) -> Self {
        let is_about_text = |number: &usize| rules[*number].matching.message_type == MessageType::Text;
        let text_rules: Vec<usize> = (0..rules.len()).filter(is_about_text).collect();
        let machine_name = |machine: &Machine| format!("{}: machine {}", self.name, machine.name).into();
        let mut set = Self {
            rule_names: rules.iter().map(|rule| rule.called(&self.name).into()).collect(),
            machine_names: self.machines.iter().map(machine_name).collect(),
            index: PatternSet::new(text_rules.iter().map(|number| rules[*number].matching.first_pattern())),
            text_rules,
            rules,
            ..self
        };
        set.require = set.requirement();
        set.checks = set.all_checks();
        set
    }

    /// Whether it was made of the same set by adding and taking away: what is in both is the very same then.
    pub(super) fn goes_on(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.lineage, &other.lineage)
    }

    /// The numbers of all actions.
    pub(super) fn numbers(&self) -> HashSet<u32> {
        self.all_actions().chain([&*self.refusal]).map(|actions| actions.number).collect()
    }

    fn all_actions(&self) -> impl Iterator<Item = &Actions> {
        let of_rules = self.rules.iter().map(|rule| &rule.actions);
        let of_machines = self.machines.iter().flat_map(Machine::actions);
        of_rules.chain(of_machines).chain(self.watches.iter().flat_map(Watch::actions))
    }

    fn requirement(&self) -> Require {
        let mut texts = self.rules.iter().filter(|rule| rule.matching.message_type == MessageType::Text).peekable();
        let moved_by = || self.machines.iter().flat_map(Machine::patterns);
        match self.says_json {
            Some(true) => Require::Json,
            Some(false) => Require::Anything,
            None if texts.peek().is_none() && moved_by().next().is_none() => Require::Anything,
            None if texts.all(|rule| rule.matching.needs_json()) && moved_by().all(MessagePattern::needs_json) => {
                Require::JsonByDefault
            }
            None => Require::Anything,
        }
    }

    /// Rules behind one that takes all of their messages, in the order in which they are asked.
    pub(super) fn report_never_asked(&self, findings: &mut Findings<'_, '_>) {
        let covered = self.covered();
        for (number, rule) in self.rules.iter().enumerate() {
            if let Some(other) = covered.get(&number) {
                let line = self.rules[*other].span.line;
                findings.at_span(rule.span, RuleProblem::NeverAsked { line }.into());
            } else if self.require == Require::Json && rule.matching.takes_no_json() {
                findings.at_span(rule.span, RuleProblem::NeverJson.into());
            }
        }
    }

    /// Rules behind one that takes all of their messages, each with that one.
    pub(super) fn covered(&self) -> HashMap<usize, usize> {
        let (mut covered, mut taken, mut all_texts) = (HashMap::new(), HashMap::new(), None);
        for (number, rule) in self.rules.iter().enumerate() {
            let is_text = rule.matching.message_type == MessageType::Text;
            let written = rule.matching.to_string();
            if let Some(other) = taken.get(&written).copied().or(all_texts.filter(|_| is_text)) {
                covered.insert(number, other);
            }
            if rule.when.is_none() {
                taken.entry(written).or_insert(number);
                if rule.matching.takes_every_text() {
                    all_texts.get_or_insert(number);
                }
            }
        }
        covered
    }

    /// What sessions decide, in the order of the file; behind that, what rules decide that were added.
    fn all_checks(&self) -> Vec<Check> {
        let rules = self.rules.iter().map(|rule| (Some(&**rule), &rule.actions));
        let machines = self.machines.iter().flat_map(Machine::actions);
        let others = machines.chain(self.watches.iter().flat_map(Watch::actions)).map(|actions| (None, actions));
        let of_actions = rules.chain(others).filter_map(|(rule, actions)| {
            let check = actions.check()?;
            let place = match rule {
                Some(rule) => rule.place(&self.name, check.line),
                None => format!("{}:{}", self.name, check.line),
            };
            let decided = Check {
                key: CheckKey::Actions(actions.number),
                place,
                description: check.description.clone(),
                fails: !check.passes,
            };
            Some(((rule.is_some_and(|rule| rule.added_as.is_some()), check.line), decided))
        });
        // What is done about a violation decides what it means.
        let duties = self.watches.iter().enumerate().filter(|(_, watch)| watch.is_duty && watch.on_violated.is_none());
        let of_duties = duties.map(|(number, watch)| {
            let decided = Check {
                key: CheckKey::Correlation(number),
                place: format!("{}:{}", self.name, watch.span.line),
                description: watch.name.clone(),
                fails: false,
            };
            ((false, watch.span.line), decided)
        });
        let mut checks: Vec<_> = of_actions.chain(of_duties).collect();
        checks.sort_by_key(|(order, _)| *order);
        checks.into_iter().map(|(_, check)| check).collect()
    }
}
