//! One runtime of a script: its engine, its callbacks, and what of it still runs.
//!
//! It lives on the script's thread. Everything that runs JavaScript is a turn, with a limit; between turns no job waits.

mod calls;
mod engine;
mod fault;
mod memory;
mod state;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Object, Persistent, Runtime, Value};
use tokio::time::Instant;

use self::calls::PendingCall;
pub(crate) use self::calls::{Answer, Call, Done};
pub(crate) use self::engine::Plan;
use self::memory::Memory;
use crate::exports::Callbacks;
use crate::limits::OnFault;
use crate::module::{Loaded, Modules};
use crate::native::{Finished, Shared};
use crate::prelude::Prelude;
use crate::seat::Key;
use crate::{ScriptError, ScriptErrorKind, ScriptLimits};

/// A loaded script.
pub(crate) struct Instance {
    // What holds values of the engine comes before the engine: fields are dropped in this order.
    callbacks: Callbacks,
    prelude: Prelude,
    contexts: HashMap<Key, Persistent<Object<'static>>>,
    calls: HashMap<u64, PendingCall>,
    last_call: u64,
    last_turn: u64,
    /// Connections whose last call is over.
    departed: Vec<Key>,
    shared: Rc<Shared>,
    modules: Modules,
    /// Why this runtime cannot go on, once that is so.
    broken: Option<ScriptError>,
    engine: Engine,
}

/// The engine itself.
struct Engine {
    memory: Rc<Memory>,
    context: Context,
    runtime: Runtime,
}

/// What became of a turn.
struct Turned<T> {
    /// What it was about; an error is that of the script.
    result: Result<T, ScriptError>,
    /// A limit that was hit anywhere in it.
    limit: Option<ScriptError>,
    /// Whether a call that waited was answered with that.
    is_told: bool,
}

impl Instance {
    pub(crate) fn name(&self) -> &str {
        &self.shared.name
    }

    /// The files that it has loaded.
    pub(crate) fn loaded(&self) -> Loaded {
        Arc::clone(&self.modules.loaded)
    }

    pub(crate) fn limits(&self) -> &ScriptLimits {
        &self.shared.options.limits
    }

    /// Names its last turn: until there is another one, nothing of it changes.
    pub(crate) fn last_turn(&self) -> u64 {
        self.last_turn
    }

    /// Why this runtime cannot go on, if so.
    pub(crate) fn broken(&self) -> Option<&ScriptError> {
        self.broken.as_ref()
    }

    /// When its next timer is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.shared.timers.borrow_mut().next_due()
    }

    /// How many calls, timers and operations of it wait: with none, nothing of it runs any more without being called.
    pub(crate) fn unfinished(&self) -> usize {
        self.calls.len() + self.shared.timers.borrow().len() + self.shared.operations.borrow().len()
    }

    /// Runs a timer that is due; false if none is.
    pub(crate) fn run_due_timer(&mut self, now: Instant) -> bool {
        let Some(due) = self.shared.timers.borrow_mut().pop_due(now) else { return false };
        let turned = self.turn(due.owner, |ctx, _| due.callback.restore(ctx)?.call::<_, ()>(()), |_, _, ()| Ok(()));
        self.report_turn(due.owner, turned);
        true
    }

    /// Settles the promise of an operation.
    pub(crate) fn finish(&mut self, finished: Finished) {
        let waiting = self.shared.operations.borrow_mut().finish(finished.id);
        let Some(waiting) = waiting else { return };
        let (owner, resolve, reject) = (waiting.owner, waiting.resolve.clone(), waiting.reject.clone());
        drop(waiting);
        let settle = |ctx: &Ctx<'_>, _: &Prelude| match finished.outcome {
            Ok(outcome) => resolve.restore(ctx)?.call::<_, ()>((outcome,)),
            Err(problem) => {
                let error = rquickjs::Exception::from_message(ctx.clone(), &problem)?;
                reject.restore(ctx)?.call::<_, ()>((error.into_object(),))
            }
        };
        let turned = self.turn(Some(owner), settle, |_, _, ()| Ok(()));
        self.report_turn(Some(owner), turned);
    }

    /// Ends the timers that its top level has started: the next version starts its own.
    pub(crate) fn end_own_timers(&mut self) {
        self.shared.timers.borrow_mut().end_own();
    }

    /// The connections whose contexts it has.
    pub(crate) fn keys(&self) -> Vec<Key> {
        self.contexts.keys().copied().collect()
    }

    pub(crate) fn knows(&self, key: Key) -> bool {
        self.contexts.contains_key(&key)
    }

    /// Ends everything that belongs to a connection, but for a call of `onDisconnect`.
    pub(crate) fn end(&mut self, key: Key) {
        self.shared.timers.borrow_mut().end(key);
        let operations = self.shared.operations.borrow_mut().end(key);
        drop(operations);
        self.calls.retain(|_, call| call.owner != key);
    }

    /// Forgets a connection.
    pub(crate) fn forget(&mut self, key: Key) {
        self.end(key);
        self.contexts.remove(&key);
    }

    /// What users hung on the context of a connection, as JSON.
    pub(crate) fn carry(&mut self, key: Key) -> Option<String> {
        let context = self.contexts.get(&key)?.clone();
        let carry = self.prelude.carry.clone();
        let turned = self.turn(
            Some(key),
            |ctx, _| carry.restore(ctx)?.call::<_, Option<String>>((context.restore(ctx)?,)),
            |_, _, written| Ok(written.clone()),
        );
        match turned.result {
            Ok(written) => written.filter(|written| written != "{}"),
            Err(error) => {
                tracing::warn!(target: "script", %error, "what the script keeps on `ctx` is lost: JSON cannot write it");
                None
            }
        }
    }

    /// Runs `start`, all jobs that it leads to, and then `finish` with what it gave.
    fn turn<T, U>(
        &mut self,
        owner: Option<Key>,
        start: impl FnOnce(&Ctx<'_>, &Prelude) -> rquickjs::Result<T>,
        finish: impl FnOnce(&Ctx<'_>, &mut Allowance<'_>, &T) -> Result<U, ScriptError>,
    ) -> Turned<U> {
        let limit = self.shared.options.limits.time;
        self.limited_turn(limit, owner, start, finish)
    }

    fn limited_turn<T, U>(
        &mut self,
        limit: Duration,
        owner: Option<Key>,
        start: impl FnOnce(&Ctx<'_>, &Prelude) -> rquickjs::Result<T>,
        finish: impl FnOnce(&Ctx<'_>, &mut Allowance<'_>, &T) -> Result<U, ScriptError>,
    ) -> Turned<U> {
        let (result, limit) = self.run(limit, owner, start, finish);
        let is_told = limit.as_ref().is_some_and(|error| self.limit_was_hit(owner, error));
        Turned { result, limit, is_told }
    }

    /// A turn without what follows from it: its result, and a limit that was hit anywhere in it.
    fn run<T, U>(
        &mut self,
        limit: Duration,
        owner: Option<Key>,
        start: impl FnOnce(&Ctx<'_>, &Prelude) -> rquickjs::Result<T>,
        finish: impl FnOnce(&Ctx<'_>, &mut Allowance<'_>, &T) -> Result<U, ScriptError>,
    ) -> (Result<U, ScriptError>, Option<ScriptError>) {
        let shared = Rc::clone(&self.shared);
        shared.owner.set(owner);
        shared.turn.begin(limit);
        let memory = Rc::clone(&self.engine.memory);
        let mut clock = Allowance { shared: &shared, memory: &memory, limit, overruns: 0, first: None };
        let prelude = &self.prelude;
        let started =
            self.engine.context.with(|ctx| start(&ctx, prelude).catch(&ctx).map_err(|e| clock.error(&ctx, e)));
        self.engine.run_jobs(&mut clock);
        let result = started.and_then(|started| self.engine.context.with(|ctx| finish(&ctx, &mut clock, &started)));
        // What comes now are the script's own getters at worst.
        clock.look();
        self.settle(&mut clock);
        self.look_at_rejections(owner, &mut clock);
        clock.look();
        let Allowance { overruns, first, .. } = clock;
        let limit = first;
        shared.turn.end();
        shared.owner.set(None);
        self.last_turn = shared.turn.number();
        if overruns > 1 {
            let error = limit.clone().unwrap_or_else(|| self.gone("it did not stop"));
            self.broken.get_or_insert(error);
        }
        let limit = limit.or_else(|| result.as_ref().err().filter(|error| error.is_limit()).cloned());
        (result, limit)
    }

    /// Ends what a turn that went too far belongs to. True if a call was answered with it.
    fn limit_was_hit(&mut self, owner: Option<Key>, error: &ScriptError) -> bool {
        if error.kind == ScriptErrorKind::Memory {
            self.engine.runtime.run_gc();
            let used = usize::try_from(self.engine.runtime.memory_usage().malloc_size).unwrap_or(usize::MAX);
            if used > self.shared.options.limits.memory / 10 * 9 {
                self.broken.get_or_insert_with(|| error.clone());
            }
        }
        let Some(owner) = owner else { return false };
        let mut is_told = false;
        // Whatever they await may have been ended with the turn.
        for (_, call) in self.calls.extract_if(|_, call| call.owner == owner) {
            if call.is_last {
                self.departed.push(owner);
            }
            call.done.send(Err(error.clone()));
            is_told = true;
        }
        self.close(owner, self.shared.options.limits.on_limit, error);
        is_told
    }

    fn close(&self, owner: Key, on_fault: OnFault, error: &ScriptError) {
        if on_fault == OnFault::Close
            && let Some(seated) = self.shared.seated(owner)
        {
            seated.close(&error.file, &error.message);
        }
    }

    /// Logs what went wrong in a turn that nobody called for.
    fn report_turn(&self, owner: Option<Key>, turned: Turned<()>) {
        let error =
            turned.limit.filter(|_| !turned.is_told).or_else(|| turned.result.err().filter(|error| !error.is_limit()));
        if let Some(error) = error {
            self.report(owner, &error);
        }
    }

    /// Logs an error that no call returns.
    fn report(&self, owner: Option<Key>, error: &ScriptError) {
        let seated = owner.and_then(|key| self.shared.seated(key));
        let connection = seated.as_ref().map(|seated| &seated.seat.connection);
        tracing::error!(target: "script", connection = connection.map(|connection| connection.id()), "{error}");
        if let Some(hook) = &self.shared.options.on_error {
            hook(connection, error);
        }
        if let (Some(owner), false) = (owner, error.is_limit()) {
            self.close(owner, self.shared.options.limits.on_error, error);
        }
    }

    fn look_at_rejections(&mut self, owner: Option<Key>, clock: &mut Allowance<'_>) {
        let rejections = self.shared.rejections.take();
        for (_, reason) in rejections {
            let error = self.engine.context.with(|ctx| match reason.restore(&ctx) {
                Ok(reason) => clock.error(&ctx, caught(reason)),
                Err(_) => self.gone("a promise of another runtime was rejected"),
            });
            self.report(
                owner,
                &ScriptError { message: format!("nobody awaits a rejected promise: {}", error.message), ..error },
            );
        }
    }

    fn gone(&self, message: &str) -> ScriptError {
        ScriptError::new(ScriptErrorKind::Gone, &*self.shared.name, message)
    }
}

fn caught(value: Value<'_>) -> CaughtError<'_> {
    match value.clone().into_object().and_then(rquickjs::Exception::from_object) {
        Some(exception) => CaughtError::Exception(exception),
        None => CaughtError::Value(value),
    }
}

/// What a turn may still use: when it is over, its owner pays, and what is left of its jobs gets a second allowance. Who
/// uses that up too does not stop by itself.
struct Allowance<'a> {
    shared: &'a Shared,
    memory: &'a Memory,
    limit: Duration,
    overruns: u32,
    first: Option<ScriptError>,
}

impl Allowance<'_> {
    /// Notes whether the turn is over, and gives the second allowance.
    fn look(&mut self) -> bool {
        let is_over = self.shared.turn.is_over();
        if is_over {
            self.overruns += 1;
            self.shared.turn.begin(self.limit);
            if self.first.is_none() {
                self.first = Some(ScriptError::new(ScriptErrorKind::Time, &*self.shared.name, self.too_long()));
            }
        }
        is_over
    }

    /// What a thrown value says, and where.
    fn error<'js>(&mut self, ctx: &Ctx<'js>, thrown: CaughtError<'js>) -> ScriptError {
        let was_stopped =
            matches!(&thrown, CaughtError::Exception(exception) if exception.as_object().is_uncatchable_error());
        let ran_out = self.look() || was_stopped;
        self.memory.lift(true);
        let mut error = fault::read(ctx, self.shared, thrown);
        self.memory.lift(false);
        if ran_out {
            error.kind = ScriptErrorKind::Time;
            error.message = self.too_long();
        }
        let knows_more = self.first.as_ref().is_none_or(|first| first.line.is_none());
        if error.is_limit() && knows_more {
            self.first = Some(error.clone());
        }
        error
    }

    fn too_long(&self) -> String {
        format!("ran longer than {:?}", self.limit)
    }

    fn is_used_up(&self) -> bool {
        self.overruns > 1
    }
}

impl Engine {
    fn run_jobs(&self, clock: &mut Allowance<'_>) {
        while !clock.is_used_up() {
            match self.runtime.execute_pending_job() {
                Ok(true) => {}
                Ok(false) => return,
                // Only what cannot be caught comes up here.
                Err(_) => self.context.with(|ctx| {
                    let thrown = ctx.catch();
                    clock.error(&ctx, caught(thrown));
                }),
            }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // No value may outlive the engine, and the native functions hold `shared` until it is gone.
        for (_, call) in self.calls.drain() {
            call.done.send(Err(ScriptError::new(ScriptErrorKind::Gone, &*self.shared.name, "the script was replaced")));
        }
        self.shared.clear();
    }
}
