//! The native functions, by the names that the prelude calls them.

use std::future::ready;
use std::rc::Rc;
use std::sync::Arc;

use rand::Rng;
use rquickjs::prelude::Opt;
use rquickjs::{ArrayBuffer, Ctx, Exception, Function, Object, Persistent, Promise, Result, Value};
use serde_json::json;
use tokio::time::Instant;
use ws_core::{CloseFrame, Connection, HandlerError, Message, TrySendError};

use super::operations::{Cost, start};
use super::{Outcome, Shared, bytes, ended};
use crate::seat::{Deeds, Key, Seated};

/// All native functions, as the prelude wants them.
pub(crate) fn functions<'js>(ctx: &Ctx<'js>, shared: &Rc<Shared>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    messages(ctx, &native, shared)?;
    rooms(ctx, &native, shared)?;
    time(ctx, &native, shared)?;
    chance_and_text(ctx, &native, shared)?;
    Ok(native)
}

/// JavaScript holds keys and ids as numbers; they stay far below 2^53.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[allow(clippy::cast_precision_loss)]
pub(crate) fn number(whole: u64) -> f64 {
    whole as f64
}

/// `define!((ctx, native, state), "name", |shared, ctx| (argument: Type) body)`: adds a function that knows what is shared.
macro_rules! define {
    (
        ($ctx:ident, $native:ident, $state:ident), $name:literal,
        |$shared:ident, $inner:ident| ($($arg:ident: $type:ty),*) $body:expr
    ) => {{
        let state = Rc::clone($state);
        let function = move |$inner: Ctx<'js>, $($arg: $type),*| {
            let ($shared, $inner): (&Shared, &Ctx<'js>) = (&state, &$inner);
            $body
        };
        $native.set($name, Function::new($ctx.clone(), function)?)?;
    }};
}

fn seated(shared: &Shared, ctx: &Ctx<'_>, key: f64) -> Result<(Key, Rc<Seated>)> {
    let key = whole(key);
    shared.seated(key).map(|seated| (key, seated)).ok_or_else(|| ended(ctx))
}

fn messages<'js>(ctx: &Ctx<'js>, native: &Object<'js>, state: &Rc<Shared>) -> Result<()> {
    define!((ctx, native, state), "sendText", |shared, ctx| (key: f64, text: String) {
        send(shared, ctx, key, Message::text(text))
    });
    define!((ctx, native, state), "sendBinary", |shared, ctx| (key: f64, buffer: ArrayBuffer<'js>, from: usize, length: usize) {
        send(shared, ctx, key, Message::binary(bytes::copy(ctx, &buffer, from, length)?))
    });
    define!((ctx, native, state), "close", |shared, ctx| (key: f64, code: f64, reason: String) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // What is no code is 0 or 65535, and refused.
        match CloseFrame::new(code as u16, reason) {
            Ok(frame) => send(shared, ctx, key, Message::Close(Some(frame))),
            Err(error) => Err(Exception::throw_range(ctx, &error.to_string())),
        }
    });
    define!((ctx, native, state), "disconnect", |shared, ctx| (key: f64) {
        let (_, seated) = seated(shared, ctx, key)?;
        seated.seat.sender.disconnect().map_err(|error| Exception::throw_message(ctx, &error.to_string()))
    });
    define!((ctx, native, state), "mark", |shared, ctx| (key: f64, what: String) {
        let (_, seated) = seated(shared, ctx, key)?;
        let deeds = seated.deeds.get();
        seated.deeds.set(match &*what {
            "stopped" => Deeds { stopped: true, ..deeds },
            _ => Deeds { matched: true, ..deeds },
        });
        Ok::<_, rquickjs::Error>(())
    });
    define!((ctx, native, state), "facts", |shared, ctx| (key: f64) {
        let (_, seated) = seated(shared, ctx, key)?;
        Ok::<_, rquickjs::Error>(facts(&seated.seat.connection))
    });
    Ok(())
}

/// Sends at once, without a promise, if there is room and nothing waits before it.
fn send<'js>(shared: &Shared, ctx: &Ctx<'js>, key: f64, message: Message) -> Result<Option<Promise<'js>>> {
    let (key, seated) = seated(shared, ctx, key)?;
    seated.deeds.set(Deeds { answered: true, ..seated.deeds.get() });
    let message = if seated.sends.get() > 0 {
        message
    } else {
        match seated.seat.sender.try_send(message) {
            Ok(()) => return Ok(None),
            Err(TrySendError::Full(message)) => message,
            Err(TrySendError::Closed) => {
                let (promise, _, reject) = Promise::new(ctx)?;
                let error = Exception::from_message(ctx.clone(), "Failed to send message: the connection is closed")?;
                reject.call::<_, ()>((error.into_object(),))?;
                return Ok(Some(promise));
            }
        }
    };
    let cost = Cost { owner: key, bytes: message.len(), is_send: true };
    let (sender, order) = (seated.seat.sender.clone(), Arc::clone(&seated.send_order));
    let work = async move {
        let _mine = order.lock().await;
        sender.send(message).await.map(|()| Outcome::Nothing)
    };
    start(shared, ctx, &seated, cost, work).map(Some)
}

/// What a script may know of a connection, as JSON.
fn facts(connection: &Connection) -> String {
    let handshake = connection.handshake();
    let mut query = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(handshake.query().unwrap_or_default().as_bytes()) {
        match query.get_mut(&*name) {
            None => drop(query.insert(name.into_owned(), json!(value))),
            Some(serde_json::Value::Array(values)) => values.push(json!(value)),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    let mut headers = serde_json::Map::new();
    for (name, value) in handshake.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        match headers.get_mut(name.as_str()) {
            None => drop(headers.insert(name.as_str().to_owned(), json!(value))),
            Some(first) => *first = json!(format!("{}, {value}", first.as_str().unwrap_or_default())),
        }
    }
    json!({
        "id": connection.id(),
        "path": connection.path(),
        "query": query,
        "headers": headers,
        "subprotocol": connection.subprotocol(),
        "peer": handshake.peer().map(|peer| peer.to_string()),
        "testId": connection.test_id(),
    })
    .to_string()
}

fn rooms<'js>(ctx: &Ctx<'js>, native: &Object<'js>, state: &Rc<Shared>) -> Result<()> {
    define!((ctx, native, state), "join", |shared, ctx| (key: f64, room: String) {
        let (cost, seated) = small(shared, ctx, key, room.len())?;
        let rooms = Arc::clone(&seated.seat.rooms);
        start(shared, ctx, &seated, cost, async move { rooms.join(&room).await.map(|()| Outcome::Nothing) })
    });
    define!((ctx, native, state), "leave", |shared, ctx| (key: f64, room: String) {
        let (cost, seated) = small(shared, ctx, key, room.len())?;
        let rooms = Arc::clone(&seated.seat.rooms);
        start(shared, ctx, &seated, cost, async move { rooms.leave(&room).await.map(|()| Outcome::Nothing) })
    });
    define!((ctx, native, state), "broadcastText", |shared, ctx| (key: f64, room: String, text: String) {
        broadcast(shared, ctx, key, room, Message::text(text))
    });
    define!(
        (ctx, native, state), "broadcastBinary",
        |shared, ctx| (key: f64, room: String, buffer: ArrayBuffer<'js>, from: usize, length: usize) {
            broadcast(shared, ctx, key, room, Message::binary(bytes::copy(ctx, &buffer, from, length)?))
        }
    );
    define!((ctx, native, state), "rooms", |shared, ctx| (key: f64) {
        let (cost, seated) = small(shared, ctx, key, 0)?;
        let rooms = Arc::clone(&seated.seat.rooms);
        start(shared, ctx, &seated, cost, async move { Ok(Outcome::Names(rooms.rooms().await)) })
    });
    define!((ctx, native, state), "members", |shared, ctx| (key: f64, room: String) {
        let (cost, seated) = small(shared, ctx, key, room.len())?;
        let rooms = Arc::clone(&seated.seat.rooms);
        start(shared, ctx, &seated, cost, async move { Ok(Outcome::Names(rooms.all_rooms().members(&room).await)) })
    });
    define!((ctx, native, state), "getMetadata", |shared, ctx| (key: f64, name: String) {
        let (cost, seated) = small(shared, ctx, key, 0)?;
        let written = seated.seat.metadata.get(&name).map(|value| value.to_string());
        start(shared, ctx, &seated, cost, ready(Ok(Outcome::Text(written))))
    });
    define!((ctx, native, state), "setMetadata", |shared, ctx| (key: f64, name: String, written: String) {
        let (cost, seated) = small(shared, ctx, key, 0)?;
        let value = serde_json::from_str(&written).map_err(HandlerError::from);
        let kept = value.map(|value| seated.seat.metadata.set(&name, value)).map(|()| Outcome::Nothing);
        start(shared, ctx, &seated, cost, ready(kept))
    });
    Ok(())
}

/// The connection, and what an operation costs that sends nothing.
fn small(shared: &Shared, ctx: &Ctx<'_>, key: f64, bytes: usize) -> Result<(Cost, Rc<Seated>)> {
    seated(shared, ctx, key).map(|(owner, seated)| (Cost { owner, bytes, is_send: false }, seated))
}

fn broadcast<'js>(shared: &Shared, ctx: &Ctx<'js>, key: f64, room: String, message: Message) -> Result<Promise<'js>> {
    let (owner, seated) = seated(shared, ctx, key)?;
    seated.deeds.set(Deeds { answered: true, ..seated.deeds.get() });
    let (rooms, order) = (Arc::clone(&seated.seat.rooms), Arc::clone(&seated.send_order));
    let cost = Cost { owner, bytes: room.len() + message.len(), is_send: true };
    // What was sent before goes before it.
    start(shared, ctx, &seated, cost, async move {
        let _mine = order.lock().await;
        rooms.broadcast(&room, message).await.map(|()| Outcome::Nothing)
    })
}

fn time<'js>(ctx: &Ctx<'js>, native: &Object<'js>, state: &Rc<Shared>) -> Result<()> {
    define!(
        (ctx, native, state), "startTimer",
        |shared, ctx| (key: Option<f64>, callback: Function<'js>, delay: f64, repeats: bool) {
            let owner = match key {
                Some(key) => Some(seated(shared, ctx, key)?.0),
                None => shared.owner.get(),
            };
            let most = shared.options.limits.timers;
            let callback = Persistent::save(ctx, callback);
            let id = shared.timers.borrow_mut().start(owner, callback, delay, repeats, Instant::now(), most);
            let too_many = || Exception::throw_range(ctx, &format!("{most} timers wait already: more are not allowed"));
            id.map(number).ok_or_else(too_many)
        }
    );
    define!((ctx, native, state), "clearTimer", |shared, _ctx| (id: f64) shared.timers.borrow_mut().clear(whole(id)));
    define!((ctx, native, state), "settled", |shared, ctx| (id: f64, is_ok: bool, reason: Opt<Value<'js>>) {
        let reason = reason.0.unwrap_or_else(|| Value::new_undefined(ctx.clone()));
        let how = if is_ok { Ok(()) } else { Err(Persistent::save(ctx, reason)) };
        shared.settled.borrow_mut().push((whole(id), how));
    });
    Ok(())
}

fn chance_and_text<'js>(ctx: &Ctx<'js>, native: &Object<'js>, state: &Rc<Shared>) -> Result<()> {
    define!((ctx, native, state), "log", |shared, _ctx| (level: String, line: String) {
        let connection = shared.connection();
        shared.console.log(&level, &line, connection.as_ref().map(|connection| connection.id()));
    });
    // 53 bits: as many as a number holds.
    define!((ctx, native, state), "random", |shared, _ctx| () number(shared.dice.borrow_mut().next_u64() >> 11) / number(1 << 53));
    define!((ctx, native, state), "uuid", |shared, _ctx| () {
        let mut bytes = [0; 16];
        shared.dice.borrow_mut().fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    });
    define!((ctx, native, state), "randomBytes", |shared, ctx| (count: usize) {
        let mut bytes = vec![0; count.min(65536)];
        shared.dice.borrow_mut().fill_bytes(&mut bytes);
        ArrayBuffer::new_copy(ctx.clone(), bytes)
    });
    define!((ctx, native, state), "template", |shared, ctx| (text: String) {
        let Some(expand) = &shared.options.template else {
            return Err(Exception::throw_type(ctx, "there are no templates here"));
        };
        expand(shared.connection().as_ref(), &text).map_err(|problem| Exception::throw_message(ctx, &problem))
    });
    define!((ctx, native, state), "encode", |_shared, ctx| (text: String) ArrayBuffer::new_copy(ctx.clone(), text.into_bytes()));
    define!(
        (ctx, native, state), "decode",
        |_shared, ctx| (buffer: ArrayBuffer<'js>, from: usize, length: usize, fatal: bool) {
            let mut bytes = bytes::copy(ctx, &buffer, from, length)?;
            if bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
            }
            match String::from_utf8(bytes) {
                Ok(text) => Ok(text),
                Err(_) if fatal => Err(Exception::throw_type(ctx, "the data is not UTF-8")),
                Err(error) => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
            }
        }
    );
    Ok(())
}
