//! What takes time: rooms, metadata, and sending to clients that read slowly. Each is a promise in JavaScript and a future
//! on the script's thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rquickjs::{Ctx, Exception, Function, IntoJs, Persistent, Promise, Result, Value};
use ws_core::HandlerResult;

use super::Shared;
use crate::seat::{Key, Seated};

/// How many operations of a connection wait at most.
const MAX_WAITING: usize = 1024;

/// What an operation gives.
pub(crate) enum Outcome {
    Nothing,
    Text(Option<String>),
    Names(Vec<String>),
}

impl<'js> IntoJs<'js> for Outcome {
    fn into_js(self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        match self {
            Self::Nothing | Self::Text(None) => Ok(Value::new_undefined(ctx.clone())),
            Self::Text(Some(text)) => text.into_js(ctx),
            Self::Names(names) => names.into_js(ctx),
        }
    }
}

/// An operation that has come to its end.
pub(crate) struct Finished {
    pub(crate) runtime: u64,
    pub(crate) id: u64,
    pub(crate) outcome: std::result::Result<Outcome, String>,
}

/// Operations that were started in this turn, for the thread to poll.
pub(crate) type NewOperations = Rc<RefCell<Vec<BoxFuture<'static, Finished>>>>;

/// The promises of the operations of one runtime.
pub(crate) struct Operations {
    runtime: u64,
    started: NewOperations,
    waiting: HashMap<u64, Waiting>,
    last_id: u64,
}

pub(crate) struct Waiting {
    pub(crate) owner: Key,
    pub(crate) resolve: Persistent<Function<'static>>,
    pub(crate) reject: Persistent<Function<'static>>,
    accounts: Rc<Seated>,
    bytes: usize,
    is_send: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Seated { waiting, waiting_bytes, sends, .. } = &*self.accounts;
        waiting.set(waiting.get() - 1);
        waiting_bytes.set(waiting_bytes.get() - self.bytes);
        sends.set(sends.get() - usize::from(self.is_send));
    }
}

impl Operations {
    pub(crate) fn new(runtime: u64, started: NewOperations) -> Self {
        Self { runtime, started, waiting: HashMap::new(), last_id: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The promise that `finished` settles, if it is still wanted.
    pub(crate) fn finish(&mut self, id: u64) -> Option<Waiting> {
        self.waiting.remove(&id)
    }

    /// Those of a connection that has ended are wanted no longer.
    pub(crate) fn end(&mut self, owner: Key) -> Vec<Waiting> {
        self.waiting.extract_if(|_, waiting| waiting.owner == owner).map(|(_, waiting)| waiting).collect()
    }

    pub(crate) fn take(&mut self) -> Vec<Waiting> {
        self.waiting.drain().map(|(_, waiting)| waiting).collect()
    }
}

/// What is known of an operation before it begins.
pub(super) struct Cost {
    pub(super) owner: Key,
    pub(super) bytes: usize,
    pub(super) is_send: bool,
}

/// Starts an operation: gives its promise, settled if it is done at once.
pub(super) fn start<'js>(
    shared: &Shared,
    ctx: &Ctx<'js>,
    seated: &Rc<Seated>,
    cost: Cost,
    work: impl Future<Output = HandlerResult<Outcome>> + Send + 'static,
) -> Result<Promise<'js>> {
    let max_bytes = shared.options.limits.memory;
    if seated.waiting.get() >= MAX_WAITING || seated.waiting_bytes.get() + cost.bytes > max_bytes {
        return Err(Exception::throw_range(
            ctx,
            &format!("{} operations of this connection wait already: await them", seated.waiting.get()),
        ));
    }
    let (promise, resolve, reject) = Promise::new(ctx)?;
    // Whether this thread has done much must not decide about the order of sends.
    let work = tokio::task::unconstrained(work.map(|done| done.map_err(|error| error.to_string())));
    let mut work: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(work);
    if let Some(done) = work.as_mut().now_or_never() {
        match done {
            Ok(outcome) => resolve.call::<_, ()>((outcome,))?,
            Err(problem) => reject.call::<_, ()>((Exception::from_message(ctx.clone(), &problem)?.into_object(),))?,
        }
        return Ok(promise);
    }
    let Cost { owner, bytes, is_send } = cost;
    seated.waiting.set(seated.waiting.get() + 1);
    seated.waiting_bytes.set(seated.waiting_bytes.get() + bytes);
    seated.sends.set(seated.sends.get() + usize::from(is_send));
    let mut operations = shared.operations.borrow_mut();
    operations.last_id += 1;
    let (runtime, id) = (operations.runtime, operations.last_id);
    let (resolve, reject) = (Persistent::save(ctx, resolve), Persistent::save(ctx, reject));
    operations.waiting.insert(id, Waiting { owner, resolve, reject, accounts: Rc::clone(seated), bytes, is_send });
    operations.started.borrow_mut().push(work.map(move |outcome| Finished { runtime, id, outcome }).boxed());
    Ok(promise)
}
