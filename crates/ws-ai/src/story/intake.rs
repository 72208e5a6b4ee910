//! What of an answer is taken.

use std::sync::Arc;

use super::recent::Recent;
use super::tray::Tray;
use crate::engine::Engine;
use crate::reply::Reject;
use crate::{Draft, RejectKind};

/// The most reasons that go into the next request.
const MOST_COMPLAINTS: usize = 4;
/// The most bytes of a reason.
const MOST_BYTES: usize = 200;

/// Looks at every event that a provider writes, and puts the valid ones on the tray.
pub(super) struct Intake {
    engine: Arc<Engine>,
    tray: Arc<Tray>,
    pub(super) recent: Recent,
    /// How many events are wanted of the present answer.
    wanted: usize,
    /// Those of the present answer that were taken.
    taken: Vec<Draft>,
    repetitions: Repetitions,
    complaints: Vec<String>,
}

/// What is done with an event that repeats one shortly before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repetitions {
    /// It is asked for another.
    Refused,
    /// It was asked for another, and that repeats, too.
    RefusedOnce,
    /// It is taken: it may be right, a schema may allow nothing else.
    Taken,
}

impl Intake {
    pub(super) fn new(engine: Arc<Engine>, tray: Arc<Tray>) -> Self {
        let (taken, complaints, repetitions) = (Vec::new(), Vec::new(), Repetitions::Refused);
        Self { engine, tray, recent: Recent::default(), wanted: 0, taken, repetitions, complaints }
    }

    /// An answer begins, in which `wanted` events are wanted. Whoever writes at once repeats knowingly.
    pub(super) fn begin(&mut self, wanted: usize, is_instant: bool) {
        self.repetitions = match self.repetitions {
            Repetitions::RefusedOnce => Repetitions::Taken,
            _ if is_instant => Repetitions::Taken,
            _ => Repetitions::Refused,
        };
        self.wanted = wanted;
        self.taken.clear();
        self.complaints.clear();
    }

    /// What comes next was taken before, and is again.
    pub(super) fn trust(&mut self) {
        self.repetitions = Repetitions::Taken;
    }

    /// The events of the present answer that were taken.
    pub(super) fn taken(&self) -> &[Draft] {
        &self.taken
    }

    /// Why others were not.
    pub(super) fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// Whether all wanted events are there. What follows them is ignored.
    pub(super) fn is_satisfied(&self) -> bool {
        self.taken.len() >= self.wanted
    }

    /// Takes an event, or notes why not.
    pub(super) fn look_at(&mut self, found: Result<Draft, Reject>) {
        if self.is_satisfied() {
            return;
        }
        match found.and_then(|draft| self.check(draft)) {
            Ok(draft) => {
                self.engine.meter.took_event();
                self.recent.add(draft.clone());
                self.taken.push(draft.clone());
                self.tray.put(draft);
            }
            Err(Reject { kind, reason }) => {
                self.engine.meter.rejected(kind);
                self.complain(reason);
            }
        }
    }

    fn check(&mut self, draft: Draft) -> Result<Draft, Reject> {
        if let Some(schema) = &self.engine.schema {
            schema.check(&draft.data).map_err(|reason| Reject { kind: RejectKind::Schema, reason })?;
        }
        if self.repetitions != Repetitions::Taken && self.recent.repeats(&draft) {
            self.repetitions = Repetitions::RefusedOnce;
            let reason = format!("an event of the type `{}` repeats one shortly before it, word for word", draft.kind);
            return Err(Reject { kind: RejectKind::Repeated, reason });
        }
        Ok(draft)
    }

    fn complain(&mut self, mut reason: String) {
        reason.truncate(reason.floor_char_boundary(MOST_BYTES));
        if self.complaints.len() < MOST_COMPLAINTS && !self.complaints.contains(&reason) {
            self.complaints.push(reason);
        }
    }
}
