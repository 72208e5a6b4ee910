//! Scripts that mean harm, in a server: each is stopped within its limits, and who talks to somebody else does not notice.

use std::time::{Duration, Instant};

use serde_json::json;
use ws_server::WsServer;
use ws_testing::TestClient;

use crate::eventually::eventually;
use crate::programmed::Programmed;
use crate::reloading::{Files, Live, written};
use crate::scrape::{ERRORS, value};
use crate::scripted::{with_scripts, write};
use crate::talking::say;

/// How long a round trip of others may take, at the median.
const BOUND: Duration = Duration::from_millis(50);
/// How many of them are measured at the least beside each attack.
const ROUND_TRIPS: usize = 20;

/// What becomes of the connection whose message started it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum End {
    /// It is closed with 1011, as it went beyond a limit.
    Closed,
    /// It is an error like any other.
    Lives,
}
use End::{Closed, Lives};

/// What a message makes a script do.
const ATTACKS: &[(&str, &str, End)] = &[
    ("loop", "for (;;) {}", Closed),
    ("loop that catches", "for (;;) { try { for (;;) {} } catch {} finally { continue } }", Closed),
    ("loop in what is awaited", "return (async () => { await { then() { for (;;) {} } } })()", Closed),
    ("recursion", "(function f() { f() })()", Lives),
    ("recursion that does not give up", "(function f() { try { f() } finally { f() } })()", Closed),
    ("nested data", "JSON.parse('['.repeat(1e6))", Lives),
    ("allocation", "const a = []; for (;;) a.push(new ArrayBuffer(1e6))", Closed),
    ("allocation that stays", "globalThis.a = []; for (;;) try { for (;;) a.push({ x: [1, 2, 3] }) } catch {}", Closed),
    ("huge string", "return 'x'.repeat(1e9)", Closed),
    ("growing string", "let s = 'x'; for (;;) s += s", Lives),
    ("huge array", "new Array(4e9).fill(0)", Closed),
    ("polluted objects", "Object.prototype.then = function () { for (;;) {} }; return (async () => ({}))()", Closed),
    (
        "polluted arrays",
        "Array.prototype[Symbol.iterator] = function* () { for (;;) yield 0 }; for (const x of [1]);",
        Closed,
    ),
    ("getter on the context", "Object.defineProperty(ctx, 'own', { get() { for (;;) {} } }); return ctx.own", Closed),
    ("error that does not end", "throw { toString() { for (;;) {} } }", Closed),
    ("promise flood", "const f = () => { Promise.resolve().then(f) }; f()", Closed),
    ("endless await", "return (async () => { for (;;) await null })()", Closed),
    ("regex", "/^(a+)+$/.test('a'.repeat(40) + '!')", Closed),
    ("import", "return import('/etc/passwd')", Lives),
    ("too many timers", "for (let n = 0; n < 2000; n++) setTimeout(() => {}, 1e6)", Lives),
];

/// A server with a good script, a Rust handler, and bad scripts, each on a path of its own.
async fn serve(bad: &[(String, String)]) -> (Files, Live) {
    let files = Files::new();
    write(
        &files,
        &[("good.js", "export const path = '/ws/good'; export function onMessage(ctx, msg) { ctx.send(msg.text) }")],
    );
    for (name, body) in bad {
        let source = format!(
            "export const path = '/ws/{name}';
            export function onMessage(ctx, msg) {{
                if (msg.text === 'hello') return void ctx.sendText('hello');
                {body}
            }}"
        );
        write(&files, &[(&format!("{name}.js"), &source)]);
    }
    let mut config = with_scripts(&files);
    config["scripts"]["time"] = json!("50ms");
    config["scripts"]["memory"] = json!("16MiB");
    let rust = Programmed::at("/ws/rust").answering("");
    let live = Live::start_with(WsServer::builder().handler(rust), written(config)).await;
    (files, live)
}

/// Those who have nothing to do with it.
struct Others([TestClient; 2]);

impl Others {
    async fn connect(live: &Live) -> Self {
        Self([live.connect("/ws/good").await, live.connect("/ws/rust").await])
    }

    /// A round trip of each.
    async fn talk(&mut self) -> [Duration; 2] {
        let mut took = [Duration::ZERO; 2];
        for (client, took) in self.0.iter_mut().zip(&mut took) {
            let started = Instant::now();
            say(client, "hello", &["hello"]).await;
            *took = started.elapsed();
        }
        took
    }
}

fn median(round_trips: &mut [Duration]) -> Duration {
    round_trips.sort();
    round_trips[round_trips.len() / 2]
}

/// Sends the message that starts an attack, and waits until it is stopped.
async fn attack_with(mut client: TestClient, end: End, reason: String) -> Duration {
    let started = Instant::now();
    client.send_text("attack").await.unwrap();
    match end {
        Closed => {
            let close = client.recv_close().await.unwrap().unwrap();
            assert!(close.code == 1011 && close.reason.starts_with(&reason), "{close:?}");
        }
        Lives => say(&mut client, "hello", &["hello"]).await,
    }
    let took = started.elapsed();
    if end == Lives {
        client.close(1000, "").await.unwrap();
    }
    took
}

/// Each attack ends as its limits want it, while others talk on; the server and the script are there for the next client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_attack_is_stopped_while_others_talk() {
    let bad: Vec<_> =
        ATTACKS.iter().enumerate().map(|(n, (_, body, _))| (format!("bad{n}"), (*body).to_owned())).collect();
    let (_files, live) = serve(&bad).await;
    let mut others = Others::connect(&live).await;
    let mut all = Vec::new();
    for (((attack, _, end), (name, _)), errors) in ATTACKS.iter().zip(&bad).zip(1_u32..) {
        let path = format!("/ws/{name}");
        let mut client = live.connect(&path).await;
        say(&mut client, "hello", &["hello"]).await;
        let attacking = tokio::spawn(attack_with(client, *end, format!("{name}.js: ")));
        let mut round_trips = Vec::new();
        while !attacking.is_finished() || round_trips.len() < 2 * ROUND_TRIPS {
            round_trips.extend(others.talk().await);
        }
        let (took, median) = (attacking.await.expect(attack), median(&mut round_trips));
        println!("{attack}: stopped after {took:?}; others took {median:?} ({} round trips)", round_trips.len());
        assert!(median < BOUND, "{attack}: others took {median:?}");
        assert!(took < Duration::from_secs(10), "{attack}: it took {took:?}");
        // Its client may hear of it before it is counted.
        eventually(format!("{attack} is one error"), || value(&live.server, ERRORS) == f64::from(errors)).await;
        all.extend(round_trips);
        let mut next = live.connect(&path).await;
        say(&mut next, "hello", &["hello"]).await;
        next.close(1000, "").await.unwrap();
    }
    println!("all: {} round trips, {:?} at the median", all.len(), median(&mut all));
}

/// What a script does to the objects of the language it does to itself: others have their own, and so has its next version.
#[tokio::test]
async fn what_a_script_pollutes_is_its_own() {
    let pollute = "for (const name of ['text', 'type', 'data', 'send', 'code']) {
            Object.defineProperty(Object.prototype, name, { get() { for (;;) {} }, set() { for (;;) {} } });
        }
        Array.prototype.push = String.prototype.split = Promise.prototype.then = JSON.parse = JSON.stringify = () => { for (;;) {} };
        globalThis.Object = globalThis.Promise = globalThis.state = undefined;
        for (;;) {}";
    let (files, live) = serve(&[("bad".to_owned(), pollute.to_owned())]).await;
    let mut others = Others::connect(&live).await;
    for _ in 0..2 {
        let mut client = live.connect("/ws/bad").await;
        client.send_text("attack").await.unwrap();
        assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1011);
        others.talk().await;
    }
    write(
        &files,
        &[(
            "bad.js",
            "export const path = '/ws/bad'; export function onMessage(ctx, msg) { ctx.send({ got: msg.text }) }",
        )],
    );
    live.reload().await.unwrap();
    let mut client = live.connect("/ws/bad").await;
    say(&mut client, "x", &[r#"{"got":"x"}"#]).await;
    others.talk().await;
}

/// Timers that start two more each time, and a thousand that never rest: the script is busy, and its connections are bounded; nobody
/// else is. It is over with the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_timers_disturb_nobody() {
    let bad = [
        ("doubling", "const again = () => { setTimeout(again, 1); setTimeout(again, 1) }; again()"),
        ("intervals", "for (let n = 0; n < 900; n++) setInterval(() => { for (let n = 0; n < 10000; n++); }, 1)"),
        ("sends", "setInterval(() => { for (let n = 0; n < 1000; n++) ctx.send('x'.repeat(1000)) }, 1)"),
        ("promises", "for (let n = 0; n < 5000; n++) sleep(1e6)"),
    ];
    let scripts: Vec<_> = bad.iter().map(|(name, body)| ((*name).to_owned(), (*body).to_owned())).collect();
    let (_files, live) = serve(&scripts).await;
    let mut others = Others::connect(&live).await;
    for (name, _) in bad {
        let path = format!("/ws/{name}");
        let mut client = live.connect(&path).await;
        client.send_text("attack").await.unwrap();
        let mut round_trips = Vec::new();
        while round_trips.len() < 200 {
            round_trips.extend(others.talk().await);
        }
        let median = median(&mut round_trips);
        println!("{name}: others took {median:?}; {} errors", value(&live.server, ERRORS));
        assert!(median < BOUND, "{name}: others took {median:?}");
        drop(client);
        let mut next = live.connect(&path).await;
        say(&mut next, "hello", &["hello"]).await;
        next.close(1000, "").await.unwrap();
    }
}
