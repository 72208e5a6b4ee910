//! A script's `state`, as its other versions see and change it.
//!
//! Nobody pays for these turns: a limit that is hit in one is an error of that turn, and closes no connection.

use rquickjs::Ctx;

use super::Instance;
use crate::ScriptError;
use crate::prelude::Prelude;

impl Instance {
    /// The script's `state`, as JSON.
    ///
    /// # Errors
    /// It is nothing that JSON can write.
    pub(crate) fn state(&mut self) -> Result<String, ScriptError> {
        self.aside(|ctx, prelude| prelude.get_state.clone().restore(ctx)?.call(()))
    }

    /// Changes the script's `state` as it was changed elsewhere, by what [`difference`](crate::difference::difference) has
    /// written. Objects and arrays stay the ones that they are. It fills at most three quarters of the memory.
    ///
    /// Says whether all of it could be done: values of the script's own kinds stay as they are.
    ///
    /// # Errors
    /// There is too much of it, or it does not fit to what is there. Some of it may be changed then.
    pub(crate) fn change_state(&mut self, change: &str) -> Result<bool, ScriptError> {
        self.engine.memory.lower(true);
        let changed = self.aside(|ctx, prelude| prelude.change_state.clone().restore(ctx)?.call((change,)));
        self.engine.memory.lower(false);
        changed
    }

    fn aside<T: Clone>(
        &mut self,
        start: impl FnOnce(&Ctx<'_>, &Prelude) -> rquickjs::Result<T>,
    ) -> Result<T, ScriptError> {
        let time = self.limits().time;
        let (result, limit) = self.run(time, None, start, |_, _, given| Ok(given.clone()));
        limit.map_or(result, Err)
    }
}
