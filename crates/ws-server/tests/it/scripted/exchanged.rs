//! Scripts that change, come and go while clients are connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use tokio::task::JoinSet;
use ws_server::WsServer;

use super::{serve, with_scripts, write};
use crate::eventually::eventually;
use crate::programmed::Programmed;
use crate::reloading::{Files, Live, connect, ping, written};
use crate::scrape::{ERRORS, TOTAL, all_ended, ended_with, value};
use crate::talking::{hear, say};

/// L02, L03: the next message of an open connection goes to the new code. What the script and the connection remember stays, and
/// the connection is not greeted again.
#[tokio::test]
async fn an_open_connection_gets_the_new_code() {
    let source = |tag: &str| {
        format!(
            "state.visits ??= 0;
            export function onConnect(ctx) {{ state.visits++; ctx.own = {{ visit: state.visits, messages: 0 }}; ctx.send('{tag}') }}
            export async function onMessage(ctx) {{
                ctx.own.messages++;
                await ctx.send(['{tag}', state.visits, ctx.own.visit, ctx.own.messages, await ctx.getMetadata('kept')]);
                await ctx.setMetadata('kept', ctx.own.messages);
            }}"
        )
    };
    let (files, live) = serve(&[("a.js", &source("old"))]).await;
    let mut open = live.connect("/ws").await;
    hear(&mut open, &["old"]).await;
    open.send_text("x").await.unwrap();
    assert_eq!(open.recv_json().await.unwrap(), json!(["old", 1, 1, 1, null]));

    write(&files, &[("a.js", &source("new"))]);
    let report = live.reload().await.unwrap();
    assert_eq!(report.changed, [files.path("handlers/a.js").display().to_string()]);
    assert!(report.warnings.is_empty(), "{report:?}");
    open.send_text("x").await.unwrap();
    assert_eq!(open.recv_json().await.unwrap(), json!(["new", 1, 1, 2, 1]));
    let mut new = live.connect("/ws").await;
    hear(&mut new, &["new"]).await;
    new.send_text("x").await.unwrap();
    assert_eq!(new.recv_json().await.unwrap(), json!(["new", 2, 2, 1, null]));
    assert_eq!(live.reload().await.unwrap().changed, Vec::<String>::new());
    assert_eq!(value(&live.server, TOTAL), 2.0);
}

/// L03: scripts come and go: an open connection is answered by those that are there.
#[tokio::test]
async fn scripts_come_and_go() {
    let files = Files::new();
    let of_a = "export const path = '/ws/a'; export function onMessage(ctx) { ctx.send('a') }";
    write(
        &files,
        &[
            ("other.js", "export const path = '/ws/other'; export function onMessage() {}"),
            ("_import.js", "export const tag = 'one'"),
        ],
    );
    let live = Live::start(with_scripts(&files)).await;
    let mut open = live.connect("/ws/a").await;
    say(&mut open, "x", &["echo: x"]).await;

    write(
        &files,
        &[
            ("a.js", of_a),
            ("b.js", "import { tag } from './_import.js'; export function onMessage(ctx) { ctx.send(tag) }"),
        ],
    );
    let names = |names: &[&str]| {
        names.iter().map(|name| files.path(&format!("handlers/{name}")).display().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(live.reload().await.unwrap().changed, names(&["a.js", "b.js"]));
    say(&mut open, "x", &["a", "one"]).await;

    write(&files, &[("_import.js", "export const tag = 'two'")]);
    assert_eq!(live.reload().await.unwrap().changed, names(&["b.js"]));
    say(&mut open, "x", &["a", "two"]).await;

    files.remove("handlers/a.js");
    assert_eq!(live.reload().await.unwrap().changed, names(&["a.js"]));
    say(&mut open, "x", &["two"]).await;
    live.becomes(json!({})).await;
    say(&mut open, "x", &["echo: x"]).await;
    live.becomes(with_scripts(&files)).await;
    say(&mut open, "x", &["two"]).await;
    assert_eq!(value(&live.server, ERRORS), 0.0);
}

/// Other limits are for scripts that begin anew, and who loses `state` by that is told.
#[tokio::test]
async fn other_settings_begin_anew() {
    let source = "export function onMessage(ctx) { state.n = (state.n ?? 0) + 1; ctx.send(String(state.n)) }";
    let (files, live) = serve(&[("a.js", source)]).await;
    let mut open = live.connect("/ws").await;
    say(&mut open, "x", &["1"]).await;
    let mut config = with_scripts(&files);
    config["scripts"]["memory"] = json!("8MiB");
    let report = live.becomes(config).await;
    assert_eq!(report.warnings, ["all scripts begin anew, without their state: their settings changed"]);
    say(&mut open, "x", &["1"]).await;
}

/// L03: on a connection that keeps what has begun with it, scripts are exchanged all the same.
#[tokio::test]
async fn scripts_are_exchanged_beside_what_has_begun() {
    let files = Files::new();
    let source = |tag: &str| format!("export function onMessage(ctx) {{ ctx.send('{tag}') }}");
    write(&files, &[("a.js", &source("old"))]);
    let mut config = with_scripts(&files);
    let script = "{\"waitFor\":\"^x$\",\"text\":\"played\"}\n".repeat(3);
    config["replay_file"] = json!(files.write("a.jsonl", &script));
    let live = Live::start(config).await;
    let mut open = live.connect("/ws").await;
    say(&mut open, "x", &["old", "played"]).await;
    write(&files, &[("a.js", &source("new"))]);
    live.becomes(with_scripts(&files)).await;
    say(&mut open, "x", &["new", "played"]).await;
    say(&mut live.connect("/ws").await, "x", &["new"]).await;
    write(&files, &[("a.js", &source("newer"))]);
    live.reload().await.unwrap();
    say(&mut open, "x", &["newer", "played"]).await;
}

/// L03: under the policy `close`, those are closed whose scripts changed.
#[tokio::test]
async fn connections_of_changed_scripts_are_closed_by_policy() {
    let source = |path: &str, n: u32| {
        format!("export const path = '{path}'; export function onMessage(ctx) {{ ctx.send('{n}') }}")
    };
    let files = Files::new();
    write(&files, &[("a.js", &source("/ws/a", 1)), ("b.js", &source("/ws/b", 1))]);
    let mut config = with_scripts(&files);
    config["reload_policy"] = json!("close");
    let rust = Programmed::at("/ws/c").answering("rust: ");
    let live = Live::start_with(WsServer::builder().handler(rust), written(config)).await;
    let (mut a, mut b, mut c) = (live.connect("/ws/a").await, live.connect("/ws/b").await, live.connect("/ws/c").await);
    write(&files, &[("a.js", &source("/ws/a", 2))]);
    live.reload().await.unwrap();
    assert_eq!(a.recv_close().await.unwrap().unwrap().code, 1012);
    ping(&mut b).await;
    ping(&mut c).await;
    // It stays: one that went without a word would be counted as an error.
    let mut again = live.connect("/ws/a").await;
    say(&mut again, "x", &["2"]).await;
    say(&mut b, "x", &["1"]).await;
    assert_eq!((ended_with(&live.server, "normal"), value(&live.server, ERRORS)), (1.0, 0.0));
}

const FLIPS: u32 = 100;
const CLIENTS: usize = 50;

/// L04: two scripts, rules and a hook that change together answer each message as one version, also while a hundred reloads come
/// in between; nobody is closed or refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_gets_a_whole_set_of_scripts() {
    let files = Files::new();
    let version = |n: u32| {
        let source = format!(
            "export function onConnect(ctx) {{ return ctx.send('{n}') }}
            export async function onMessage(ctx) {{ await ctx.sleep(1); await ctx.send('{n}') }}"
        );
        write(&files, &[("a.js", &source), ("b.js", &source)]);
        files.write("rules.yaml", &format!("rules: [{{ response: '{n}' }}]"));
    };
    version(0);
    let mut config = with_scripts(&files);
    config["rules_file"] = json!(files.path("rules.yaml"));
    let live = Live::start(config).await;
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut clients = JoinSet::new();
    let server = Arc::new(live);
    for _ in 0..CLIENTS {
        let (done, answered, live) = (Arc::clone(&done), Arc::clone(&answered), Arc::clone(&server));
        clients.spawn(async move {
            let (mut visits, mut versions) = (0, 0);
            while visits == 0 || !done.load(Ordering::SeqCst) {
                let mut client = connect(&live.server, "/ws").await;
                let greeting = client.recv_text().await.unwrap();
                hear(&mut client, &[&greeting]).await;
                let mut last: u32 = greeting.parse().unwrap();
                for _ in 0..5 {
                    client.send_text("x").await.unwrap();
                    let first = client.recv_text().await.unwrap();
                    hear(&mut client, &[&first, &first]).await;
                    let now = first.parse().unwrap();
                    assert!(last <= now, "{now} after {last}");
                    versions += u32::from(last < now);
                    last = now;
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                client.close(1000, "").await.unwrap();
                visits += 1;
            }
            (visits, versions)
        });
    }
    for n in 1..=FLIPS {
        version(n);
        // Of old versions three are kept: a message that took longer than that would be answered by the newest.
        let before = answered.load(Ordering::SeqCst);
        eventually("messages are answered", || answered.load(Ordering::SeqCst) >= before + CLIENTS).await;
        let changed = server.reload().await.unwrap().changed;
        assert_eq!(changed.len(), 3, "{changed:?}");
    }
    done.store(true, Ordering::SeqCst);
    let (visits, versions) = clients
        .join_all()
        .await
        .into_iter()
        .fold((0, 0), |(all, seen), (visits, versions)| (all + visits, seen + versions));
    println!("{visits} visits during {FLIPS} reloads; {versions} connections went from one version to another");
    assert!(versions > 0);
    all_ended(&server.server).await;
    assert_eq!(ended_with(&server.server, "client_close"), f64::from(visits));
    assert_eq!(value(&server.server, ERRORS), 0.0);
}
