//! What is carried along while rules are read: where problems go, and what names were met on the way.

use ws_patterns::{Expression, Name};

use super::files_beside::FilesBeside;
use super::names::Names;
use super::problem::RuleProblem;
use crate::ProblemKind;
use crate::located::{Node, Tree};
use crate::mistaken::look_at_value;
use crate::moment::UnknownName;
use crate::setting::Setting;
use crate::source::{Findings, Span};
use crate::state_names::StateNames;
use crate::template::{Scope, Template, ValueTemplate};

/// The reading of one set of rules.
pub(super) struct Reading<'f, 's, 'a> {
    pub(super) findings: &'f mut Findings<'s, 'a>,
    pub(super) names: &'f mut Names,
    pub(super) state_names: &'f mut StateNames,
    pub(super) files: &'f mut FilesBeside,
    /// How many actions were read.
    actions: &'f mut u32,
}

impl<'f, 's, 'a> Reading<'f, 's, 'a> {
    pub(super) fn new(
        findings: &'f mut Findings<'s, 'a>,
        names: &'f mut Names,
        state_names: &'f mut StateNames,
        files: &'f mut FilesBeside,
        actions: &'f mut u32,
    ) -> Self {
        Self { findings, names, state_names, files, actions }
    }

    /// Reports what is wrong; for places that then have no value.
    pub(super) fn wrong<T>(&mut self, span: Span, problem: RuleProblem) -> Option<T> {
        self.findings.at_span(span, problem.into());
        None
    }

    /// What was understood of `key`'s value, or a problem there.
    pub(super) fn understood<T>(&mut self, key: &'static str, node: &Node, read: Result<T, String>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(reason) => self.wrong(node.span, RuleProblem::Pattern { key, reason }),
        }
    }

    /// The number of the next actions, from 0.
    pub(super) fn next_number(&mut self) -> u32 {
        let number = *self.actions;
        *self.actions += 1;
        number
    }

    /// Compiles a text as a template; what is doubtful about it is reported. `groups` are those of the pattern before it,
    /// the whole match first: none if there is no message.
    pub(super) fn template(&mut self, key: &'static str, node: &Node, groups: &[Option<String>]) -> Option<Template> {
        let text = node.text(key, "a text (in quotes, if it begins with a brace)", self.findings)?;
        let (span, findings) = (node.span, &mut *self.findings);
        let template = Template::compile(text.to_owned(), Scope { key, groups, open: false }, |range, doubt| {
            findings.at_within(span, text, range, doubt.0);
        });
        self.note(template.names().collect(), span);
        Some(template)
    }

    /// Compiles a value whose texts are templates.
    pub(super) fn setting(&mut self, key: &'static str, node: &Node, groups: &[Option<String>]) -> Setting {
        Setting::compile(node, &mut |text, span| {
            let findings = &mut *self.findings;
            if ["set", "set_room"].contains(&key) {
                look_at_value(key, text, span, findings);
            }
            let scope = Scope { key, groups, open: false };
            let template = ValueTemplate::compile(text.to_owned(), scope, |range, doubt| {
                findings.at_within(span, text, range, doubt.0);
            });
            self.note(template.names().collect(), span);
            template
        })
    }

    fn note(&mut self, names: Vec<&Name>, span: Span) {
        self.state_names.reads(names.iter().copied(), span, self.findings);
        self.names.reads(names, span);
    }

    /// Compiles a condition. `groups` as for a template.
    pub(super) fn condition(
        &mut self,
        key: &'static str,
        node: &Node,
        groups: &[Option<String>],
    ) -> Option<Expression> {
        let written = match &node.value {
            // `when: true`
            Tree::Bool(value) => value.to_string(),
            _ => node.text(key, "a condition such as state.step == 2", self.findings)?.to_owned(),
        };
        let expression = match Expression::parse(&written) {
            Ok(expression) => expression,
            Err(error) => {
                let at = error.offset().min(written.len());
                let kind = RuleProblem::Pattern { key, reason: error.problem().to_owned() }.into();
                self.findings.at_within(node.span, &written, at..written.len().min(at + 1), kind);
                return None;
            }
        };
        let groups = groups.iter().flatten().map(String::as_str);
        if let Err(UnknownName { name, nearest }) = UnknownName::check_all(&expression, groups) {
            let at = written.find(&name).map_or(0..written.len(), |at| at..at + name.len());
            self.findings.at_within(node.span, &written, at, ProblemKind::UnknownName { name, nearest });
            return None;
        }
        self.note(expression.names().collect(), node.span);
        self.names.compares(&expression, node.span, self.findings);
        Some(expression)
    }
}
