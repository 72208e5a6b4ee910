//! The names of the steps of a session, and the jumps to them.

use std::collections::BTreeMap;

use super::logic::Repeat;
use super::step::Step;
use crate::ProblemKind;
use crate::located::Node;
use crate::source::Findings;
use ws_patterns::nearest;

/// The name under which the end of a script can be jumped to.
const END: &str = "end";

/// The names that were given so far, with the number of the step and the line of the name.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, (usize, usize)>);

impl Names {
    /// Gives the step of this number a name. That it cannot be one is reported.
    pub(super) fn add(&mut self, node: &Node, number: usize, findings: &mut Findings<'_, '_>) {
        const EXPECTED: &str = "a name that is not \"end\", which is the end of the script";
        let Some(name) = node.text("step_id", EXPECTED, findings) else { return };
        if name.is_empty() || name == END {
            return node.wrong("step_id", EXPECTED, findings).unwrap_or_default();
        }
        match self.0.get(name) {
            Some(&(_, line)) => findings.at_span(node.span, ProblemKind::StepTwice { name: name.to_owned(), line }),
            None => {
                self.0.insert(name.to_owned(), (number, node.span.line));
            }
        }
    }

    /// Tells all jumps where they lead, when all names are known.
    pub(super) fn resolve(&self, steps: &mut [Step], findings: &mut Findings<'_, '_>) {
        let end = steps.len();
        let in_background: Vec<bool> = steps.iter().map(repeats_in_background).collect();
        for logic in steps.iter_mut().filter_map(|step| step.logic.as_deref_mut()) {
            for (key, jump) in logic.names_mut() {
                match self.0.get(&*jump.name) {
                    Some((number, _)) if key == "stop" && in_background.get(*number) != Some(&true) => {
                        findings.at_span(jump.at, ProblemKind::NotInBackground(jump.name.to_string()));
                    }
                    Some((number, _)) => jump.to = *number,
                    None if *jump.name == *END && key != "stop" => jump.to = end,
                    None => {
                        jump.to = end;
                        let name = jump.name.to_string();
                        let nearest = nearest(&name, self.0.keys().map(String::as_str)).map(str::to_owned);
                        findings.at_span(jump.at, ProblemKind::UnknownStep { key, name, nearest });
                    }
                }
            }
        }
    }
}

fn repeats_in_background(step: &Step) -> bool {
    step.logic.as_ref().is_some_and(|logic| matches!(logic.repeat, Repeat::Background { .. }))
}
