//! One `state` for all versions of a script.
//!
//! Each version has an engine of its own, and so a value of its own. Before a turn of a past version its value is changed as
//! that of the present one was, and after the turn the other way round: in place, so whoever holds a part of it goes on to
//! hold that part. This never fails a turn, and nobody is told but the log.

use std::time::Duration;

use crate::difference::difference;
use crate::instance::Instance;
use crate::turn::cpu_time;
use crate::{ScriptError, ScriptErrorKind};

/// What a past version and the present one know of each other.
pub(crate) struct Sharing {
    /// The `state` that both had last, as JSON.
    last: String,
    /// What the past version wrote then, where it did not take all of it.
    own: Option<String>,
    /// The last turn of the present version that the past one has seen.
    seen: u64,
    is_warned: bool,
    /// They share nothing any more: it took too much.
    is_over: bool,
}

type Step = fn(&mut Sharing, &mut Instance, &mut Instance) -> Result<(), ScriptError>;

impl Sharing {
    /// Begins with what the new version was given by the old one.
    pub(crate) fn new(state: String) -> Self {
        Self { last: state, own: None, seen: 0, is_warned: false, is_over: false }
    }

    /// Runs turns of a past version with the state of the present one.
    pub(crate) fn run<T>(
        &mut self,
        past: &mut Instance,
        present: &mut Instance,
        turns: impl FnOnce(&mut Instance) -> T,
    ) -> T {
        let is_shared = self.take(Self::fetch, past, present);
        let given = turns(past);
        if is_shared {
            self.take(Self::store, past, present);
        }
        given
    }

    fn fetch(&mut self, past: &mut Instance, present: &mut Instance) -> Result<(), ScriptError> {
        if self.seen == present.last_turn() {
            return Ok(());
        }
        let now = present.state()?;
        if let Some(change) = difference(&self.last, &now) {
            let takes_all = past.change_state(&change)?;
            // What it did not take is no change of its own.
            self.own = if takes_all { None } else { Some(past.state()?) };
            self.last = now;
        }
        self.seen = present.last_turn();
        Ok(())
    }

    fn store(&mut self, past: &mut Instance, present: &mut Instance) -> Result<(), ScriptError> {
        let now = past.state()?;
        let before = self.own.as_ref().unwrap_or(&self.last);
        if let Some(change) = difference(before, &now) {
            let takes_all = present.change_state(&change)?;
            // What it did not take, it gives back.
            self.seen = if takes_all { present.last_turn() } else { 0 };
            (self.last, self.own) = (now, None);
        }
        Ok(())
    }

    /// Takes a step, and says whether that could be done. What goes beyond the limits of a turn is not tried again.
    fn take(&mut self, step: Step, past: &mut Instance, present: &mut Instance) -> bool {
        if self.is_over || past.broken().is_some() || present.broken().is_some() {
            return false;
        }
        let (started, limit) = (cpu_time(), past.limits().time);
        let taken = step(self, past, present);
        // The engine's own functions are asked by nobody while they run.
        let taken = taken.and_then(|()| within(limit, cpu_time().saturating_sub(started), past.name()));
        if let Err(error) = &taken {
            self.is_over = error.is_limit();
            if !std::mem::replace(&mut self.is_warned, true) {
                tracing::warn!(target: "script", "{error}: what an old version changes in `state` is lost meanwhile");
            }
        }
        taken.is_ok()
    }
}

fn within(limit: Duration, took: Duration, name: &str) -> Result<(), ScriptError> {
    if took <= limit {
        return Ok(());
    }
    let message = format!("its `state` took longer than {limit:?} to be shared");
    Err(ScriptError::new(ScriptErrorKind::Time, name, message))
}
