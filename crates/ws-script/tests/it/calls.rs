//! Callbacks: what they are given, and what they can do.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use ws_core::engine::{SessionContext, outbound_queue};
use ws_core::{
    CloseFrame, Connection, Extensions, Handshake, HandshakeDecision, Message, NoRooms, Origin, QueueLimits, Verdict,
    WsMessage,
};
use ws_script::{OnFault, ScriptLimits, ScriptOptions};

use crate::kit::{Client, Hall, Scripts};

/// Evaluates an expression in a script that knows `ctx` and `msg`.
async fn eval(client: &mut Client, expression: &str) -> String {
    client.ask(expression).await
}

fn evaluator() -> Scripts {
    Scripts::on_message(
        "const value = await eval(`(async () => (${msg.text}))()`); ctx.send(typeof value === 'string' ? value : JSON.stringify(value) ?? 'undefined')",
    )
}

#[tokio::test]
async fn messages_come_as_text_or_bytes() {
    let scripts = Scripts::on_message(
        "const data = msg.data && [...new Uint8Array(msg.data)];
         ctx.send({ type: msg.type, text: msg.text, data, written: String(msg) })",
    );
    let mut client = scripts.client("chat.js");
    for (message, expected) in [
        (
            WsMessage::Text("h\u{e9}\0\u{1f600}".into()),
            json!({"type": "text", "text": "h\u{e9}\0\u{1f600}", "written": "h\u{e9}\0\u{1f600}"}),
        ),
        (WsMessage::Binary(vec![0, 255]), json!({"type": "binary", "data": [0, 255], "written": "\0\u{fffd}"})),
        (WsMessage::Ping(vec![112]), json!({"type": "ping", "data": [112], "written": "p"})),
        (WsMessage::Pong(vec![]), json!({"type": "pong", "data": [], "written": ""})),
    ] {
        client.give(message).await.unwrap();
        let got: serde_json::Value = serde_json::from_str(&client.next_text().await).unwrap();
        assert_eq!(got, expected);
    }
}

#[tokio::test]
async fn json_is_parsed_once_and_its_errors_say_where() {
    let scripts = Scripts::on_message("ctx.send(String(msg.json() === msg.json()) + msg.json().a)");
    let mut client = scripts.client("chat.js");
    assert_eq!(client.ask(r#"{"a": 1}"#).await, "true1");
    let error = client.fail("{").await;
    assert!(error.contains("chat.js:2:") && error.contains("SyntaxError"), "{error}");
    assert_eq!(client.ask(r#"{"a": 2}"#).await, "true2", "the connection lives");
}

#[tokio::test]
async fn everything_can_be_sent_that_is_text_bytes_or_json() {
    let scripts = Scripts::on_message(
        "ctx.send('text'); ctx.send(new Uint8Array([1, 2, 3]).buffer); ctx.send(new Uint8Array([1, 2, 3, 4]).subarray(1, 3));
         ctx.send({ a: [1] }); ctx.send(7); ctx.send(null); ctx.send('lone \\ud800');
         ctx.sendText(5); ctx.sendBinary(new Uint16Array([1])); ctx.sendJson('x');",
    );
    let mut client = scripts.client("chat.js");
    client.say("x").await.unwrap();
    let expected = [
        Message::text("text"),
        Message::binary(vec![1, 2, 3]),
        Message::binary(vec![2, 3]),
        Message::text(r#"{"a":[1]}"#),
        Message::text("7"),
        Message::text("null"),
        Message::text("lone \u{fffd}"),
        Message::text("5"),
        Message::Binary(Bytes::from_static(&[1, 0])),
        Message::text("\"x\""),
    ];
    for expected in expected {
        assert_eq!(client.next().await, expected);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error_at_its_place() {
    for (body, expected) in [
        ("ctx.send(undefined)", "chat.js:2:"),
        ("ctx.send(() => {})", "only text, bytes and what JSON can write"),
        ("const a = {}; a.a = a; ctx.send(a)", "circular"),
        ("ctx.sendBinary('x')", "ArrayBuffer"),
        ("await ctx.join(7)", "a room is a string, not number"),
        ("ctx.close(1005)", "close code 1005 may not be sent"),
        ("ctx.close(1000, 'x'.repeat(124))", "124 bytes"),
        ("nothing()", "chat.js:2:1: ReferenceError: nothing is not defined"),
        ("throw 'text'", "threw \"text\""),
        ("await Promise.reject(new TypeError('no'))", "TypeError: no"),
        ("await null; nothing()", "chat.js:2:"),
        ("setTimeout(7)", "setTimeout wants a function, not number"),
    ] {
        let error = Scripts::on_message(body).client("chat.js").fail("x").await;
        assert!(error.contains("chat.js") && error.contains(expected), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_context_says_who_is_there_and_keeps_what_users_hang_on_it() {
    let mut headers = HeaderMap::new();
    headers.append("x-a", HeaderValue::from_static("1"));
    headers.append("x-a", HeaderValue::from_static("2"));
    let handshake = Handshake::new("/ws/a%20b?x=1&y=%26&x=2", headers, Some("127.0.0.1:7".parse().unwrap()));
    let handshake = handshake.of_test("checkout-7");
    let connection = Arc::new(Connection::new(handshake, Some("chat.v1".into()), Extensions::default()));
    let (sender, mut queue) = outbound_queue(QueueLimits::default());
    let mut session = SessionContext::new(Arc::clone(&connection), Arc::new(NoRooms), sender);
    let scripts = Scripts::on_message(
        "ctx.calls = (ctx.calls ?? 0) + 1;
         const { id, path, query, headers, subprotocol, peer, testId } = ctx;
         ctx.send({ id, path, query, headers, subprotocol, peer, testId, own: ctx })",
    );
    let handler = scripts.handler("chat.js");
    for calls in 1..=2 {
        handler.on_message(session.view(), WsMessage::Text("x".into())).await.unwrap();
        let sent = std::future::poll_fn(|cx| queue.poll_next(cx)).await;
        assert_eq!(sent.origin, Origin::Script);
        let got: serde_json::Value = serde_json::from_str(sent.message.as_text().unwrap()).unwrap();
        let expected = json!({
            "id": connection.id(), "path": "/ws/a b", "query": {"x": ["1", "2"], "y": "&"}, "headers": {"x-a": "1, 2"},
            "subprotocol": "chat.v1", "peer": "127.0.0.1:7", "testId": "checkout-7", "own": {"calls": calls},
        });
        assert_eq!(got, expected);
    }
}

#[tokio::test]
async fn metadata_is_shared_with_rust_handlers() {
    let scripts = evaluator();
    let mut client = scripts.client("chat.js");
    client.ctx.set_metadata("user", json!({"name": "ann"})).await;
    assert_eq!(eval(&mut client, "(await ctx.getMetadata('user')).name").await, "ann");
    assert_eq!(eval(&mut client, "await ctx.getMetadata('none')").await, "undefined");
    eval(&mut client, "await ctx.setMetadata('n', [1, null])").await;
    assert_eq!(client.ctx.get_metadata("n").await, Some(json!([1, null])));
}

#[tokio::test]
async fn rooms_reach_their_members() {
    let source = "export async function onConnect(ctx) { await ctx.join('all') }
export async function onMessage(ctx, msg) {
    if (msg.text === 'bytes') return ctx.broadcast('all', new Uint8Array([7]));
    if (msg.text === 'leave') return ctx.leave('all');
    if (msg.text === 'who') return ctx.send([await ctx.rooms(), (await ctx.members('all')).length]);
    await ctx.broadcastToRoom('all', { said: msg.text });
}";
    let scripts = Scripts::load(&[("a.js", source)]);
    let hall = Hall::default();
    let (mut ann, mut bob) =
        (Client::new(scripts.handler("a.js"), hall.clone()), Client::new(scripts.handler("a.js"), hall));
    ann.connect().await.unwrap();
    bob.connect().await.unwrap();
    ann.say("hi").await.unwrap();
    assert_eq!([ann.next_text().await, bob.next_text().await], [r#"{"said":"hi"}"#, r#"{"said":"hi"}"#]);
    bob.say("bytes").await.unwrap();
    assert_eq!(ann.next().await, Message::binary(vec![7]));
    assert_eq!(bob.next().await, Message::binary(vec![7]));
    assert_eq!(ann.ask("who").await, r#"[["all"],2]"#);
    ann.say("leave").await.unwrap();
    assert_eq!(bob.ask("who").await, r#"[["all"],1]"#);
    // Without rooms it is an error that says so.
    let (sender, _queue) = outbound_queue(QueueLimits::default());
    let mut ctx = ws_core::WsContext::new("c", "/ws", NoRooms, sender);
    let error = scripts.handler("a.js").on_connect(&mut ctx).await.unwrap_err().to_string();
    assert!(error.contains("this server has no rooms"), "{error}");
}

#[tokio::test]
async fn sends_keep_their_order_when_the_client_reads_slowly() {
    let scripts = Scripts::on_message("for (let n = 0; n < 500; n++) ctx.send(String(n)); await ctx.send('end')");
    let (sender, mut queue) = outbound_queue(QueueLimits { messages: 4, bytes: 1000 });
    let mut ctx = ws_core::WsContext::new("c", "/ws", NoRooms, sender);
    let handler = scripts.handler("chat.js");
    let reading = async {
        for n in 0..500 {
            let sent = std::future::poll_fn(|cx| queue.poll_next(cx)).await;
            assert_eq!(sent.message.as_text(), Some(&*n.to_string()));
        }
        std::future::poll_fn(|cx| queue.poll_next(cx)).await
    };
    let (called, last) = tokio::join!(handler.on_message(&mut ctx, WsMessage::Text("x".into())), reading);
    called.unwrap();
    assert_eq!(last.message, Message::text("end"));
}

#[tokio::test]
async fn too_many_sends_that_nobody_awaits_are_refused() {
    let scripts = Scripts::on_message("for (let n = 0; n < 5000; n++) ctx.send(String(n))");
    let (sender, _queue) = outbound_queue(QueueLimits { messages: 4, bytes: 1000 });
    let mut ctx = ws_core::WsContext::new("c", "/ws", NoRooms, sender);
    let handler = scripts.handler("chat.js");
    let error = handler.on_message(&mut ctx, WsMessage::Text("x".into())).await.unwrap_err().to_string();
    assert!(
        error.contains("chat.js:2:") && error.contains("1024 operations of this connection wait already"),
        "{error}"
    );
}

#[tokio::test]
async fn close_ends_the_connection_and_later_sends_fail() {
    let scripts = Scripts::on_message("ctx.send('bye'); await ctx.close(4001, 'done'); try { await ctx.send('late') } catch (error) { ctx.late = error.message }
        if (ctx.late === undefined) throw new Error('it was sent')");
    let (sender, mut queue) = outbound_queue(QueueLimits::default());
    let mut ctx = ws_core::WsContext::new("c", "/ws", NoRooms, sender);
    scripts.handler("chat.js").on_message(&mut ctx, WsMessage::Text("x".into())).await.unwrap();
    assert_eq!(std::future::poll_fn(|cx| queue.poll_next(cx)).await.message, Message::text("bye"));
    let frame = CloseFrame::new(4001, "done").unwrap();
    assert_eq!(std::future::poll_fn(|cx| queue.poll_next(cx)).await.message, Message::Close(Some(frame)));
}

#[tokio::test]
async fn on_disconnect_gets_the_close_frame_and_is_the_last_call() {
    let source = "export function onMessage(ctx) { setInterval(() => {}, 1e6) }
export async function onDisconnect(ctx, close) { await sleep(1); state.last = close; state.calls = (state.calls ?? 0) + 1 }";
    let scripts = Scripts::load(&[("a.js", source), ("b.js", "export function onMessage(ctx) {}")]);
    let mut client = scripts.client("a.js");
    client.say("x").await.unwrap();
    client.leave().await.unwrap();
    scripts.change(&[("a.js", "export function onMessage(ctx) { ctx.send(state) }")]).unwrap();
    assert_eq!(scripts.client("a.js").ask("x").await, r#"{"last":null,"calls":1}"#);
}

#[tokio::test]
async fn stopping_and_matching_reach_the_session() {
    let scripts =
        Scripts::on_message("if (msg.text === 'stop') ctx.stop(); if (msg.text === 'match') ctx.markMatched();");
    let (sender, _queue) = outbound_queue(QueueLimits::default());
    let connection =
        Arc::new(Connection::new(Handshake::new("/ws", HeaderMap::new(), None), None, Extensions::default()));
    let mut session = SessionContext::new(connection, Arc::new(NoRooms), sender);
    let handler = scripts.handler("chat.js");
    for (text, stopped, matched) in [("stop", true, false), ("match", false, true), ("x", false, false)] {
        handler.on_message(session.view(), WsMessage::Text(text.into())).await.unwrap();
        assert_eq!(session.view().is_matched(), matched, "{text}");
        assert_eq!(session.take_stopped(), stopped, "{text}");
        session.take_unmatched();
    }
}

#[tokio::test]
async fn subprotocols_are_negotiated() {
    let source = "export const subprotocols = ['chat.v2', 'chat.v1']; export function onMessage() {}";
    let scripts = Scripts::load(&[("a.js", source)]);
    let handler = scripts.handler("a.js");
    let offer = |names: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        names.map(|names| headers.insert("sec-websocket-protocol", HeaderValue::from_static(names)));
        Handshake::new("/ws", headers, None)
    };
    assert!(matches!(handler.on_handshake(&offer(None)).await.unwrap(), HandshakeDecision::Pass));
    match handler.on_handshake(&offer(Some("x, chat.v1, chat.v2"))).await.unwrap() {
        HandshakeDecision::Accept(acceptance) => {
            assert_eq!(acceptance.into_parts().subprotocol, ws_core::SubprotocolChoice::Is("chat.v1".into()));
        }
        other => panic!("{other:?}"),
    }
    match handler.on_handshake(&offer(Some("x"))).await.unwrap() {
        HandshakeDecision::Refuse(refusal) => assert_eq!(refusal.status(), 400),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_outbound_decides_what_goes_out() {
    let source = "export function onOutbound(ctx, msg) {
    switch (msg.text) {
        case 'drop': return false;
        case 'null': return null;
        case 'replace': return `${msg.origin}:${ctx.path}`;
        case 'bytes': return new Uint8Array([1]);
        case 'json': return { a: 1 };
        case 'several': return ['a', 'b'];
        case 'true': return true;
        case 'throw': throw new Error('no');
        case 'loop': for (;;) {}
        case 'promise': return Promise.resolve(true);
    }
}";
    let errors = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&errors);
    let options = ScriptOptions::default()
        .limits(ScriptLimits { on_limit: OnFault::Keep, ..ScriptLimits::default() })
        .on_error(move |_, error| seen.lock().unwrap().push(error.to_string()));
    let scripts = Scripts::load_with(options, &[("a.js", source)]);
    let mut client = scripts.client("a.js");
    client.connect().await.unwrap();
    for (text, expected) in [
        ("x", None),
        ("true", None),
        ("drop", Some(vec![])),
        ("null", Some(vec![])),
        ("replace", Some(vec![Message::text("room:/ws")])),
        ("bytes", Some(vec![Message::binary(vec![1])])),
        ("json", Some(vec![Message::text(r#"{"a":1}"#)])),
        ("several", Some(vec![Message::text("a"), Message::text("b")])),
        ("throw", None),
        ("promise", None),
        ("loop", None),
    ] {
        let verdict = client.handler.on_outbound(client.ctx.connection(), &Message::text(text), Origin::Room);
        let got = match verdict {
            Verdict::Pass => None,
            Verdict::Drop => Some(vec![]),
            Verdict::Several(messages) => Some(messages),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(got, expected, "{text}");
    }
    let errors = errors.lock().unwrap().join("\n");
    for expected in ["a.js:10:", "it cannot be async"] {
        assert!(errors.contains(expected), "{expected}: {errors}");
    }
    // On a busy machine the session stops waiting before the loop has used up its time.
    assert!(errors.contains("longer than 100ms") || errors.contains("did not answer in time"), "{errors}");
}

#[tokio::test]
async fn the_language_has_what_web_people_expect() {
    let scripts = evaluator();
    let mut client = scripts.client("chat.js");
    for (expression, expected) in [
        ("typeof console.log('x', {a: [1, new Map([[1, {b: 2}]])]}, new Error('e'), null, undefined, 1n)", "undefined"),
        ("/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())", "true"),
        ("crypto.randomUUID() === crypto.randomUUID()", "false"),
        ("crypto.getRandomValues(new Uint8Array(64)).some((byte) => byte !== 0)", "true"),
        ("[...new TextEncoder().encode('\u{e9}')].join()", "195,169"),
        ("new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0xc3, 0xa9]))", "\u{e9}"),
        (
            "(() => { try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])) } catch (error) { return error.name } })()",
            "TypeError",
        ),
        ("atob(btoa('hello'))", "hello"),
        (
            "(() => { const a = { d: new Date(5), m: new Map([[1, new Set([2])]]), b: new Uint8Array([3]) }; a.self = a; const c = structuredClone(a); return [c.self === c, c !== a, c.d.getTime(), c.m.get(1).has(2), c.b[0]].join() })()",
            "true,true,5,true,3",
        ),
        ("new Promise((resolve) => queueMicrotask(() => resolve('micro')))", "micro"),
        ("Math.random() < 1 && Math.random() !== Math.random()", "true"),
        ("Object.prototype.toString.call(ctx)", "[object Context]"),
    ] {
        assert_eq!(eval(&mut client, expression).await, expected, "{expression}");
    }
    assert!(client.fail("template('x')").await.contains("there are no templates here"));
}

#[tokio::test]
async fn templates_come_from_who_embeds_scripts() {
    let options = ScriptOptions::default().template(|connection, text| match text {
        "{{faker.email}}" => Ok("a@b.c".to_owned()),
        "{{faker.name.first}}" => Ok("Ann".to_owned()),
        "{{bad" => Err("it is not closed".to_owned()),
        "{{id}}" => Ok(connection.map_or_else(String::new, |connection| connection.id().to_owned())),
        other => Ok(other.to_owned()),
    });
    let source = "export function onMessage(ctx, msg) { ctx.send(String(eval(msg.text))) }";
    let scripts = Scripts::load_with(options, &[("a.js", source)]);
    let mut client = scripts.client("a.js");
    let id = client.ctx.connection_id.clone();
    assert_eq!(client.ask("template('{{id}}')").await, id);
    assert_eq!(client.ask("faker.email()").await, "a@b.c");
    assert_eq!(client.ask("faker.name.first()").await, "Ann");
    assert!(client.fail("faker.nothing()").await.contains("faker.nothing is not known"));
    assert!(client.fail("template('{{bad')").await.contains("it is not closed"));
}

#[tokio::test]
async fn a_seed_makes_chance_repeat() {
    let source = "export function onMessage(ctx) { ctx.send([Math.random(), crypto.randomUUID(), [...crypto.getRandomValues(new Uint8Array(4))]]) }";
    let run = async |seed| {
        let options = match seed {
            Some(seed) => ScriptOptions::default().seed(seed),
            None => ScriptOptions::default(),
        };
        Scripts::load_with(options, &[("a.js", source)]).client("a.js").ask("x").await
    };
    assert_eq!(run(Some(7)).await, run(Some(7)).await);
    assert_ne!(run(Some(7)).await, run(Some(8)).await);
    assert_ne!(run(None).await, run(None).await);
}

#[tokio::test]
async fn errors_close_the_connection_if_configured_so() {
    let limits = ScriptLimits { on_error: OnFault::Close, ..ScriptLimits::default() };
    let scripts = Scripts::limited(
        limits,
        &[("a.js", "export async function onMessage() { await null; throw new Error('no') }")],
    );
    let mut client = scripts.client("a.js");
    assert!(client.fail("x").await.contains("Error: no"));
    let frame = client.close_frame().await;
    assert_eq!((frame.code, &*frame.reason), (1011, "a.js: Error: no"));
}

#[tokio::test]
async fn the_samples_answer() {
    let scripts = Scripts::load(ws_script::SAMPLES);
    let mut echo = scripts.client("echo.js");
    echo.connect().await.unwrap();
    assert_eq!(echo.next_text().await, "Welcome!");
    assert_eq!(echo.ask("hello").await, "echo: hello");
    let mut chat = scripts.client("chat.js");
    chat.connect().await.unwrap();
    assert_eq!(chat.next_text().await, r#"{"type":"system","message":"Welcome to chat! You're in room: general"}"#);
    assert_eq!(chat.ask("hello").await, "[general] hello");
    assert_eq!(chat.ask("/join lobby").await, "Joined room: lobby");
    assert_eq!(chat.ask("/rooms").await, "Current rooms: general, lobby");
    assert_eq!(
        chat.ask(r#"{"type":"rooms"}"#).await,
        r#"{"type":"system","message":"Current rooms: general, lobby","rooms":["general","lobby"]}"#
    );
    for (request, expected) in [
        ("{}", "missing field `type`"),
        (r#"{"type":"jion"}"#, "unknown variant `jion`, expected one of `join`, `leave`, `rooms`, `message`"),
        (r#"{"type":"join"}"#, "missing field `room`"),
        (r#"{"type":"leave","room":null}"#, "`room` is a string"),
        (r#"{"type":"message","room":5}"#, "`room` is a string"),
    ] {
        let answer: serde_json::Value = serde_json::from_str(&chat.ask(request).await).unwrap();
        assert_eq!(answer, json!({"type": "error", "message": expected, "rooms": ["general", "lobby"]}));
    }
    let answer: serde_json::Value = serde_json::from_str(&chat.ask("{").await).unwrap();
    assert_eq!(answer["type"], "error");
    chat.say("/leave lobby").await.unwrap();
    assert_eq!(chat.next_text().await, "Left room: lobby");
    for said in [r#"{"type":"message"}"#, r#"{"type":"message","room":null}"#, r#"{"type":"message","room":"general"}"#]
    {
        assert_eq!(chat.ask(said).await, said);
    }
}
