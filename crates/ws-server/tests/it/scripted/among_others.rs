//! Scripts beside Rust handlers, rules, replay files and rooms.

use std::sync::Arc;

use serde_json::json;
use ws_core::{HandlerRegistry, WsMessage};
use ws_server::WsServer;

use super::{with_scripts, write};
use crate::programmed::Programmed;
use crate::reloading::{Files, Live, written};
use crate::scrape::{ERRORS, value};
use crate::talking::{hear, say};

/// C01: Rust handlers come first, then scripts in the order of their names, then what the configuration names; one that stops
/// keeps the message from all behind it, one that takes it from rules alone.
#[tokio::test]
async fn all_have_their_turn_in_order() {
    let files = Files::new();
    let rust = Programmed::new().welcoming("rust").on_message(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) if text == "rust alone" => {
                    ctx.stop();
                    ctx.send_text("rust alone").await
                }
                _ => ctx.send_text("rust").await,
            }
        })
    });
    let script = |name: &str, rest: &str| {
        format!(
            "export function onConnect(ctx) {{ ctx.send('{name}') }}
            export function onMessage(ctx, msg) {{ ctx.send('{name}'); {rest} }}"
        )
    };
    write(
        &files,
        &[
            ("b.js", &script("b", "if (msg.text === 'mine') ctx.markMatched()")),
            ("a.js", &script("a", "if (msg.text === 'a alone') ctx.stop()")),
        ],
    );
    let mut config = with_scripts(&files);
    config["replay_file"] = json!(files.write("hello.jsonl", r#"{"text":"replay"}"#));
    config["rules_file"] = json!(files.write("rules.yaml", "rules: [{ response: 'rule {{connection.messages}}' }]"));
    let live = Live::start_with(WsServer::builder().handler(rust), written(config)).await;
    let mut client = live.connect("/ws").await;
    hear(&mut client, &["rust", "a", "b", "replay"]).await;
    say(&mut client, "x", &["rust", "a", "b", "rule 1"]).await;
    say(&mut client, "rust alone", &["rust alone"]).await;
    say(&mut client, "a alone", &["rust", "a"]).await;
    say(&mut client, "mine", &["rust", "a", "b"]).await;
    say(&mut client, "x", &["rust", "a", "b", "rule 3"]).await;
    assert_eq!(value(&live.server, ERRORS), 0.0);
}

/// C03: a script is asked about what others send: handlers, rules, scripts, and what comes from a room.
#[tokio::test]
async fn a_script_sees_what_others_send() {
    let files = Files::new();
    write(
        &files,
        &[
            (
                "a.js",
                "export function onOutbound(ctx, msg) {
                    if (msg.text === 'secret') return false;
                    if (msg.text === 'twice') return ['one', 'two'];
                    if (msg.type === 'binary') return;
                    return msg.text + ' by ' + msg.origin;
                }",
            ),
            (
                "b.js",
                "export async function onMessage(ctx, msg) {
                    if (msg.text !== 'script') return;
                    await ctx.join('all');
                    await ctx.send('script');
                    await ctx.broadcast('all', 'room');
                }",
            ),
        ],
    );
    let rules = "
rules:
  - { match: ^rule$, response: [rule, secret, { text: late, delay_ms: 10 }, { binary: AQ== }, twice] }";
    let mut config = with_scripts(&files);
    config["rules_file"] = json!(files.write("rules.yaml", rules));
    let rust = Programmed::new().on_message(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) if text == "rust" => ctx.send_text("rust").await,
                _ => Ok(()),
            }
        })
    });
    let live = Live::start_with(WsServer::builder().handler(rust), written(config)).await;
    let mut client = live.connect("/ws").await;
    say(&mut client, "rust", &["rust by handler"]).await;
    say(&mut client, "script", &["script by script", "room by room"]).await;
    say(&mut client, "rule", &["rule by rule", "late by rule"]).await;
    assert_eq!(client.recv_binary().await.unwrap(), [1]);
    hear(&mut client, &["one", "two"]).await;
}

/// Metadata is one for all handlers of a connection, and rooms are for all connections, whoever answers them.
#[tokio::test]
async fn metadata_and_rooms_are_shared_with_rust() {
    let files = Files::new();
    write(
        &files,
        &[(
            "a.js",
            "export const path = '/ws/script';
            export async function onConnect(ctx) {
                await ctx.join('all');
                await ctx.setMetadata('script', { n: 1 });
                await ctx.send({ rust: await ctx.getMetadata('rust') });
            }
            export async function onMessage(ctx, msg) {
                if (msg.text.startsWith('all ')) return ctx.broadcast('all', msg.text);
                if (msg.text === 'metadata') await ctx.send({ rust: await ctx.getMetadata('rust') });
            }",
        )],
    );
    let registry = Arc::new(HandlerRegistry::new());
    let both = Programmed::new()
        .on_connect(|ctx| {
            Box::pin(async move {
                ctx.set_metadata("rust", json!("first")).await;
                ctx.join_room("all").await
            })
        })
        .on_message(|ctx, msg| {
            Box::pin(async move {
                match msg {
                    WsMessage::Text(text) if text == "metadata" => {
                        let script = ctx.get_metadata("script").await;
                        ctx.set_metadata("rust", json!([script])).await;
                        Ok(())
                    }
                    WsMessage::Text(text) if text == "everybody" => ctx.broadcast_to_room("all", "from rust").await,
                    _ => Ok(()),
                }
            })
        });
    registry.register(both);
    let builder = WsServer::builder().registry(registry);
    let live = Live::start_with(builder, written(with_scripts(&files))).await;
    let (mut script, mut rust) = (live.connect("/ws/script").await, live.connect("/ws/rust").await);
    assert_eq!(script.recv_json().await.unwrap(), json!({ "rust": "first" }));
    script.send_text("metadata").await.unwrap();
    assert_eq!(script.recv_json().await.unwrap(), json!({ "rust": [{ "n": 1 }] }));
    say(&mut script, "all hear this", &["all hear this"]).await;
    hear(&mut rust, &["all hear this"]).await;
    say(&mut rust, "everybody", &["from rust"]).await;
    hear(&mut script, &["from rust"]).await;
}
