//! Reloads that fail: every mistake is named, and everything goes on as before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use ws_server::{WsConfig, WsServer};

use super::{Files, Live, connect, written};
use crate::serving::serve;
use crate::talking::{hear, say};

/// Checks that a reload fails with all of `mistakes`, and that nothing has changed by that.
async fn fails(live: &Live, case: &str, mistakes: &[&str]) {
    let before = live.reloads("failed");
    let mut open = live.connect("/ws").await;
    hear(&mut open, &["hello"]).await;
    let text = live.reload().await.expect_err(case).to_string();
    for mistake in mistakes {
        assert!(text.contains(mistake), "{case}: no {mistake:?} in:\n{text}");
    }
    assert_eq!(live.server.handle().unwrap().last_reload(), Some(Err(text)));
    assert_eq!(live.reloads("failed"), before + 1.0, "{case}");
    say(&mut open, "x", &["rule"]).await;
    let mut new = live.connect("/ws").await;
    hear(&mut new, &["hello"]).await;
    say(&mut new, "x", &["rule"]).await;
}

const RULES: &str = "rules: [{ match: ^x$, response: rule }]";
const SCRIPT: &str = r#"{"text":"hello"}"#;

/// L03: a broken file, a missing one, a configuration that makes no server: the reload says all that is wrong, with its place, and
/// the old goes on. When it is mended, it is taken.
#[tokio::test]
async fn a_mistake_leaves_everything_as_it_was() {
    let files = Files::new();
    let good = || {
        files.write("rules.yaml", RULES);
        files.write("a.jsonl", SCRIPT);
        json!({ "rules_file": files.path("rules.yaml"), "replay_file": files.path("a.jsonl") })
    };
    let with = |field: &str, value: Value| {
        let mut config = good();
        config[field] = value;
        written(config)
    };
    let live = Live::start(good()).await;
    assert_eq!(live.server.handle().unwrap().last_reload(), None);

    files.write("rules.yaml", "rules:\n  - { match: '[', response: new }\n  - { mach: x, response: new }");
    fails(&live, "two mistakes in rules", &["rules.yaml:2:", "rules.yaml:3:", "unclosed", "mach"]).await;
    good();
    files.write("a.jsonl", "{\"text\":\"new\"}\n{\"txt\":1}\nnot JSON");
    fails(&live, "two mistakes in a script", &["a.jsonl:2:", "a.jsonl:3:"]).await;
    good();
    files.remove("a.jsonl");
    fails(&live, "no script", &["a.jsonl"]).await;
    good();
    files.remove("rules.yaml");
    fails(&live, "no rules", &["rules.yaml"]).await;

    for (field, value, mistake) in [
        ("raw_echo", json!(true), "raw_echo: "),
        ("rules_file", json!(files.path("nowhere.yaml")), "nowhere.yaml"),
        ("proxy_config", json!({ "upstream_url": "ws://127.0.0.1:1" }), "fallback: local"),
        ("paths", json!([{ "path": "/ws/a", "replay_file": files.path("none.jsonl") }]), "none.jsonl"),
        ("scripts", json!({ "dir": files.path("no-handlers") }), ""),
        ("ai_config", json!({ "narrative": "" }), "ai_config"),
    ] {
        live.set(with(field, value));
        fails(&live, field, &[mistake]).await;
    }
    let itself = json!([{ "path": "/ws/real/**", "proxy": { "upstream_url": live.server.url() } }]);
    live.set(with("paths", itself));
    fails(&live, "its own upstream", &["paths: the upstream ws://127.0.0.1:", "is this server itself"]).await;

    live.set(written(good()));
    assert!(live.reload().await.unwrap().changed.is_empty());
    assert_eq!((live.reloads("unchanged"), live.reloads("ok")), (1.0, 0.0));
    files.write("rules.yaml", "rules: [{ match: ^x$, response: mended }]");
    let report = live.reload().await.unwrap();
    assert_eq!(live.server.handle().unwrap().last_reload(), Some(Ok(report)));
    assert_eq!(live.reloads("ok"), 1.0);
    let mut new = live.connect("/ws").await;
    hear(&mut new, &["hello"]).await;
    say(&mut new, "x", &["mended"]).await;
}

/// A mistake in one file keeps the others from being taken, too: they belong together.
#[tokio::test]
async fn a_good_file_waits_for_a_broken_one() {
    let files = Files::new();
    let config = json!({ "paths": [
        { "path": "/ws/a", "rules_file": files.write("a.yaml", "rules: [{ response: a }]") },
        { "path": "/ws/b", "rules_file": files.write("b.yaml", "rules: [{ response: b }]") },
    ] });
    let live = Live::start(config).await;
    let (mut a, mut b) = (live.connect("/ws/a").await, live.connect("/ws/b").await);
    files.write("a.yaml", "rules: [{ response: new a }]");
    files.write("b.yaml", "rules: [{ resp: new b }]");
    live.reload().await.unwrap_err();
    say(&mut a, "x", &["a"]).await;
    files.write("b.yaml", "rules: [{ response: new b }]");
    // Both were waiting for this.
    let changed = live.reload().await.unwrap().changed;
    assert_eq!(changed, ["a.yaml", "b.yaml"].map(|name| files.path(name).display().to_string()));
    say(&mut a, "x", &["new a"]).await;
    say(&mut b, "x", &["new b"]).await;
}

/// The program's own source may say what is wrong, or fall over: neither harms the server.
#[tokio::test]
async fn a_source_that_fails_harms_nobody() {
    let (fails, panics) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (failing, panicking) = (Arc::clone(&fails), Arc::clone(&panics));
    let builder = WsServer::builder().config_source([], move || {
        assert!(!panicking.load(Ordering::SeqCst), "the source fell over");
        if failing.load(Ordering::SeqCst) {
            return Err("mockforge.yaml:3:5: what is this?".to_owned());
        }
        Ok(WsConfig { raw_echo: true, ..WsConfig::default() })
    });
    let server = serve(builder).await;
    let handle = server.handle().unwrap();
    let mut client = connect(&server, "/ws").await;
    for (flag, mistake) in [(&fails, "mockforge.yaml:3:5: what is this?"), (&panics, "panicked: the source fell over")]
    {
        flag.store(true, Ordering::SeqCst);
        let error = handle.reload().await.unwrap_err().to_string();
        assert!(error.contains(mistake), "{error}");
        assert_eq!(handle.last_reload(), Some(Err(error)));
        say(&mut client, "x", &["echo: x"]).await;
    }
    fails.store(false, Ordering::SeqCst);
    panics.store(false, Ordering::SeqCst);
    handle.reload().await.unwrap();
    say(&mut client, "x", &["x"]).await;
}
