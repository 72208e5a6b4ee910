//! Scripts that mean harm, or are just wrong: each is stopped within its limits, and others do not notice.

use std::time::{Duration, Instant};

use ws_script::{OnFault, ScriptLimits};

use crate::kit::{Scripts, errors_of};

/// The body of a function, and what the error says of it. All of them are run in `bad.js`, which begins in line 1.
const HOSTILE: &[(&str, &str)] = &[
    ("for (;;) {}", "bad.js:2:"),
    ("for (;;) { try { for (;;) {} } catch {} }", "longer than 100ms"),
    ("for (;;) { try { for (;;) {} } finally { continue } }", "longer than 100ms"),
    // The place is that of the call in the loop, or of the statement before it.
    ("let n = 0;\nMath.abs(n); while (true) { n += Math.abs(-1); }", "bad.js:4:"),
    ("return (async () => { for (;;) await null })()", "longer than 100ms"),
    ("return (async () => { for (;;) { try { await null } catch {} } })()", "longer than 100ms"),
    ("const f = () => { Promise.resolve().then(f) }; f()", "longer than 100ms"),
    ("return new Promise(() => { for (;;) {} })", "longer than 100ms"),
    ("return { then() { for (;;) {} } }", ""),
    ("(function f() { f() })()", "RangeError"),
    ("(function f() { try { f() } finally { f() } })()", "longer than 100ms"),
    ("return (async function f() { await f() })()", "RangeError"),
    ("return (async function f() { try { await f() } finally { await f() } })()", "longer than 100ms"),
    ("/^(a+)+$/.test('a'.repeat(40) + '!')", "bad.js:3:"),
    ("return 'x'.repeat(1e9)", "MiB of memory"),
    ("let s = 'x'; for (;;) s += s", "string too long"),
    ("const a = []; for (;;) a.push(new Array(1000).fill(1))", ""),
    ("const a = []; for (;;) a.push(new ArrayBuffer(1e6))", "MiB of memory"),
    ("globalThis.a = []; for (;;) try { for (;;) a.push({ x: [1, 2, 3] }) } catch {}", ""),
    ("new Array(4e9).fill(0)", "MiB of memory"),
    ("Object.prototype.then = function () { for (;;) {} }; return (async () => ({}))()", "longer than 100ms"),
    ("Object.defineProperty(Object.prototype, 'type', { get() { for (;;) {} } }); return {}.type", "longer than 100ms"),
    ("Promise.prototype.then = () => { for (;;) {} }; return Promise.resolve().then()", "longer than 100ms"),
    ("Error.prepareStackTrace = () => { for (;;) {} }; for (;;) {}", "longer than 100ms"),
    ("throw { toString() { for (;;) {} } }", "longer than 100ms"),
    ("throw Object.defineProperty(new Error(), 'message', { get() { for (;;) {} } })", "longer than 100ms"),
    ("JSON.parse('['.repeat(1e6))", "RangeError"),
    ("let a = []; for (let n = 0; n < 1e5; n++) a = [a]; JSON.stringify(a)", "RangeError"),
    ("return import('/etc/passwd')", "import of `/etc/passwd` is refused"),
    ("return import('../outside.js')", "import of `../outside.js` is refused"),
    ("new Function('for (;;) {}')()", "longer than 100ms"),
    ("for (let n = 0; n < 2000; n++) setTimeout(() => {}, 1e6)", "1000 timers wait already"),
    ("for (const x of { [Symbol.iterator]: () => ({ next: () => ({}) }) });", "longer than 100ms"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_callback_is_stopped_while_others_go_on() {
    let mut wrong = Vec::new();
    for (body, expected) in HOSTILE {
        let scripts = Scripts::load(&[
            (
                "bad.js",
                &format!(
                    "export function onMessage(ctx, msg) {{\nif (msg.text === 'good') return void ctx.send('good');\n{body}\n}}"
                ),
            ),
            ("other.js", "export function onMessage(ctx, msg) { ctx.send(msg.text) }"),
        ]);
        let (mut bad, mut other) = (scripts.client("bad.js"), scripts.client("other.js"));
        let attack = tokio::spawn(async move {
            let started = Instant::now();
            let result = bad.say("bad").await.map_err(|error| error.to_string());
            (result, started.elapsed())
        });
        let mut round_trips = Vec::new();
        while !attack.is_finished() || round_trips.len() < 20 {
            let started = Instant::now();
            assert_eq!(other.ask("hello").await, "hello");
            round_trips.push(started.elapsed());
            tokio::task::yield_now().await;
        }
        let (result, took) = attack.await.unwrap();
        round_trips.sort();
        let median = round_trips[round_trips.len() / 2];
        assert!(median < Duration::from_millis(50), "{body}: others waited {median:?}");
        assert!(took < Duration::from_secs(10), "{body}: it took {took:?}");
        let is_right = match &result {
            Err(error) => error.contains("bad.js") && error.contains(expected),
            Ok(()) => expected.is_empty(),
        };
        if !is_right {
            wrong.push(format!("{body}: {result:?}"));
        }
        // The script itself is there for the next client.
        assert_eq!(scripts.client("bad.js").ask("good").await, "good", "{body}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn who_goes_beyond_a_limit_is_closed_or_kept_as_configured() {
    let source = "export function onMessage(ctx, msg) { if (msg.text === 'loop') for (;;) {} ctx.send('there') }";
    for (on_limit, is_closed) in [(OnFault::Close, true), (OnFault::Keep, false)] {
        let scripts = Scripts::limited(ScriptLimits { on_limit, ..ScriptLimits::default() }, &[("a.js", source)]);
        let mut client = scripts.client("a.js");
        let error = client.fail("loop").await;
        assert!(error.contains("a.js:1:") && error.contains(": ran longer than 100ms"), "{error}");
        if is_closed {
            let frame = client.close_frame().await;
            assert_eq!((frame.code, &*frame.reason), (1011, "a.js: ran longer than 100ms"));
        } else {
            assert_eq!(client.ask("x").await, "there");
        }
    }
}

#[tokio::test]
async fn a_flood_that_does_not_stop_restarts_the_script_and_closes_its_connections() {
    let source = "let calls = 0;
export function onMessage(ctx, msg) {
    if (msg.text === 'flood') (function f() { Promise.resolve().then(f); Promise.resolve().then(f) })();
    ctx.send(String(++calls));
}";
    let scripts = Scripts::load(&[("flood.js", source)]);
    let (mut bystander, mut bad) = (scripts.client("flood.js"), scripts.client("flood.js"));
    assert_eq!(bystander.ask("x").await, "1");
    assert!(bad.fail("flood").await.contains("longer than 100ms"));
    assert_eq!(bystander.close_code().await, 1011);
    assert_eq!(scripts.client("flood.js").ask("x").await, "1", "it begins anew");
}

#[tokio::test]
async fn a_memory_bomb_that_stays_restarts_the_script() {
    let source = "globalThis.kept = [];
export function onMessage(ctx, msg) {
    if (msg.text === 'bomb') for (;;) kept.push('x'.repeat(1000) + kept.length);
    ctx.send(String(kept.length));
}";
    let limits = ScriptLimits { memory: 8 * 1024 * 1024, time: Duration::from_secs(10), ..ScriptLimits::default() };
    let scripts = Scripts::limited(limits, &[("bomb.js", source)]);
    let mut client = scripts.client("bomb.js");
    assert!(client.fail("bomb").await.contains("used more than 8MiB of memory"));
    assert_eq!(client.close_code().await, 1011);
    assert_eq!(scripts.client("bomb.js").ask("x").await, "0");
}

#[tokio::test]
async fn the_sandbox_has_no_way_out() {
    let scripts = Scripts::on_message("ctx.send(String(eval(msg.text)))");
    let mut client = scripts.client("chat.js");
    for name in [
        "require",
        "process",
        "Deno",
        "Bun",
        "std",
        "os",
        "fetch",
        "XMLHttpRequest",
        "WebSocket",
        "Worker",
        "SharedArrayBuffer",
        "Atomics",
        "native",
    ] {
        assert_eq!(client.ask(&format!("typeof {name}")).await, "undefined", "{name}");
    }
}

#[test]
fn a_top_level_that_does_not_end_is_an_error() {
    let errors = errors_of(&[("loop.js", "export function onMessage() {}\nfor (;;) {}")]);
    assert!(errors.contains("loop.js:") && errors.contains("longer than 1s"), "{errors}");
}

#[tokio::test]
async fn a_script_that_hangs_in_the_engine_is_noticed_and_replaced() {
    // Several seconds in one function of the engine, which asks nobody; nothing can stop it.
    let hang = "'a'.repeat(2e6).indexOf('a'.repeat(2e4) + 'b')";
    let source =
        format!("export function onMessage(ctx, msg) {{ if (msg.text === 'hang') {{ {hang} }} ctx.send('there') }}");
    let limits = ScriptLimits { time: Duration::from_millis(1), ..ScriptLimits::default() };
    let scripts =
        Scripts::limited(limits, &[("a.js", &source), ("b.js", "export function onMessage(ctx) { ctx.send('b') }")]);
    let (mut bad, mut other) = (scripts.client("a.js"), scripts.client("b.js"));
    let error = bad.fail("hang").await;
    assert!(error.contains("it hangs in a function of the engine"), "{error}");
    assert_eq!(bad.close_code().await, 1011);
    assert_eq!(other.ask("x").await, "b");
    scripts.folder.reload().unwrap();
    assert_eq!(scripts.client("a.js").ask("x").await, "there");
}
