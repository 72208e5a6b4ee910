//! Folders that change while their scripts serve.

use std::sync::Arc;

use crate::kit::{Client, Hall, Scripts};

fn counter(answer: &str) -> String {
    format!(
        "state.calls ??= 0; export function onMessage(ctx, msg) {{ ctx.own = (ctx.own ?? 0) + 1; ctx.send(`{answer} ${{++state.calls}} ${{ctx.own}}`) }}"
    )
}

#[tokio::test]
async fn the_new_code_takes_the_next_message_and_state_is_kept() {
    let scripts = Scripts::load(&[("a.js", &counter("old"))]);
    let mut client = scripts.client("a.js");
    assert_eq!(client.ask("x").await, "old 1 1");
    let report = scripts.change(&[("a.js", &counter("new"))]).unwrap();
    assert_eq!(report.changed, ["a.js"]);
    assert!(
        report.added.is_empty()
            && report.removed.is_empty()
            && report.unchanged.is_empty()
            && report.warnings.is_empty()
    );
    // What hangs on the context is there, too.
    client.handler = scripts.handler("a.js");
    assert_eq!(client.ask("x").await, "new 2 2");
    assert_eq!(scripts.client("a.js").ask("x").await, "new 3 1");
}

#[tokio::test]
async fn only_what_changed_is_touched() {
    let scripts = Scripts::load(&[
        (
            "a.js",
            "import { answer } from './_lib.js'; let n = 0; export function onMessage(ctx) { ctx.send(answer + ++n) }",
        ),
        ("b.js", "let n = 0; export function onMessage(ctx) { ctx.send('b' + ++n) }"),
        ("_lib.js", "export const answer = 'old'"),
    ]);
    let before = scripts.handler("b.js");
    let (mut a, mut b) = (scripts.client("a.js"), scripts.client("b.js"));
    assert_eq!([a.ask("x").await, b.ask("x").await], ["old1", "b1"]);
    let report = scripts
        .change(&[
            ("_lib.js", "export const answer = 'new'"),
            ("b.js", "let n = 0; export function onMessage(ctx) { ctx.send('b' + ++n) }"),
        ])
        .unwrap();
    assert_eq!((report.changed, report.unchanged), (vec!["a.js".to_owned()], vec!["b.js".to_owned()]));
    assert!(Arc::ptr_eq(&before, &scripts.handler("b.js")));
    a.handler = scripts.handler("a.js");
    assert_eq!([a.ask("x").await, b.ask("x").await], ["new1", "b2"]);
    assert!(scripts.folder.reload().unwrap().is_empty());
}

#[tokio::test]
async fn a_broken_file_keeps_everything_as_it_was() {
    let scripts = Scripts::load(&[("a.js", &counter("old")), ("b.js", &counter("old"))]);
    let (mut a, mut b) = (scripts.client("a.js"), scripts.client("b.js"));
    assert_eq!([a.ask("x").await, b.ask("x").await], ["old 1 1", "old 1 1"]);
    let errors = scripts
        .change(&[("a.js", &counter("new")), ("b.js", "export function onMessage() { }}"), ("c.js", "")])
        .unwrap_err();
    let files: Vec<_> = errors.iter().map(|error| error.file.as_str()).collect();
    assert_eq!(files, ["b.js", "c.js"], "{errors}");
    assert_eq!([a.ask("x").await, b.ask("x").await], ["old 2 2", "old 2 2"]);
    assert_eq!(scripts.folder.scripts().len(), 2);
    std::fs::remove_file(scripts.dir().join("c.js")).unwrap();
    let report = scripts.change(&[("b.js", &counter("newer"))]).unwrap();
    assert_eq!(report.changed, ["a.js", "b.js"]);
    (a.handler, b.handler) = (scripts.handler("a.js"), scripts.handler("b.js"));
    assert_eq!([a.ask("x").await, b.ask("x").await], ["new 3 3", "newer 3 3"]);
}

#[tokio::test]
async fn new_files_serve_and_those_of_deleted_ones_end() {
    let scripts = Scripts::load(&[("a.js", &counter("a"))]);
    let report = scripts.change(&[("b.js", &counter("b"))]).unwrap();
    assert_eq!((report.added, report.unchanged), (vec!["b.js".to_owned()], vec!["a.js".to_owned()]));
    assert_eq!(scripts.client("b.js").ask("x").await, "b 1 1");
    let mut client = scripts.client("a.js");
    std::fs::remove_file(scripts.dir().join("a.js")).unwrap();
    let report = scripts.folder.reload().unwrap();
    assert_eq!(report.removed, ["a.js"]);
    assert_eq!(scripts.folder.handlers().len(), 1);
    assert_eq!(client.ask("x").await, "a 1 1", "who still has the handler is served");
}

#[tokio::test]
async fn what_the_old_code_awaits_goes_on() {
    let source = |answer: &str| {
        format!(
            "export async function onMessage(ctx, msg) {{
    if (msg.text === 'wait') {{ setTimeout(() => ctx.send('timer of {answer}'), 20); await sleep(10); }}
    ctx.send('{answer}');
}}"
        )
    };
    let scripts = Scripts::load(&[("a.js", &source("old"))]);
    let (mut waiting, mut other) = (scripts.client("a.js"), scripts.client("a.js"));
    let change = async {
        assert_eq!(other.ask("x").await, "old");
        scripts.change(&[("a.js", &source("new"))]).unwrap();
        other.handler = scripts.handler("a.js");
        other.ask("x").await
    };
    let (old, new) = tokio::join!(waiting.ask("wait"), change);
    assert_eq!([old, new], ["old", "new"]);
    assert_eq!(waiting.next_text().await, "timer of old");
}

#[tokio::test]
async fn state_that_json_cannot_write_begins_anew_with_a_warning() {
    let scripts = Scripts::load(&[("a.js", "state.self = state; export function onMessage() {}")]);
    let report = scripts.change(&[("a.js", "export function onMessage(ctx) { ctx.send(state) }")]).unwrap();
    assert!(report.warnings[0].starts_with("the state of a.js begins anew: a.js"), "{report:?}");
    assert_eq!(scripts.client("a.js").ask("x").await, "{}");
}

#[tokio::test]
async fn paths_and_callbacks_may_change() {
    let scripts =
        Scripts::load(&[("a.js", "export const path = '/ws/old'; export function onMessage(ctx) { ctx.send('old') }")]);
    let hall = Hall::default();
    let mut client = Client::new(scripts.handler("a.js"), hall.clone());
    assert_eq!(client.ask("x").await, "old");
    scripts
        .change(&[(
            "a.js",
            "export const path = '/ws/new'; export async function onConnect(ctx) { ctx.send('hello') }",
        )])
        .unwrap();
    assert!(scripts.handler("a.js").handles_path("/ws/new") && !scripts.handler("a.js").handles_path("/ws/old"));
    assert_eq!(client.ask("x").await, "old", "until its session takes the new handler");
    let mut new = Client::new(scripts.handler("a.js"), hall);
    new.connect().await.unwrap();
    assert_eq!(new.next_text().await, "hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_reloads_during_many_calls_show_no_half_loaded_script() {
    let source = |n: u32| {
        format!(
            "export const path = '/ws'; const [a, b] = [{n}, {n}]; export async function onMessage(ctx) {{ await null; ctx.send(a === b ? 'whole' : 'half') }}"
        )
    };
    let scripts = Scripts::load(&[("a.js", &source(0))]);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let mut client = scripts.client("a.js");
            tokio::spawn(async move {
                for _ in 0..200 {
                    assert_eq!(client.ask("x").await, "whole");
                }
            })
        })
        .collect();
    for n in 1..=50 {
        tokio::task::block_in_place(|| scripts.change(&[("a.js", &source(n))])).unwrap();
    }
    for client in clients {
        client.await.unwrap();
    }
}
