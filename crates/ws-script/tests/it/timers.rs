//! What waits in a script: timers and awaits, and with whom they end.

use futures_util::FutureExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use ws_script::ScriptOptions;

use crate::kit::Scripts;

/// Options whose hook reports errors as they come.
fn reporting() -> (ScriptOptions, UnboundedReceiver<String>) {
    #[allow(clippy::disallowed_methods)] // As many as the test makes.
    let (sender, receiver) = unbounded_channel();
    let options = ScriptOptions::default().on_error(move |connection, error| {
        let who = connection.map_or("nobody", |connection| connection.id());
        let _ = sender.send(format!("{who}: {error}"));
    });
    (options, receiver)
}

#[tokio::test]
async fn timers_fire_in_order_until_they_are_cleared() {
    let scripts = Scripts::on_message(
        "setTimeout((a, b) => ctx.send(a + b), 30, 'l', 'ast');
         setTimeout(() => ctx.send('first'));
         clearTimeout(setTimeout(() => ctx.send('never'), 1)); clearTimeout(12345); clearTimeout(undefined);
         let n = 0; const id = setInterval(() => { ctx.send('tick'); if (++n === 3) clearInterval(id) }, 2);
         await sleep(10); ctx.send('slept');",
    );
    let mut client = scripts.client("chat.js");
    client.say("x").await.unwrap();
    let mut seen = Vec::new();
    while seen.last().map(String::as_str) != Some("last") {
        seen.push(client.next_text().await);
    }
    assert_eq!(seen.iter().filter(|text| *text == "tick").count(), 3, "{seen:?}");
    assert_eq!(seen[0], "first");
    assert!(seen.contains(&"slept".to_owned()) && !seen.contains(&"never".to_owned()), "{seen:?}");
}

#[tokio::test]
async fn calls_of_one_connection_wait_and_those_of_others_do_not() {
    let source = "const waiting = {};
export async function onMessage(ctx, msg) {
    const { wait, go } = msg.json();
    if (wait) await new Promise((resolve) => { waiting[wait] = resolve; });
    if (go) waiting[go]();
    ctx.send(`${wait ?? go} done`);
}";
    let scripts = Scripts::load(&[("a.js", source)]);
    let (mut one, mut two) = (scripts.client("a.js"), scripts.client("a.js"));
    // The first call ends only when the other connection has had its turn.
    let ask_again = async {
        loop {
            if two.say(r#"{"go":"x"}"#).await.is_ok() {
                return two.next_text().await;
            }
        }
    };
    let (first, second) = tokio::join!(one.ask(r#"{"wait":"x"}"#), ask_again);
    assert_eq!([first, second], ["x done", "x done"]);
}

#[tokio::test]
async fn timers_end_with_their_connection() {
    let source = "export function onMessage(ctx, msg) {
    if (msg.text === 'start') setInterval(() => { state.ticks = (state.ticks ?? 0) + 1 }, 1);
    if (msg.text === 'own') setInterval(() => { state.other = (state.other ?? 0) + 1; ctx.send('tick') }, 1);
    if (msg.text === 'ticks') ctx.send(String(state.ticks));
}";
    let scripts = Scripts::load(&[("a.js", source)]);
    let mut gone = scripts.client("a.js");
    gone.say("start").await.unwrap();
    gone.leave().await.unwrap();
    let mut here = scripts.client("a.js");
    here.say("own").await.unwrap();
    here.next().await;
    // `ticks` is the one before the connection ended, if any; then other timers fire and it does not change.
    let ticks = async |client: &mut crate::kit::Client| {
        client.say("ticks").await.unwrap();
        loop {
            let text = client.next_text().await;
            if text != "tick" {
                return text;
            }
        }
    };
    let before = ticks(&mut here).await;
    for _ in 0..20 {
        here.next().await;
    }
    assert_eq!(ticks(&mut here).await, before);
}

#[tokio::test]
async fn a_call_that_still_waits_ends_with_its_connection() {
    let source = "export async function onMessage(ctx, msg) {
    if (msg.text === 'wait') { try { await sleep(1e9) } finally { state.left = true } }
    ctx.send('there');
}";
    let scripts = Scripts::load(&[("a.js", source)]);
    let mut client = scripts.client("a.js");
    {
        let waiting = client.handler.clone();
        let mut call = waiting.on_message(&mut client.ctx, ws_core::WsMessage::Text("wait".into()));
        // It is asked and waits; then the session drops it, as it does when the connection ends.
        assert!((&mut call).now_or_never().is_none());
    }
    client.leave().await.unwrap();
    assert_eq!(scripts.client("a.js").ask("x").await, "there");
}

#[tokio::test]
async fn errors_of_timers_and_forgotten_promises_are_reported_with_their_place() {
    let (options, mut errors) = reporting();
    let source = "export function onMessage(ctx, msg) {
    if (msg.text === 'timer') setTimeout(() => {
        nothing();
    });
    if (msg.text === 'promise') {
        (async () => { throw new Error('no') })();
        Promise.reject(7).catch(() => {});
    }
    if (msg.text === 'loop') setTimeout(() => { for (;;) {} });
    if (msg.text === 'await') setTimeout(async () => { await null; for (;;) {} });
}";
    let scripts = Scripts::load_with(options, &[("a.js", source)]);
    let mut client = scripts.client("a.js");
    let id = client.ctx.connection_id.clone();
    client.say("timer").await.unwrap();
    assert_eq!(errors.recv().await.unwrap(), format!("{id}: a.js:3:9: ReferenceError: nothing is not defined"));
    client.say("promise").await.unwrap();
    let error = errors.recv().await.unwrap();
    assert!(error.starts_with(&format!("{id}: a.js:6:")) && error.contains("nobody awaits"), "{error}");
    client.say("loop").await.unwrap();
    let error = errors.recv().await.unwrap();
    assert!(error.contains("longer than 100ms") && error.starts_with(&format!("{id}: a.js:9:")), "{error}");
    assert_eq!(client.close_code().await, 1011);
    let mut client = scripts.client("a.js");
    let id = client.ctx.connection_id.clone();
    client.say("await").await.unwrap();
    let error = errors.recv().await.unwrap();
    assert!(error.contains("longer than 100ms") && error.starts_with(&format!("{id}: a.js:10:")), "{error}");
    assert_eq!(client.close_code().await, 1011);
    assert!(errors.try_recv().is_err());
}

#[tokio::test]
async fn the_scripts_own_timers_live_with_it() {
    let (options, mut errors) = reporting();
    let source = "setTimeout(() => { throw new Error('own') }, 1); export function onMessage() {}";
    let _scripts = Scripts::load_with(options, &[("a.js", source)]);
    assert_eq!(errors.recv().await.unwrap(), "nobody: a.js:1:30: Error: own");
}

#[tokio::test]
async fn timers_of_others_are_not_starved_by_a_flood() {
    let source = "export function onMessage(ctx, msg) {
    if (msg.text === 'flood') for (let n = 0; n < 1000; n++) setInterval(() => { for (let i = 0; i < 1000; i++); }, 1);
    ctx.send('there');
}";
    let scripts = Scripts::load(&[("a.js", source)]);
    let (mut flood, mut other) = (scripts.client("a.js"), scripts.client("a.js"));
    flood.ask("flood").await;
    for _ in 0..10 {
        assert_eq!(other.ask("x").await, "there");
    }
}

/// As the thread of a script is named.
#[cfg(target_os = "linux")]
fn threads_called(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|comm| comm.trim() == name)
        .count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_thread_ends_with_the_folder_and_its_handlers() {
    let scripts =
        Scripts::load(&[("zzz.js", "setInterval(() => {}, 1); export function onMessage(ctx) { ctx.send('there') }")]);
    assert_eq!(threads_called("script zzz.js"), 1);
    let mut client = scripts.client("zzz.js");
    drop(scripts);
    assert_eq!(client.ask("x").await, "there", "a handler keeps it");
    drop(client);
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while threads_called("script zzz.js") > 0 {
        assert!(std::time::Instant::now() < patience, "the thread goes on");
        std::thread::yield_now();
    }
}
