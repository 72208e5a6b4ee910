//! Calls of a script's callbacks, and the promises that some of them return.

use rquickjs::promise::PromiseState;
use rquickjs::{Array, ArrayBuffer, CaughtError, Ctx, Function, IntoJs, Object, Persistent, Promise, Value};
use tokio::sync::oneshot;
use ws_core::{CloseFrame, Message, Origin, Verdict, WsMessage};

use super::{Allowance, Instance, caught};
use crate::ScriptError;
use crate::native::{Shared, copy_all, number};
use crate::prelude::Prelude;
use crate::seat::Key;

/// What a handler asks of its script.
#[derive(Debug)]
pub(crate) enum Call {
    Connect,
    Message(WsMessage),
    Disconnect(Option<CloseFrame>),
}

/// What a script did in a call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Answer {
    pub(crate) stopped: bool,
    pub(crate) matched: bool,
    pub(crate) answered: bool,
}

/// Where the answer to a call goes.
pub(crate) struct Done(pub(crate) oneshot::Sender<Result<Answer, ScriptError>>);

impl Done {
    pub(crate) fn send(self, answer: Result<Answer, ScriptError>) {
        // Who asked may be gone.
        let _ = self.0.send(answer);
    }
}

/// A call whose promise is not settled.
pub(super) struct PendingCall {
    pub(super) owner: Key,
    pub(super) done: Done,
    /// Whether the connection is forgotten afterwards.
    pub(super) is_last: bool,
}

/// What a callback has returned.
enum Returned {
    Settled,
    Pending(Persistent<Promise<'static>>),
}

impl Instance {
    /// Calls a callback. True if the connection's last call is over at once.
    pub(crate) fn call(&mut self, key: Key, call: Call, done: Done) -> bool {
        let is_last = matches!(call, Call::Disconnect(_));
        let callback = match &call {
            Call::Connect => &self.callbacks.on_connect,
            Call::Message(_) => &self.callbacks.on_message,
            Call::Disconnect(_) => &self.callbacks.on_disconnect,
        };
        let Some(callback) = callback.clone() else {
            done.send(Ok(Answer::default()));
            return is_last;
        };
        let shared = std::rc::Rc::clone(&self.shared);
        if let Some(seated) = shared.seated(key) {
            seated.deeds.take();
        }
        let contexts = &mut self.contexts;
        let context = contexts.get(&key).cloned();
        let mut made = None;
        let turned = self.turn(
            Some(key),
            |ctx, prelude| {
                let context = match context {
                    Some(context) => context.restore(ctx)?,
                    None => {
                        let context = make_context(ctx, prelude, &shared, key)?;
                        made = Some(Persistent::save(ctx, context.clone()));
                        context
                    }
                };
                let callback = callback.restore(ctx)?;
                let returned: Value<'_> = match call {
                    Call::Connect => callback.call((context,))?,
                    Call::Message(message) => callback.call((context, message_object(ctx, prelude, message)?))?,
                    Call::Disconnect(frame) => callback.call((context, close_object(ctx, prelude, frame)?))?,
                };
                Ok(Persistent::save(ctx, returned))
            },
            returned_of,
        );
        if let Some(made) = made {
            self.contexts.insert(key, made);
        }
        match (turned.result, turned.limit) {
            // What it awaits may have been ended with the turn.
            (_, Some(limit)) => done.send(Err(limit)),
            (Err(error), None) => {
                self.close(key, self.shared.options.limits.on_error, &error);
                done.send(Err(error));
            }
            (Ok(Returned::Settled), None) => done.send(Ok(self.answer(key))),
            (Ok(Returned::Pending(promise)), None) => {
                self.last_call += 1;
                let id = self.last_call;
                self.calls.insert(id, PendingCall { owner: key, done, is_last });
                let watch = self.prelude.watch.clone();
                let watched = self.turn(
                    Some(key),
                    |ctx, _| watch.restore(ctx)?.call::<_, ()>((promise.restore(ctx)?, number(id))),
                    |_, _, ()| Ok(()),
                );
                if let Err(error) = watched.result
                    && let Some(call) = self.calls.remove(&id)
                {
                    call.done.send(Err(error));
                    return is_last;
                }
                return false;
            }
        }
        is_last
    }

    /// Asks the script about a message on its way out.
    pub(crate) fn outbound(&mut self, key: Key, message: &Message, origin: Origin) -> Result<Verdict, ScriptError> {
        let Some(callback) = self.callbacks.on_outbound.clone() else { return Ok(Verdict::Pass) };
        let shared = std::rc::Rc::clone(&self.shared);
        let context = self.contexts.get(&key).cloned();
        let mut made = None;
        let verdict = self.prelude.verdict.clone();
        let turned = self.turn(
            Some(key),
            |ctx, prelude| {
                let context = match context {
                    Some(context) => context.restore(ctx)?,
                    None => {
                        let context = make_context(ctx, prelude, &shared, key)?;
                        made = Some(Persistent::save(ctx, context.clone()));
                        context
                    }
                };
                let make = prelude.outbound.clone().restore(ctx)?;
                let (kind, payload) = payload(ctx, message)?;
                let shown: Value<'_> = make.call((kind, payload, origin_name(origin)))?;
                let decided: Value<'_> = callback.restore(ctx)?.call((context, shown))?;
                let decided: Value<'_> = verdict.restore(ctx)?.call((decided,))?;
                read_verdict(ctx, &decided)
            },
            |_, _, decided| Ok(decided.clone()),
        );
        if let Some(made) = made {
            self.contexts.insert(key, made);
        }
        turned.result.map(|decided| match decided {
            None => Verdict::Pass,
            Some(messages) if messages.is_empty() => Verdict::Drop,
            Some(messages) => Verdict::Several(messages),
        })
    }

    /// The connections whose last call has come to its end since it was asked last.
    pub(crate) fn take_departed(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.departed)
    }

    /// Answers the calls whose promises were settled in this turn.
    pub(super) fn settle(&mut self, clock: &mut Allowance<'_>) {
        for (id, how) in self.shared.settled.take() {
            let Some(call) = self.calls.remove(&id) else { continue };
            let answer = match how {
                Ok(()) => Ok(self.answer(call.owner)),
                Err(reason) => Err(self.engine.context.with(|ctx| match reason.restore(&ctx) {
                    Ok(reason) => clock.error(&ctx, caught(reason)),
                    Err(_) => self.gone("a promise of another runtime was rejected"),
                })),
            };
            if let Err(error) = &answer
                && !error.is_limit()
            {
                self.close(call.owner, self.shared.options.limits.on_error, error);
            }
            if call.is_last {
                self.departed.push(call.owner);
            }
            call.done.send(answer);
        }
    }

    fn answer(&self, key: Key) -> Answer {
        self.shared.seated(key).map_or_else(Answer::default, |seated| {
            let deeds = seated.deeds.get();
            Answer { stopped: deeds.stopped, matched: deeds.matched, answered: deeds.answered }
        })
    }
}

fn make_context<'js>(ctx: &Ctx<'js>, prelude: &Prelude, shared: &Shared, key: Key) -> rquickjs::Result<Object<'js>> {
    let context: Object<'js> = prelude.context.clone().restore(ctx)?.call((number(key),))?;
    let carried = shared.seated(key).and_then(|seated| seated.carried.take());
    if let Some(carried) = carried.and_then(|carried| carried.written) {
        prelude.revive.clone().restore(ctx)?.call::<_, ()>((context.clone(), carried))?;
    }
    Ok(context)
}

fn message_object<'js>(ctx: &Ctx<'js>, prelude: &Prelude, message: WsMessage) -> rquickjs::Result<Value<'js>> {
    let make: Function<'js> = prelude.message.clone().restore(ctx)?;
    match message {
        WsMessage::Text(text) => make.call(("text", text)),
        WsMessage::Binary(data) => make.call(("binary", ArrayBuffer::new_copy(ctx.clone(), data)?)),
        WsMessage::Ping(data) => make.call(("ping", ArrayBuffer::new_copy(ctx.clone(), data)?)),
        WsMessage::Pong(data) => make.call(("pong", ArrayBuffer::new_copy(ctx.clone(), data)?)),
        WsMessage::Close => make.call(("close", "")),
    }
}

fn payload<'js>(ctx: &Ctx<'js>, message: &Message) -> rquickjs::Result<(&'static str, Value<'js>)> {
    let bytes = |data: &[u8]| ArrayBuffer::new_copy(ctx.clone(), data).map(ArrayBuffer::into_value);
    Ok(match message {
        Message::Text(text) => ("text", (&**text).into_js(ctx)?),
        Message::Binary(data) => ("binary", bytes(data)?),
        Message::Ping(data) => ("ping", bytes(data)?),
        Message::Pong(data) => ("pong", bytes(data)?),
        Message::Close(_) => ("close", "".into_js(ctx)?),
    })
}

fn close_object<'js>(ctx: &Ctx<'js>, prelude: &Prelude, frame: Option<CloseFrame>) -> rquickjs::Result<Value<'js>> {
    match frame {
        Some(frame) => prelude.close.clone().restore(ctx)?.call((frame.code, &*frame.reason)),
        None => Ok(Value::new_null(ctx.clone())),
    }
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Client => "client",
        Origin::Handler => "handler",
        Origin::Room => "room",
        Origin::Replay => "replay",
        Origin::Rule => "rule",
        Origin::Proxy => "proxy",
        Origin::Ai => "ai",
        Origin::Script => "script",
        Origin::Admin => "admin",
        _ => "session",
    }
}

/// What the prelude's `verdict` made of a decision: None to pass, else what goes on instead.
fn read_verdict<'js>(ctx: &Ctx<'js>, decided: &Value<'js>) -> rquickjs::Result<Option<Vec<Message>>> {
    let Some(list) = decided.as_array() else { return Ok(None) };
    let list: &Array<'js> = list;
    list.iter::<Value<'js>>()
        .map(|item| {
            let item = item?;
            match ArrayBuffer::from_value(item.clone()) {
                Some(buffer) => Ok(Message::binary(copy_all(ctx, &buffer)?)),
                None => Ok(Message::text(item.get::<String>()?)),
            }
        })
        .collect::<rquickjs::Result<Vec<_>>>()
        .map(Some)
}

/// What became of a callback's promise by now.
fn returned_of(
    ctx: &Ctx<'_>,
    clock: &mut Allowance<'_>,
    returned: &Persistent<Value<'static>>,
) -> Result<Returned, ScriptError> {
    let value = match returned.clone().restore(ctx) {
        Ok(value) => value,
        Err(error) => return Err(clock.error(ctx, CaughtError::Error(error))),
    };
    let Some(promise) = value.into_promise() else { return Ok(Returned::Settled) };
    match promise.state() {
        PromiseState::Resolved => Ok(Returned::Settled),
        PromiseState::Pending => Ok(Returned::Pending(Persistent::save(ctx, promise))),
        PromiseState::Rejected => {
            // Who called is told, so nobody else need be.
            let mut rejections = clock.shared.rejections.borrow_mut();
            let own =
                rejections.iter().position(|(rejected, _)| rejected == returned).map(|at| rejections.swap_remove(at));
            drop(rejections);
            drop(own);
            Err(clock.error(ctx, caught(reason(ctx, &promise))))
        }
    }
}

/// Why a promise was rejected.
pub(super) fn reason<'js>(ctx: &Ctx<'js>, promise: &Promise<'js>) -> Value<'js> {
    match promise.result::<Value<'js>>() {
        Some(Err(_)) => ctx.catch(),
        _ => Value::new_undefined(ctx.clone()),
    }
}
