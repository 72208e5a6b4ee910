//! Handlers in JavaScript among all others that a server has.

mod among_others;
mod errors;
mod exchanged;

use std::collections::BTreeSet;
use std::iter::zip;

use serde_json::{Value, json};
use ws_core::Message;
use ws_server::{ScriptsConfig, WsConfig, WsServer};

use crate::eventually::eventually;
use crate::raw_client::{RawClient, handshake};
use crate::reloading::{Files, Live, written};
use crate::talking::{hear, say};

/// Writes scripts into the folder that the configuration names.
pub(crate) fn write(files: &Files, scripts: &[(&str, &str)]) {
    for (name, source) in scripts {
        files.write(&format!("handlers/{name}"), source);
    }
}

/// A configuration with the scripts of these files.
pub(crate) fn with_scripts(files: &Files) -> Value {
    json!({ "scripts": { "dir": files.path("handlers") } })
}

/// Serves scripts alone.
pub(crate) async fn serve(scripts: &[(&str, &str)]) -> (Files, Live) {
    let files = Files::new();
    write(&files, scripts);
    let live = Live::start(with_scripts(&files)).await;
    (files, live)
}

/// The scripts to start from answer, each on its path; on others there is the echo.
#[tokio::test]
async fn the_samples_answer() {
    let (_files, live) = serve(ws_script::SAMPLES).await;
    let mut echo = live.connect("/ws").await;
    hear(&mut echo, &["Welcome!"]).await;
    say(&mut echo, "hello", &["echo: hello"]).await;
    echo.send(Message::binary(vec![0, 255])).await.unwrap();
    assert_eq!(echo.recv_binary().await.unwrap(), [0, 255]);

    let (mut ann, mut bob) = (live.connect("/ws/chat").await, live.connect("/ws/chat/deeper").await);
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.recv_json().await.unwrap()["type"], "system");
    }
    say(&mut ann, "hi", &["[general] hi"]).await;
    hear(&mut bob, &["[general] hi"]).await;
    say(&mut bob, "/leave general", &["Left room: general"]).await;
    say(&mut ann, "still there?", &["[general] still there?"]).await;
    say(&mut bob, "/rooms", &["Current rooms: "]).await;
    say(&mut live.connect("/ws/elsewhere").await, "x", &["echo: x"]).await;
}

/// A script names paths outside of `/ws`, too; where it answers, there is no echo.
#[tokio::test]
async fn a_script_names_its_paths() {
    let (_files, live) = serve(&[(
        "a.js",
        "export const path = ['/graphql', '/ws/users/*'];
        export function onMessage(ctx, msg) { if (msg.text === 'who') ctx.send(ctx.path + ' ' + JSON.stringify(ctx.query)) }",
    )])
    .await;
    for (target, answer) in
        [("/graphql?a=1&b=x&b=y", r#"/graphql {"a":"1","b":["x","y"]}"#), ("/ws/users/ann", "/ws/users/ann {}")]
    {
        let mut client = live.connect(target).await;
        say(&mut client, "nobody answers", &[]).await;
        say(&mut client, "who", &[answer]).await;
    }
    let elsewhere = RawClient::connect(live.server.address()).await.request(&handshake("/elsewhere")).await;
    assert_eq!(elsewhere.status, 404);
}

/// What a script speaks decides about the handshake.
#[tokio::test]
async fn a_script_chooses_the_subprotocol() {
    let (_files, live) = serve(&[(
        "a.js",
        "export const path = '/ws/v'; export const subprotocols = ['v2', 'v1'];
        export function onConnect(ctx) { ctx.send(String(ctx.subprotocol)) }",
    )])
    .await;
    let url = live.server.url_of("/ws/v");
    for (offer, chosen) in [("v0, v1, v2", "v1"), ("v2", "v2")] {
        let mut client = ws_testing::TestClient::builder().subprotocols(offer).connect(&url).await.unwrap();
        assert_eq!(client.subprotocol(), Some(chosen));
        hear(&mut client, &[chosen]).await;
    }
    let mut client = live.connect("/ws/v").await;
    hear(&mut client, &["null"]).await;
    let refused = ws_testing::TestClient::builder().subprotocols("v3").connect(&url).await.unwrap_err().to_string();
    assert!(refused.contains("400") && refused.contains("v2, v1"), "{refused}");
}

/// H13: with a seed, all that is random in scripts repeats, and no two connections get the same.
#[tokio::test]
async fn a_seed_repeats_what_scripts_make_up() {
    const SCRIPT: &str = "
        export function onMessage(ctx) {
            ctx.send([template('{{uuid}} {{randInt 1 1000000}} {{now}}'), faker.email(), crypto.randomUUID(), Math.random()])
        }";
    async fn run(seed: Option<u64>) -> Vec<String> {
        let files = Files::new();
        write(&files, &[("a.js", SCRIPT)]);
        let mut config = with_scripts(&files);
        config["seed"] = json!(seed);
        let live = Live::start(config).await;
        let mut texts = Vec::new();
        for _ in 0..2 {
            let mut client = live.connect("/ws").await;
            for _ in 0..2 {
                client.send_text("x").await.unwrap();
                texts.push(client.recv_text().await.unwrap());
            }
        }
        texts
    }
    let first = run(Some(7)).await;
    assert_eq!(first, run(Some(7)).await);
    for (one, other) in zip(&first, run(Some(8)).await).chain(zip(&first, run(None).await)) {
        assert_ne!(*one, other);
    }
    let distinct: BTreeSet<_> = first.iter().collect();
    assert_eq!(distinct.len(), first.len());
}

/// The end of a connection is told to its script, with the code of who closed first, and what it was in is left.
#[tokio::test]
async fn a_script_learns_of_the_end() {
    let (_files, live) = serve(&[(
        "a.js",
        "state.ended ??= [];
        export async function onConnect(ctx) { await ctx.join('all') }
        export async function onMessage(ctx, msg) {
            if (msg.text === 'go') return ctx.close(4000, 'as you like');
            ctx.send([...state.ended, (await ctx.members('all')).length]);
        }
        export function onDisconnect(ctx, close) { state.ended.push(close && close.code + close.reason) }",
    )])
    .await;
    let mut stays = live.connect("/ws").await;
    live.connect("/ws").await.close(1001, "bye").await.unwrap();
    let mut sent_away = live.connect("/ws").await;
    sent_away.send_text("go").await.unwrap();
    let close = sent_away.recv_close().await.unwrap().unwrap();
    assert_eq!((close.code, &*close.reason), (4000, "as you like"));
    drop(RawClient::open(live.server.address(), "/ws").await);
    // Rooms are left after that.
    let ended = loop {
        stays.send_text("who?").await.unwrap();
        let heard: Vec<Value> = serde_json::from_value(stays.recv_json().await.unwrap()).unwrap();
        if let [ended @ .., members] = &heard[..]
            && ended.len() == 3
            && *members == 1
        {
            break ended.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        }
    };
    assert_eq!(ended, [r#""1001bye""#, r#""4000as you like""#, "null"].map(str::to_owned).into());
}

/// Timers and awaits of a connection run between its messages, and end with it.
#[tokio::test]
async fn timers_belong_to_their_connection() {
    let (_files, live) = serve(&[(
        "a.js",
        "state.ticks ??= 0;
        export function onMessage(ctx, msg) {
            if (msg.text === 'start') { ctx.send('started'); return void setInterval(() => { state.ticks++; ctx.send('tick') }, 1) }
            if (msg.text === 'wait') return ctx.sleep(1).then(() => ctx.send('waited'));
            ctx.send(String(state.ticks));
        }",
    )])
    .await;
    let mut ticking = live.connect("/ws").await;
    say(&mut ticking, "start", &["started", "tick", "tick"]).await;
    let mut other = live.connect("/ws").await;
    say(&mut other, "wait", &["waited"]).await;
    drop(ticking);
    eventually("one is left", || live.server.metrics().unwrap().render().contains("connections_active 1\n")).await;
    let mut ticks = Vec::new();
    while ticks.len() < 2 || ticks[ticks.len() - 1] != ticks[ticks.len() - 2] {
        other.send_text("how many?").await.unwrap();
        ticks.push(other.recv_text().await.unwrap());
        say(&mut other, "wait", &["waited"]).await;
    }
}

/// A server without the folder, or with a mistake in it, does not start, and says all that is wrong.
#[tokio::test]
async fn mistakes_keep_a_server_from_starting() {
    let files = Files::new();
    write(
        &files,
        &[
            ("a.js", "export function onMessage(ctx) {\n  ctx.send('x'\n}"),
            ("b.js", "export function onmessage() {}"),
            ("c.js", "import { secret } from '/etc/passwd';\nexport function onMessage() {}"),
            ("d.js", "import '../../outside.js';\nexport function onMessage() {}"),
            ("good.js", "export function onMessage() {}"),
        ],
    );
    let error = WsServer::builder().config(written(with_scripts(&files))).build().err().unwrap().to_string();
    for part in [
        "a.js:3:",
        "b.js",
        "onMessage",
        "c.js:1:",
        "import of `/etc/passwd` is refused: only files below",
        "d.js:1:",
        "`../../outside.js`",
    ] {
        assert!(error.contains(part), "no {part:?} in:\n{error}");
    }
    assert!(!error.contains("good.js"), "{error}");
    let nowhere = json!({ "scripts": { "dir": files.path("nowhere") } });
    let error = WsServer::builder().config(written(nowhere)).build().err().unwrap().to_string();
    assert!(error.contains("nowhere"), "{error}");
    // In a file it is a mistake of the file.
    let too_small = ScriptsConfig { memory: 1000, ..ScriptsConfig::new(files.path("handlers")) };
    let too_small = WsConfig { scripts: Some(too_small), ..WsConfig::default() };
    let error = WsServer::builder().config(too_small).build().err().unwrap().to_string();
    assert!(error.contains("memory: 1000 bytes is not between"), "{error}");
}
