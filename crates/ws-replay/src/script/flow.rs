//! Which entries of a session can be reached from its beginning.
//!
//! It looks at where jumps lead, not at whether they are ever taken.

use super::session::Session;
use crate::ProblemKind;
use crate::source::Findings;

/// Reports the entries that nothing leads to: one doubt for each run of them. Where entries are wrong, nothing can be said.
pub(super) fn check(session: &Session, findings: &mut Findings<'_, '_>) {
    if findings.has_errors() {
        return;
    }
    let is_reached = reached(session);
    let mut number = 0;
    while number < is_reached.len() {
        let entries = is_reached[number..].iter().take_while(|is_reached| !**is_reached).count();
        if entries > 0 {
            let place = findings.source().line_span(session.steps[number].line);
            findings.at_span(place, ProblemKind::Unreachable { entries });
        }
        number += entries.max(1);
    }
}

fn reached(session: &Session) -> Vec<bool> {
    let mut is_reached = vec![false; session.steps.len()];
    let mut open = vec![0];
    while let Some(number) = open.pop() {
        // The end has no step.
        let (Some(step), Some(seen)) = (session.steps.get(number), is_reached.get_mut(number)) else { continue };
        if !std::mem::replace(seen, true) {
            open.extend(step.jumps().map(|(_, jump)| jump.to));
            open.extend(session.follows(number));
        }
    }
    is_reached
}
