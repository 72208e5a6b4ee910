//! All that a reload brings takes effect at one moment, whatever the clients are doing at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use ws_testing::TestClient;

use super::{Files, Live, PATIENCE};
use crate::scrape::{ERRORS, TOTAL, all_ended, ended_with, value};

const RELOADS: u64 = 300;
const CLIENTS: usize = 200;

/// A version of all that changes: a handshake rule, a script and its rules, which say its number.
fn version(files: &Files, number: u64) -> Value {
    let script = files.write("hello.jsonl", &format!(r#"{{"text":"{number} {{{{state.rules}}}}"}}"#));
    let rules = format!("state: {{ rules: {number} }}\nrules: [{{ match: ^ask$, response: '{number}' }}]");
    let rules = files.write("rules.yaml", &rules);
    let handshake = json!([{ "accept": { "subprotocol": format!("v{number}") } }]);
    json!({ "paths": [{ "path": "/ws/**", "replay_file": script, "rules_file": rules, "handshake": handshake }] })
}

/// Whichever subprotocol the server wants.
fn offer() -> String {
    (0..=RELOADS).map(|number| format!("v{number}")).collect::<Vec<_>>().join(",")
}

async fn number(client: &mut TestClient) -> u64 {
    client.recv_text().await.unwrap().parse().unwrap()
}

/// Connects, is greeted by one version, and is answered by that or a later one, never by an earlier one.
async fn visit(url: &str, offer: &str, published: &AtomicU64) {
    let mut client = TestClient::builder().patience(PATIENCE).subprotocols(offer).connect(url).await.unwrap();
    let handshake: u64 = client.subprotocol().unwrap().strip_prefix('v').unwrap().parse().unwrap();
    let greeting = client.recv_text().await.unwrap();
    assert_eq!(greeting, format!("{handshake} {handshake}"), "one whole version greets");
    let mut last = handshake;
    for _ in 0..3 {
        client.send_text("ask").await.unwrap();
        let now = number(&mut client).await;
        assert!(last <= now && now <= published.load(Ordering::SeqCst), "{now} after {last}");
        last = now;
    }
    let close = client.close(1000, "").await.unwrap().unwrap();
    assert_eq!(close.code, 1000);
}

/// L04: three hundred reloads while two hundred clients come, talk and go: every connection gets one whole version, nobody is
/// refused or closed, and nobody goes back to an older one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connection_gets_a_whole_version() {
    let files = Files::new();
    let live = Live::start(version(&files, 0)).await;
    let (url, published, done) = (live.server.url(), Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut visitors = JoinSet::new();
    for _ in 0..CLIENTS {
        let (url, offer) = (url.clone(), offer());
        let (published, done) = (Arc::clone(&published), Arc::clone(&done));
        visitors.spawn(async move {
            let mut visits = 0;
            while visits == 0 || !done.load(Ordering::SeqCst) {
                visit(&url, &offer, &published).await;
                visits += 1;
            }
            visits
        });
    }
    for number in 1..=RELOADS {
        let config = version(&files, number);
        published.store(number, Ordering::SeqCst);
        live.becomes(config).await;
    }
    done.store(true, Ordering::SeqCst);
    let visits: usize = visitors.join_all().await.iter().sum();
    println!("{visits} visits during {RELOADS} reloads");
    all_ended(&live.server).await;
    assert_eq!(value(&live.server, TOTAL), visits as f64);
    assert_eq!(ended_with(&live.server, "client_close"), visits as f64);
    assert_eq!(value(&live.server, ERRORS), 0.0);
    assert_eq!((live.reloads("ok"), live.reloads("failed")), (RELOADS as f64, 0.0));
    visit(&url, &offer(), &published).await;
}

/// L04: reloads that are asked for at once come one after the other, and the last word is what stands in the files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_come_one_after_the_other() {
    let files = Files::new();
    let live = Live::start(version(&files, 0)).await;
    live.set(super::written(version(&files, 1)));
    let reloads = (0..20).map(|_| live.reload());
    for outcome in futures_util::future::join_all(reloads).await {
        outcome.unwrap();
    }
    assert_eq!((live.reloads("ok"), live.reloads("unchanged")), (1.0, 19.0));
    visit(&live.server.url(), &offer(), &AtomicU64::new(1)).await;
}
