//! Makes a runtime and loads a script into it.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Persistent, Runtime, Value};

use super::calls::reason;
use super::memory::Memory;
use super::{Allowance, Engine, Instance, caught};
use crate::exports::{Callbacks, Exports};
use crate::module::{Loaded, Modules};
use crate::native::{NewOperations, Shared, functions};
use crate::prelude::Prelude;
use crate::seat::Seats;
use crate::snapshot::Snapshot;
use crate::turn::Turn;
use crate::{ScriptError, ScriptErrorKind, ScriptErrors, ScriptOptions};

/// What a runtime is made from.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) options: ScriptOptions,
}

impl Instance {
    /// Makes a runtime, loads the script and runs its top level. `runtime` names it on this thread, `state` is that of the
    /// runtime before.
    pub(crate) fn load(
        plan: &Plan,
        runtime: u64,
        turn: &Turn,
        seats: &Seats,
        started: &NewOperations,
        state: Option<&str>,
    ) -> Result<(Self, Exports), ScriptErrors> {
        let broken = |error: rquickjs::Error| {
            ScriptErrors::from(ScriptError::new(
                ScriptErrorKind::Load,
                &*plan.name,
                format!("the engine did not start: {error}"),
            ))
        };
        let Plan { name, snapshot, options } = plan;
        let shared = Shared::new(name, runtime, options.clone(), turn.clone(), Rc::clone(seats), Rc::clone(started));
        let modules = Modules { snapshot: Arc::clone(snapshot), loaded: Loaded::default() };
        let engine = Engine::start(&shared, &modules).map_err(broken)?;
        let prelude = engine.context.with(|ctx| Prelude::evaluate(&ctx, functions(&ctx, &shared)?)).map_err(broken)?;
        let callbacks = Callbacks { on_connect: None, on_message: None, on_disconnect: None, on_outbound: None };
        let mut instance = Self {
            callbacks,
            prelude,
            contexts: HashMap::new(),
            calls: HashMap::new(),
            last_call: 0,
            last_turn: 0,
            departed: Vec::new(),
            shared,
            modules,
            broken: None,
            engine,
        };
        let exports = instance.evaluate(state)?;
        Ok((instance, exports))
    }

    fn evaluate(&mut self, state: Option<&str>) -> Result<Exports, ScriptErrors> {
        let modules = self.modules.clone();
        let name = self.shared.name.clone();
        let limit = self.shared.options.limits.load_time;
        let mut found = None;
        let turned = self.limited_turn(
            limit,
            None,
            |ctx, prelude| {
                prelude.set_state.clone().restore(ctx)?.call::<_, ()>((state,))?;
                let (module, promise) = modules.declare(ctx, &name)?.eval()?;
                Ok((Persistent::save(ctx, module.namespace()?), Persistent::save(ctx, promise.into_value())))
            },
            |ctx, clock, (namespace, promise)| {
                let restored = (namespace.clone().restore(ctx), promise.clone().restore(ctx));
                let (Ok(namespace), Ok(promise)) = restored else { return Err(shared_gone(clock.shared)) };
                is_evaluated(ctx, clock, promise)?;
                found = Some(Exports::read(ctx, &namespace, &clock.shared.name, &modules.snapshot));
                Ok(())
            },
        );
        if let Some(error) = turned.result.err().or(turned.limit) {
            let kind = if error.is_limit() { error.kind } else { ScriptErrorKind::Load };
            return Err(ScriptError { kind, ..error }.into());
        }
        match found {
            Some(Ok((exports, callbacks))) => {
                self.callbacks = callbacks;
                Ok(exports)
            }
            Some(Err(errors)) => {
                Err(ScriptErrors::of(errors).err().unwrap_or_else(|| shared_gone(&self.shared).into()))
            }
            None => Err(shared_gone(&self.shared).into()),
        }
    }
}

fn shared_gone(shared: &Shared) -> ScriptError {
    ScriptError::new(ScriptErrorKind::Load, &*shared.name, "it was not loaded")
}

/// Whether the top level has run to its end.
fn is_evaluated<'js>(ctx: &Ctx<'js>, clock: &mut Allowance<'_>, promise: Value<'js>) -> Result<(), ScriptError> {
    let Some(evaluated) = promise.into_promise() else { return Ok(()) };
    match evaluated.state() {
        PromiseState::Resolved => Ok(()),
        PromiseState::Rejected => {
            // Told here, so not again.
            let rejections = clock.shared.rejections.take();
            drop(rejections);
            Err(clock.error(ctx, caught(reason(ctx, &evaluated))))
        }
        PromiseState::Pending => {
            let message = "its top level awaits what does not come while it loads: await in a callback instead";
            Err(ScriptError::new(ScriptErrorKind::Load, &*clock.shared.name, message))
        }
    }
}

impl Engine {
    fn start(shared: &Rc<Shared>, modules: &Modules) -> rquickjs::Result<Self> {
        let limits = &shared.options.limits;
        let runtime = Runtime::new()?;
        runtime.set_memory_limit(limits.memory);
        runtime.set_max_stack_size(limits.stack);
        runtime.set_loader(modules.clone(), modules.clone());
        let context = Context::full(&runtime)?;
        let memory = Rc::new(Memory::new(&context, limits.memory));
        let (turn, lifted) = (shared.turn.clone(), Rc::clone(&memory));
        runtime.set_interrupt_handler(Some(Box::new(move || {
            let must_stop = turn.must_stop();
            lifted.lift(must_stop);
            must_stop
        })));
        let tracked = Rc::downgrade(shared);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, promise, reason, is_handled| {
            if let Some(shared) = tracked.upgrade() {
                shared.on_rejection(&ctx, promise, reason, is_handled);
            }
        })));
        Ok(Self { memory, context, runtime })
    }
}
