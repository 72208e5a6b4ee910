//! Which names rules read and set, so that slips in them are found when a file is read.

use ws_patterns::{Expression, Name};

use super::machines::Machine;
use super::problem::RuleProblem;
use crate::source::{Findings, Span};
use ws_patterns::nearest;

/// The names that a set of rules reads and sets, each with its place; those of the state are collected elsewhere, as scripts
/// have them, too.
#[derive(Debug, Default)]
pub(crate) struct Names {
    room_read: Vec<(String, Span)>,
    room_set: Vec<(String, Span)>,
    machines: Vec<(String, Span)>,
    correlations: Vec<(String, Span)>,
    /// Machines, each with a state that it is compared with.
    states: Vec<(String, String, Span)>,
    pub(super) reads_last_message: bool,
}

impl Names {
    /// Takes note of the names in an expression or template, which is written at `span`.
    pub(super) fn reads(&mut self, names: Vec<&Name>, span: Span) {
        for name in names {
            self.reads_last_message |= name.root() == "lastMessage";
            let Some(first) = name.rest().first() else { continue };
            let known = match name.root() {
                "room" => &mut self.room_read,
                "machine" => &mut self.machines,
                "correlation" => &mut self.correlations,
                _ => continue,
            };
            known.push((first.clone(), span));
        }
    }

    /// Takes note of the states that a condition, written at `span`, compares machines with.
    pub(super) fn compares(&mut self, condition: &Expression, span: Span, findings: &Findings<'_, '_>) {
        for (name, value) in condition.compared().filter(|(name, _)| name.root() == "machine") {
            let ([machine], Some(state)) = (name.rest(), value.as_str()) else { continue };
            let written = condition.as_str();
            let from = written.find(&name.to_string()).unwrap_or_default();
            let at = written[from..].find(state).map_or(0..written.len(), |at| from + at..from + at + state.len());
            self.states.push((machine.clone(), state.to_owned(), findings.source().within(span, written, at)));
        }
    }

    /// Reports states that a machine is compared with and does not have.
    pub(super) fn report_states(&self, machines: &[Machine], findings: &mut Findings<'_, '_>) {
        for (machine, name, span) in &self.states {
            let Some(known) = machines.iter().find(|known| known.name == *machine) else { continue };
            if !known.machine.states().any(|state| state == name) {
                let nearest = nearest(name, known.machine.states()).map(str::to_owned);
                let problem = RuleProblem::NoSuchState { machine: machine.clone(), name: name.clone(), nearest };
                findings.at_span(*span, problem.into());
            }
        }
    }

    pub(super) fn sets_room(&mut self, name: &str, span: Span) {
        self.room_set.push((name.to_owned(), span));
    }

    /// Reports machines and correlations that there are not.
    pub(super) fn report(&self, machines: &[&str], correlations: &[&str], findings: &mut Findings<'_, '_>) {
        let uses = [("machine", &self.machines, machines), ("correlation", &self.correlations, correlations)];
        for (what, used, known) in uses {
            for (name, span) in used.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
                let nearest = nearest(name, known.iter().copied()).map(str::to_owned);
                findings.at_span(*span, RuleProblem::Unknown { what, name: name.clone(), nearest }.into());
            }
        }
    }

    /// Reports names of rooms' values that are only read or only set.
    pub(super) fn report_rooms(&self, findings: &mut Findings<'_, '_>) {
        if findings.has_errors() {
            return;
        }
        for (name, span) in only_in(&self.room_read, &self.room_set) {
            let nearest = nearest(name, self.room_set.iter().map(|(name, _)| name.as_str())).map(str::to_owned);
            findings.at_span(span, RuleProblem::RoomNeverSet { name: name.to_owned(), nearest }.into());
        }
        for (name, span) in only_in(&self.room_set, &self.room_read) {
            findings.at_span(span, RuleProblem::RoomNeverRead { name: name.to_owned() }.into());
        }
    }
}

/// The names of `these` that are not among the `others`, each once, at its first place.
fn only_in<'n>(these: &'n [(String, Span)], others: &[(String, Span)]) -> Vec<(&'n str, Span)> {
    let mut found = Vec::<(&str, Span)>::new();
    for (name, span) in these {
        if others.iter().all(|(other, _)| other != name) && found.iter().all(|(known, _)| known != name) {
            found.push((name, *span));
        }
    }
    found
}
