//! Scripts that fail: each failure is told once, and ends at most its connection.

use std::sync::Arc;

use serde_json::json;
use ws_core::{Connection, HandlerError, SessionObserver};
use ws_server::WsServer;

use super::{with_scripts, write};
use crate::eventually::eventually;
use crate::journal::Journal;
use crate::reloading::{Files, Live, written};
use crate::scrape::{ERRORS, all_ended, ended_with, value};
use crate::talking::{hear, say};

/// Notes what handlers fail in.
struct Noting(Journal);

impl SessionObserver for Noting {
    fn on_handler_error(&self, connection: &Arc<Connection>, error: &HandlerError) {
        self.0.note(format!("{} {error}", connection.path()));
    }
}

const FAILING: &str = "export const path = ['/ws/fail', '/ws/greeting'];
export function onConnect(ctx) { if (ctx.path === '/ws/greeting') throw new Error('no greeting'); }
export async function onMessage(ctx, msg) {
    if (msg.text === 'throw') null.field;
    if (msg.text === 'reject') await Promise.reject(new Error('rejected'));
    if (msg.text === 'timer') setTimeout(() => { throw new Error('in a timer') }, 1);
    if (msg.text === 'unhandled') Promise.reject(new Error('unhandled'));
    ctx.send(msg.text);
}
export function onOutbound(ctx, msg) { if (msg.text === 'outbound') throw new Error('in the hook'); }
export function onDisconnect() { throw new Error('at the end') }";

/// O04: each failure of a script is told to observers and counted once, with its place; the connection lives, unless it could
/// not be greeted.
#[tokio::test]
async fn each_failure_is_told_once() {
    let (files, journal) = (Files::new(), Journal::default());
    write(&files, &[("fail.js", FAILING)]);
    let builder = WsServer::builder().observer(Noting(journal.clone()));
    let live = Live::start_with(builder, written(with_scripts(&files))).await;
    let mut client = live.connect("/ws/fail").await;
    let mut expected = Vec::new();
    for (text, answers, failure) in [
        ("throw", false, "fail.js:4:"),
        ("reject", false, "rejected"),
        ("timer", true, "in a timer"),
        ("unhandled", true, "unhandled"),
        ("outbound", true, "in the hook"),
    ] {
        say(&mut client, text, &[text][..usize::from(answers)]).await;
        expected.push(failure);
        eventually(format!("{text} is told"), || journal.events().len() == expected.len()).await;
    }
    say(&mut client, "x", &["x"]).await;
    client.close(1000, "").await.unwrap();
    expected.push("at the end");
    all_ended(&live.server).await;
    let told = journal.events();
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(&expected) {
        assert!(told.starts_with("/ws/fail ") && told.contains("fail.js:") && told.contains(expected), "{told}");
    }
    assert_eq!(value(&live.server, ERRORS), expected.len() as f64);
    assert_eq!(ended_with(&live.server, "client_close"), 1.0);

    let mut client = live.connect("/ws/greeting").await;
    let close = client.recv_close().await.unwrap().unwrap();
    assert!(close.code == 1011 && close.reason.contains("no greeting"), "{close:?}");
    all_ended(&live.server).await;
    assert_eq!(ended_with(&live.server, "handler_error"), 1.0);
}

/// By configuration, whoever fails is closed, and whoever goes beyond a limit is not.
#[tokio::test]
async fn the_configuration_says_who_is_closed() {
    let source = "export async function onMessage(ctx, msg) {
        if (msg.text === 'throw') throw new Error('no');
        if (msg.text === 'loop') for (;;) {}
        ctx.send(msg.text);
    }";
    let files = Files::new();
    write(&files, &[("a.js", source)]);
    for (on_error, on_limit) in [("keep", "close"), ("close", "keep")] {
        let mut config = with_scripts(&files);
        config["scripts"]["on_error"] = json!(on_error);
        config["scripts"]["on_limit"] = json!(on_limit);
        config["scripts"]["time"] = json!("50ms");
        let journal = Journal::default();
        let builder = WsServer::builder().observer(Noting(journal.clone()));
        let live = Live::start_with(builder, written(config)).await;
        for (said, policy) in [("throw", on_error), ("loop", on_limit)] {
            let mut client = live.connect("/ws").await;
            say(&mut client, "x", &["x"]).await;
            client.send_text(said).await.unwrap();
            if policy == "close" {
                let close = client.recv_close().await.unwrap().unwrap();
                assert!(close.code == 1011 && close.reason.starts_with("a.js: "), "{said}: {close:?}");
            } else {
                say(&mut client, "y", &["y"]).await;
                client.close(1000, "").await.unwrap();
            }
        }
        all_ended(&live.server).await;
        let told = journal.events();
        assert_eq!((told.len(), value(&live.server, ERRORS)), (2, 2.0), "{told:#?}");
    }
}

/// What is wrong at the top level of a new version is told by the reload, with all else that is wrong, and the old goes on.
#[tokio::test]
async fn a_reload_with_a_mistake_changes_nothing() {
    let files = Files::new();
    write(
        &files,
        &[
            ("a.js", "export function onMessage(ctx) { ctx.send('a') }"),
            ("b.js", "export function onMessage(ctx) { ctx.send('b') }"),
        ],
    );
    let mut config = with_scripts(&files);
    config["rules_file"] = json!(files.write("rules.yaml", "rules: [{ response: rule }]"));
    let live = Live::start(config).await;
    let mut open = live.connect("/ws").await;
    say(&mut open, "x", &["a", "b", "rule"]).await;
    write(
        &files,
        &[
            ("a.js", "export function onMessage(ctx) { ctx.send('new a') }"),
            ("b.js", "null.field;\nexport function onMessage() {}"),
            ("c.js", "export const x = ;"),
        ],
    );
    files.write("rules.yaml", "rules: [{ response: new rule }]");
    let error = live.reload().await.unwrap_err().to_string();
    assert!(error.contains("b.js:1:") && error.contains("c.js:1:") && !error.contains("a.js"), "{error}");
    assert_eq!(live.server.handle().unwrap().last_reload(), Some(Err(error)));
    say(&mut open, "x", &["a", "b", "rule"]).await;
    hear(&mut live.connect("/ws").await, &[]).await;
    write(&files, &[("b.js", "export function onMessage(ctx) { ctx.send('new b') }")]);
    files.remove("handlers/c.js");
    let changed = live.reload().await.unwrap().changed;
    assert_eq!(changed.len(), 3, "{changed:?}");
    say(&mut open, "x", &["new a", "new b", "new rule"]).await;
    assert_eq!((live.reloads("failed"), live.reloads("ok")), (1.0, 1.0));
}
