//! Rules that come and go one by one while connections follow them.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::reader::RuleReader;
use super::rule::Rule;
use super::{RuleProblem, RuleSet};
use crate::source::{Findings, Source};
use crate::state_names::StateNames;
use crate::{Problem, ReplayErrors};

/// Rules of which each can be added, replaced and taken away alone. It never changes: each change makes another book, with another
/// [`RuleSet`].
///
/// A connection that goes from one of these sets over to the next loses nothing: beside what lives on with any new version of
/// rules (see [`RuleHandler`](crate::RuleHandler)), answers that take turns go on where they are, but for the rule that was
/// replaced.
///
/// Each rule has an id: its name, or else one that is made and stays the same. Rules with a higher priority are asked first; among those
/// of the same, the ones that are added stand behind or in front of the others, as is said, and one that takes the place of another
/// stands where that stood.
///
/// ```
/// use ws_replay::{RuleBook, RulePosition};
///
/// let book = RuleBook::parse("rules: [{name: hello, match: ^hello$, response: hi}]", "rules.yaml")?;
/// let (book, change) = book.with("{match: '^h', response: what?}", RulePosition::Last)?;
/// let ids: Vec<_> = book.list().map(|rule| rule.id).collect();
/// assert_eq!(ids, ["hello", "rule-3"]);
/// assert_eq!(&*change.ids[0], "rule-3");
/// let book = book.without("hello").unwrap();
/// assert_eq!(book.rules().summary().rules, 1);
/// # Ok::<(), ws_replay::ReplayErrors>(())
/// ```
#[derive(Debug, Clone)]
pub struct RuleBook {
    rules: Arc<RuleSet>,
    /// Beside each of the rules.
    entries: Vec<Entry>,
    /// How many actions were numbered: no number is given twice.
    actions: u32,
}

#[derive(Debug, Clone)]
struct Entry {
    id: Arc<str>,
    written: Arc<str>,
    is_added: bool,
}

/// Where rules stand that are added, among those of the same priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RulePosition {
    /// In front of all.
    First,
    /// Behind all.
    #[default]
    Last,
}

/// A rule of a [`RuleBook`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedRule<'b> {
    /// Its id.
    pub id: &'b str,
    /// Its name, if it has one.
    pub name: Option<&'b str>,
    /// Its priority; those with higher ones are asked first.
    pub priority: i64,
    /// How the journal and logs call it when it takes a message.
    pub called: &'b str,
    /// The rule as JSON.
    pub written: &'b str,
}

/// What a change of a [`RuleBook`] came to.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RuleChange {
    /// The ids of the rules that are new, in the order in which they were written.
    pub ids: Vec<Arc<str>>,
    /// What is doubtful in them; they are followed all the same.
    pub warnings: Vec<Problem>,
}

/// Where new rules go.
enum Place {
    Beside(RulePosition),
    /// Instead of the rule of this number.
    Of(usize),
}

/// How mistakes call what is added.
const ADDED: &str = "added rules";

impl RuleBook {
    /// Nothing yet; the rules will be called `name`, as a file.
    #[must_use]
    pub fn empty(name: &str) -> Self {
        Self { rules: Arc::new(RuleSet::empty(&name.into())), entries: Vec::new(), actions: 1 }
    }

    /// Reads a rules file, as [`RuleSet::parse`] does.
    ///
    /// # Errors
    /// All mistakes of the text, each with its place; or that it is larger than [`RuleSet::MAX_FILE_BYTES`].
    pub fn parse(text: &str, name: &str) -> Result<Self, ReplayErrors> {
        within_limit(text, name)?;
        let (mut written, mut actions) = (HashMap::new(), 0);
        let mut look = |reader: &RuleReader| (written, actions) = (reader.written(), reader.actions + 1);
        let rules = RuleSet::parse_by(&mut look, RuleReader::of_book(), text, name)?;
        let mut taken: HashSet<Arc<str>> =
            rules.rules.iter().filter_map(|rule| rule.name.as_deref().map(Arc::from)).collect();
        let entries = rules.rules.iter().map(|rule| Entry {
            id: id_of(rule, &mut taken),
            written: written.remove(&rule.actions.number).unwrap_or_default(),
            is_added: false,
        });
        let entries = entries.collect();
        Ok(Self { rules: Arc::new(rules), entries, actions })
    }

    /// The set that is followed.
    #[must_use]
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// All rules, in the order in which they are asked.
    pub fn list(&self) -> impl Iterator<Item = ListedRule<'_>> {
        let rules = self.rules.rules.iter().zip(&self.rules.rule_names).zip(&self.entries);
        rules.map(|((rule, called), entry)| ListedRule {
            id: &entry.id,
            name: rule.name.as_deref(),
            priority: rule.priority,
            called,
            written: &entry.written,
        })
    }

    /// Whether there is nothing to follow: no rule, no machine, no correlation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.rules.machines.is_empty() && self.rules.watches.is_empty()
    }

    /// How long all rules are together that were added, in bytes of JSON.
    #[must_use]
    pub fn added_bytes(&self) -> usize {
        self.entries.iter().filter(|entry| entry.is_added).map(|entry| entry.written.len()).sum()
    }

    /// Adds the rules of a text: a rules file with nothing but rules, or one rule by itself.
    ///
    /// # Errors
    /// All mistakes of the text, among them names that other rules have.
    pub fn with(&self, text: &str, position: RulePosition) -> Result<(Self, RuleChange), ReplayErrors> {
        self.changed(text, &Place::Beside(position))
    }

    /// Puts the rule of a text in the place of the one with this id, which it keeps; `None`, if there is no such rule.
    ///
    /// # Errors
    /// All mistakes of the text, which must have one rule, without a name or with that id.
    pub fn with_replaced(&self, id: &str, text: &str) -> Result<Option<(Self, RuleChange)>, ReplayErrors> {
        self.position(id).map(|number| self.changed(text, &Place::Of(number))).transpose()
    }

    /// Takes a rule away; `None`, if there is none with this id.
    #[must_use]
    pub fn without(&self, id: &str) -> Option<Self> {
        let number = self.position(id)?;
        let (mut rules, mut entries) = (self.rules.rules.clone(), self.entries.clone());
        rules.remove(number);
        entries.remove(number);
        Some(Self { rules: Arc::new(self.rules.with_rules(rules, false)), entries, actions: self.actions })
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.entries.iter().position(|entry| *entry.id == *id)
    }

    fn changed(&self, text: &str, place: &Place) -> Result<(Self, RuleChange), ReplayErrors> {
        within_limit(text, ADDED)?;
        let source = Source::new(ADDED.into(), text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut findings = Findings::new(&source);
        let mut reader = RuleReader::of_added(self.actions);
        reader.read_file(&mut StateNames::default(), &mut findings);
        let (actions, reads_last_message) = (reader.actions, reader.reads_last_message());
        let read = reader.finish_beside(&self.rules, &mut findings);
        self.check(&read, place, &mut findings);
        if findings.has_errors() {
            return match findings.into_result() {
                Err(errors) => Err(errors),
                Ok(warnings) => Ok((self.clone(), RuleChange { ids: Vec::new(), warnings })),
            };
        }

        let mut taken: HashSet<_> = self.entries.iter().map(|entry| Arc::clone(&entry.id)).collect();
        taken.extend(read.iter().filter_map(|(rule, _)| rule.name.as_deref().map(Arc::from)));
        let new = read.into_iter().map(|(mut rule, written)| {
            let id = match place {
                Place::Of(number) => Arc::clone(&self.entries[*number].id),
                Place::Beside(_) => id_of(&rule, &mut taken),
            };
            rule.added_as = Some(format!("added rule {id}").into());
            (Arc::new(rule), Entry { id, written, is_added: true })
        });
        let new: Vec<_> = new.collect();
        let change =
            |warnings| RuleChange { ids: new.iter().map(|(_, entry)| Arc::clone(&entry.id)).collect(), warnings };
        let mut all: Vec<_> = self.rules.rules.iter().cloned().zip(self.entries.iter().cloned()).collect();
        let instead_of = match place {
            Place::Beside(RulePosition::First) => 0..0,
            Place::Beside(RulePosition::Last) => all.len()..all.len(),
            Place::Of(number) => *number..*number + 1,
        };
        all.splice(instead_of, new.iter().cloned());
        all.sort_by_key(|(rule, _)| Reverse(rule.priority));
        let (rules, entries): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        let rules = self.rules.with_rules(rules, reads_last_message);
        let covered = rules.covered();
        for (number, other) in (0..rules.rules.len()).filter_map(|number| Some((number, covered.get(&number)?))) {
            if new.iter().any(|(rule, _)| Arc::ptr_eq(rule, &rules.rules[number])) {
                let kind = RuleProblem::NeverAskedBehind(entries[*other].id.to_string());
                findings.at_span(rules.rules[number].span, kind.into());
            }
        }
        let change = change(findings.into_result()?);
        Ok((Self { rules: Arc::new(rules), entries, actions }, change))
    }

    /// Whether rules that were read may stand there, by their names and their number.
    fn check(&self, read: &[(Rule, Arc<str>)], place: &Place, findings: &mut Findings<'_, '_>) {
        match place {
            Place::Beside(_) => {
                for (rule, _) in read {
                    if let Some(name) = rule.name.as_deref().filter(|name| self.position(name).is_some()) {
                        findings.at_span(rule.span, RuleProblem::IdTaken(name.to_owned()).into());
                    }
                }
            }
            Place::Of(number) => match read {
                [(rule, _)] => {
                    let id = &self.entries[*number].id;
                    if rule.name.as_deref().is_some_and(|name| *name != **id) {
                        findings.at_span(rule.span, RuleProblem::OtherName { id: id.to_string() }.into());
                    }
                }
                _ if findings.has_errors() => {}
                several => findings.about_file(RuleProblem::NotOne(several.len()).into()),
            },
        }
    }
}

/// The name of a rule, or an id that nobody has.
fn id_of(rule: &Rule, taken: &mut HashSet<Arc<str>>) -> Arc<str> {
    if let Some(name) = &rule.name {
        return name.as_str().into();
    }
    let mut id = format!("rule-{}", u64::from(rule.actions.number) + 1);
    while taken.contains(id.as_str()) {
        id.push('_');
    }
    let id: Arc<str> = id.into();
    taken.insert(Arc::clone(&id));
    id
}

fn within_limit(text: &str, name: &str) -> Result<(), ReplayErrors> {
    if text.len() as u64 > RuleSet::MAX_FILE_BYTES {
        let kind = RuleProblem::TooLarge { limit: RuleSet::MAX_FILE_BYTES };
        return Err(ReplayErrors::single(Problem::of_file(name.into(), kind.into())));
    }
    Ok(())
}
