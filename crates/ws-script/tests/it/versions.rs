//! Versions of scripts: who sees which one, and how long they are kept.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use ws_core::HandlerSet;
use ws_script::ScriptOptions;

use crate::kit::{Client, Hall, Scripts};

fn version(n: usize) -> String {
    format!("export function onMessage(ctx, msg) {{ ctx.send('{n}') }}")
}

/// As a server does: each message goes through the set that is there when it comes, and a reload puts another one in its
/// place at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_meets_all_scripts_in_one_version() {
    let change = |scripts: &Scripts, n: usize| {
        scripts.change(&[("a.js", &version(n)), ("b.js", &version(n))]).unwrap();
        Arc::new(scripts.folder.handlers())
    };
    let scripts = Scripts::load(&[("a.js", &version(0)), ("b.js", &version(0))]);
    let current = Arc::new(Mutex::new(Arc::new(scripts.folder.handlers())));
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..16)
        .map(|_| {
            let mut client = scripts.client("a.js");
            let (current, is_over) = (Arc::clone(&current), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut seen = BTreeSet::new();
                while !is_over.load(Ordering::Relaxed) {
                    let set: Arc<HandlerSet> = Arc::clone(&current.lock().unwrap());
                    let mut answers = Vec::new();
                    for handler in set.iter() {
                        client.handler = Arc::clone(handler);
                        answers.push(client.ask("x").await);
                    }
                    assert_eq!(answers[0], answers[1], "half a reload");
                    seen.insert(answers.remove(0));
                    // Else these tasks might never leave their threads to others.
                    tokio::task::yield_now().await;
                }
                seen.len()
            })
        })
        .collect();
    let mut before: Option<Arc<HandlerSet>> = None;
    for n in 1..=50 {
        // A message may be under way during one reload, and the machine may be slow; but not during several of them.
        while before.as_ref().is_some_and(|set| Arc::strong_count(set) > 1) {
            tokio::task::yield_now().await;
        }
        let next = tokio::task::block_in_place(|| change(&scripts, n));
        before = Some(std::mem::replace(&mut *current.lock().unwrap(), next));
    }
    is_over.store(true, Ordering::Relaxed);
    let mut most = 0;
    for client in clients {
        most = most.max(client.await.unwrap());
    }
    assert!(most > 10, "they went on during the reloads: {most}");
}

#[tokio::test]
async fn old_handlers_answer_in_their_version_until_there_are_too_many() {
    let scripts = Scripts::load(&[("a.js", &version(0))]);
    let mut handlers = vec![scripts.handler("a.js")];
    let mut client = scripts.client("a.js");
    for n in 1..=5 {
        scripts.change(&[("a.js", &version(n))]).unwrap();
        handlers.push(scripts.handler("a.js"));
        let mut answers = Vec::new();
        for handler in &handlers {
            client.handler = Arc::clone(handler);
            answers.push(client.ask("x").await);
        }
        let kept = n.saturating_sub(3);
        let expected: Vec<_> = (0..=n).map(|of| if of < kept { n } else { of }.to_string()).collect();
        assert_eq!(answers, expected);
    }
    // Also what is asked about messages on their way out, and the end.
    let source = |n: usize| {
        format!(
            "export function onMessage(ctx) {{ ctx.n = {n} }} export function onOutbound(ctx) {{ return '{n}' }} export function onDisconnect(ctx) {{ ctx.send('bye from {n}') }}"
        )
    };
    scripts.change(&[("a.js", &source(6))]).unwrap();
    client.handler = scripts.handler("a.js");
    client.say("x").await.unwrap();
    scripts.change(&[("a.js", &source(7))]).unwrap();
    let text = ws_core::Message::text("x");
    let verdict = client.handler.on_outbound(client.ctx.connection(), &text, ws_core::Origin::Handler);
    assert!(
        matches!(&verdict, ws_core::Verdict::Several(texts) if texts[..] == [ws_core::Message::text("6")]),
        "{verdict:?}"
    );
    client.leave().await.unwrap();
    assert_eq!(client.next_text().await, "bye from 6");
}

/// One script may take long to load. The others answer meanwhile, and what that changes in their state is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_while_another_script_loads() {
    after_three_calls("state.calls ??= 0;", "1 4").await;
}

/// The top level has run once when the calls come, and cannot run again with what they have changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_top_level_that_fails_after_these_calls_gets_their_state_all_the_same() {
    after_three_calls("const { calls } = state; if (calls > 1) throw calls;", "1 4").await;
}

/// The new version of a script has this top level, and gives this answer; of three calls, two came while it was loading.
async fn after_three_calls(top_level: &str, expected: &str) {
    let (loading, mut heard) = tokio::sync::mpsc::channel(16);
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let options = ScriptOptions::default().template(move |_, text| {
        let _ = loading.try_send(text.to_owned());
        if text == "slow 1" {
            // An error says that the test has failed: nobody shall hang then.
            let _ = wait.lock().unwrap().recv();
        }
        Ok(String::new())
    });
    let source = |name: &str, n: usize, top_level: &str| {
        format!(
            "template('{name} {n}'); {top_level} export function onMessage(ctx) {{ ctx.send(`{n} ${{++state.calls}}`) }} export function onOutbound() {{ return '{n}' }}"
        )
    };
    let begin = "state.calls ??= 0;";
    let files = [("a.js", &*source("a", 0, begin)), ("slow.js", &*source("slow", 0, begin))];
    let scripts = Arc::new(Scripts::load_with(options, &files));
    let mut client = scripts.client("a.js");
    assert_eq!(client.ask("x").await, "0 1");
    let reload = {
        let (scripts, a, slow) = (Arc::clone(&scripts), source("a", 1, top_level), source("slow", 1, begin));
        tokio::task::spawn_blocking(move || scripts.change(&[("a.js", &a), ("slow.js", &slow)]))
    };
    let mut loaded = BTreeSet::new();
    while !(loaded.contains("a 1") && loaded.contains("slow 1")) {
        loaded.insert(heard.recv().await.unwrap());
    }
    assert_eq!([client.ask("x").await, client.ask("x").await], ["0 2", "0 3"]);
    let text = ws_core::Message::text("x");
    let verdict = client.handler.on_outbound(client.ctx.connection(), &text, ws_core::Origin::Handler);
    assert!(
        matches!(&verdict, ws_core::Verdict::Several(texts) if texts[..] == [ws_core::Message::text("0")]),
        "{verdict:?}"
    );
    go_on.send(()).unwrap();
    reload.await.unwrap().unwrap();
    client.handler = scripts.handler("a.js");
    assert_eq!(client.ask("x").await, expected);
}

/// A script that comes with a reload has not seen who was there before.
#[tokio::test]
async fn only_connections_that_were_met_are_seen_off() {
    let source = "export function onDisconnect() { state.left = (state.left ?? 0) + 1 }";
    let asking = "export function onMessage(ctx) { ctx.send(String(state.left)) }";
    let scripts = Scripts::load(&[("a.js", source), ("b.js", "export function onConnect() {}")]);
    let (mut met, mut spoken, mut stranger) = (scripts.client("a.js"), scripts.client("a.js"), scripts.client("a.js"));
    met.connect().await.unwrap();
    spoken.say("x").await.unwrap();
    stranger.leave().await.unwrap();
    met.leave().await.unwrap();
    spoken.leave().await.unwrap();
    // Another version has met it.
    let mut both = scripts.client("b.js");
    both.connect().await.unwrap();
    scripts.change(&[("a.js", asking), ("b.js", &format!("{source} {asking}"))]).unwrap();
    both.handler = scripts.handler("b.js");
    both.leave().await.unwrap();
    assert_eq!(scripts.client("a.js").ask("x").await, "2");
    assert_eq!(scripts.client("b.js").ask("x").await, "1");
}

/// What a session has begun with the old set comes along into the new one.
#[tokio::test]
async fn what_hangs_on_a_context_follows_its_connection() {
    let source = |n: usize| {
        format!(
            "export function onConnect(ctx) {{ ctx.greeted = {n} }}
export function onMessage(ctx) {{ ctx.seen = [...(ctx.seen ?? []), {n}]; ctx.send({{ greeted: ctx.greeted, seen: ctx.seen }}) }}"
        )
    };
    let scripts = Scripts::load(&[("a.js", &source(0))]);
    let mut client = scripts.client("a.js");
    scripts.change(&[("a.js", &source(1))]).unwrap();
    client.connect().await.unwrap();
    assert_eq!(client.ask("x").await, r#"{"greeted":0,"seen":[0]}"#);
    client.handler = scripts.handler("a.js");
    assert_eq!(client.ask("x").await, r#"{"greeted":0,"seen":[0,1]}"#);
    // Nobody asks these versions for it, and the first ones are gone before it is wanted.
    for n in 2..=9 {
        scripts.change(&[("a.js", &source(n))]).unwrap();
    }
    client.handler = scripts.handler("a.js");
    assert_eq!(client.ask("x").await, r#"{"greeted":0,"seen":[0,1,9]}"#);
}

/// Of versions that have gone and of those that still have timers, the newest knows best.
#[tokio::test]
async fn what_hangs_on_a_context_is_not_taken_from_the_version_whose_timers_tick_longest() {
    let source = |n: usize| {
        format!(
            "export function onConnect(ctx) {{ ctx.seen = []; setInterval(() => {{}}, 100_000) }}
export function onMessage(ctx) {{ ctx.seen.push({n}); ctx.send(ctx.seen) }}"
        )
    };
    let scripts = Scripts::load(&[("a.js", &source(0))]);
    let mut client = scripts.client("a.js");
    client.connect().await.unwrap();
    let mut seen = Vec::new();
    for n in 0..=4 {
        if n > 0 {
            scripts.change(&[("a.js", &source(n))]).unwrap();
            client.handler = scripts.handler("a.js");
        }
        seen.push(n);
        assert_eq!(client.ask("x").await, format!("{seen:?}").replace(' ', ""));
    }
}

#[tokio::test]
async fn the_scripts_own_timers_end_with_their_version() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let ticks = Arc::clone(&seen);
    let options = ScriptOptions::default().template(move |_, text| {
        ticks.lock().unwrap().push(text.to_owned());
        Ok(String::new())
    });
    let source = |n: usize| format!("setInterval(() => template('{n}'), 1); {}", version(n));
    let scripts = Scripts::load_with(options, &[("a.js", &source(0))]);
    let held = scripts.handler("a.js");
    scripts.change(&[("a.js", &source(1))]).unwrap();
    let mut client = scripts.client("a.js");
    client.ask("x").await;
    seen.lock().unwrap().clear();
    while seen.lock().unwrap().len() < 5 {
        client.ask("x").await;
    }
    assert!(seen.lock().unwrap().iter().all(|tick| tick == "1"), "{seen:?}");
    drop(held);
}

/// Versions that somebody could still call, or that have timers, are what could pile up.
#[tokio::test]
async fn after_a_thousand_reloads_no_more_than_four_versions_run() {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let ticks = Arc::clone(&seen);
    let options = ScriptOptions::default().template(move |_, text| {
        ticks.lock().unwrap().insert(text.to_owned());
        Ok(String::new())
    });
    let source = |n: usize| {
        format!(
            "const ballast = new Uint8Array(2 ** 20).fill(1);
export function onMessage(ctx, msg) {{ setInterval(() => template(`{n} ${{ballast.length}}`), 1); ctx.send('{n}') }}"
        )
    };
    let scripts = Scripts::load_with(options, &[("a.js", &source(0))]);
    let before = memory_in_use();
    let mut clients = Vec::new();
    for n in 1..=1000 {
        scripts.change(&[("a.js", &source(n))]).unwrap();
        let mut client = scripts.client("a.js");
        assert_eq!(client.ask("x").await, n.to_string());
        clients.push(client);
    }
    seen.lock().unwrap().clear();
    let mut last = Client::new(scripts.handler("a.js"), Hall::default());
    for _ in 0..200 {
        last.handler.on_message(&mut last.ctx, ws_core::WsMessage::Text("x".into())).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let running: Vec<_> = seen.lock().unwrap().iter().cloned().collect();
    assert!(!running.is_empty() && running.len() <= 4, "{running:?}");
    // A thousand of them would be a gigabyte; the tests beside this one take some memory, too.
    let grown = memory_in_use().saturating_sub(before);
    assert!(grown < 500 << 20, "{} MiB more", grown >> 20);
}

/// In bytes; 0 where it cannot be known.
fn memory_in_use() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|fields| fields.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}
