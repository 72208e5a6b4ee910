//! What did not change is not touched: it goes on counting where it was.

use std::sync::Arc;

use serde_json::{Value, json};
use ws_core::close_code;
use ws_proxy::{ProxyRule, TransformFn, Transformed, WsProxyConfig};
use ws_server::WsConfig;

use super::{Files, Live};
use crate::eventually::eventually;
use crate::talking::say;

/// A configuration in which everything counts, and a path that another rules file answers.
fn counting(files: &Files, other: &str) -> Value {
    let sequence = "rules: [{ match: ^n$, choose: sequence, responses: [one, two, three] }]";
    let numbers = r#"{"text":"{{connection.number}} {{uuid}}"}"#;
    json!({
        "seed": 7,
        "server_rate_limit": { "messages": 4, "per_ms": 3_600_000, "over": "close" },
        "paths": [
            { "path": "/ws/other", "rules_file": files.write("other.yaml", &format!("rules: [{{ response: {other} }}]")) },
            { "path": "/ws/sequence", "rules_file": files.write("sequence.yaml", sequence) },
            { "path": "/ws/numbers", "replay_file": files.write("numbers.jsonl", numbers) },
            { "path": "/ws/third", "handshake": [{ "connections": 3, "refuse": { "status": 429 } }] },
            { "path": "/ws/flaky", "conditions": { "faults": [{ "fault": "refuse", "status": 502, "connections": 3 }] } },
        ],
    })
}

/// L03: a reload that changes one file leaves all else as it is: the turns of answers, numbers of connections, what limits,
/// handshake rules and conditions have counted.
#[tokio::test]
async fn what_did_not_change_goes_on() {
    let files = Files::new();
    let live = Live::start(counting(&files, "old")).await;
    let (mut sequence, mut other) = (live.connect("/ws/sequence").await, live.connect("/ws/other").await);
    say(&mut sequence, "n", &["one"]).await;
    say(&mut other, "x", &["old"]).await;
    let mut first = live.connect("/ws/numbers").await;
    let first = first.recv_text().await.unwrap();
    assert!(first.starts_with("1 "), "{first}");
    for path in ["/ws/third", "/ws/flaky"] {
        for _ in 0..2 {
            live.connect(path).await;
        }
    }

    let report = live.becomes(counting(&files, "new")).await;
    assert_eq!(report.changed, [files.path("other.yaml").display().to_string()]);

    say(&mut other, "x", &["new"]).await;
    say(&mut sequence, "n", &["two"]).await;
    let second = live.connect("/ws/numbers").await.recv_text().await.unwrap();
    assert!(second.starts_with("2 ") && second[2..] != first[2..], "{second} after {first}");
    for (path, status) in [("/ws/third", "429"), ("/ws/flaky", "502")] {
        let refused = live.server.connect(path).await.unwrap_err().to_string();
        assert!(refused.contains(status), "{path}: {refused}");
        live.connect(path).await;
    }
    // The fifth message since the start.
    let mut fifth = live.connect("/ws/sequence").await;
    fifth.send_text("n").await.unwrap();
    assert_eq!(fifth.recv_close().await.unwrap().unwrap().code, close_code::POLICY_VIOLATION);
}

/// L03: connections are counted on when the file that counts them changes: a seed gives no two of them the same values.
#[tokio::test]
async fn connections_are_counted_across_files() {
    let files = Files::new();
    let config =
        json!({ "seed": 7, "replay_file": files.write("a.jsonl", r#"{"text":"{{uuid}} {{connection.number}}"}"#) });
    let live = Live::start(config).await;
    let old = live.connect("/ws").await.recv_text().await.unwrap();
    files.write("a.jsonl", r#"{"text":"{{uuid}} {{connection.number}} new"}"#);
    live.reload().await.unwrap();
    let new = live.connect("/ws").await.recv_text().await.unwrap();
    assert!(old.ends_with(" 1") && new.ends_with(" 2 new"), "{old}, {new}");
    assert_ne!(old[..36], new[..36]);
}

/// L03: what changed begins anew.
#[tokio::test]
async fn what_did_change_begins_anew() {
    let limited =
        |messages| json!({ "server_rate_limit": { "messages": messages, "per_ms": 3_600_000, "over": "drop" } });
    let live = Live::start(limited(1)).await;
    let mut open = live.connect("/ws").await;
    say(&mut open, "1", &["echo: 1"]).await;
    live.becomes(limited(2)).await;
    let mut new = live.connect("/ws").await;
    say(&mut new, "1", &["echo: 1"]).await;
    say(&mut new, "2", &["echo: 2"]).await;
}

/// A proxy for others than these connections. Its transform shares `share`, and lives as long as what is made of it.
fn sharing(share: &Arc<()>) -> WsConfig {
    let share = Arc::clone(share);
    let message_transform = Some(TransformFn::new(move |_, _| {
        let _ = &share;
        Transformed::Pass
    }));
    let proxy = WsProxyConfig {
        upstream_url: "ws://127.0.0.1:1".to_owned(),
        message_transform,
        rules: vec![ProxyRule::local("/ws/local/**")],
        ..WsProxyConfig::default()
    };
    WsConfig { proxy_config: Some(proxy), ..WsConfig::default() }
}

/// L04: a connection keeps nothing of what was replaced, whether it says something now and then or not.
#[tokio::test]
async fn nobody_keeps_what_was_replaced() {
    let live = Live::start(json!({})).await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(live.connect("/ws/local/idle").await);
    }
    let mut busy = live.connect("/ws/local/busy").await;
    let mut shares = Vec::new();
    for round in 1..=50 {
        let share = Arc::new(());
        live.set(sharing(&share));
        shares.push(share);
        live.reload().await.unwrap();
        say(&mut busy, "x", &["echo: x"]).await;
        if round == 25 {
            // They have what is there now, and then rest.
            for client in &mut idle {
                say(client, "x", &["echo: x"]).await;
            }
        }
    }
    let living = || shares.iter().filter(|share| Arc::strong_count(share) > 1).count();
    eventually("only the newest is there", || living() == 1).await;
    assert!(Arc::strong_count(shares.last().unwrap()) > 1);
    for client in &mut idle {
        say(client, "x", &["echo: x"]).await;
    }
}
