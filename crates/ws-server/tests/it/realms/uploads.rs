//! What is uploaded while the server runs: for whom it is, and for how long.

use serde_json::json;
use ws_conditions::Conditions;
use ws_core::{HandlerRegistry, WsMessage};
use ws_rooms::RoomManager;
use ws_server::{Scope, TestError, WsServer};

use super::{connect_to, refused, saying, serve_config, test};
use crate::programmed::Programmed;
use crate::reloading::{Files, Live, ping};
use crate::serving::{serve, serve_handler};
use crate::talking::{hear, say};

/// Rules reach connections that are open with their next message; those that are uploaded next take over their state.
#[tokio::test]
async fn rules_reach_open_connections() {
    let server = serve(WsServer::builder()).await;
    let mut open = connect_to(&server, "t", "/ws").await;
    let mut plain = server.connect("/ws").await.unwrap();
    say(&mut open, "n", &["echo: n"]).await;
    let counting = |word: &str| {
        format!(
            "state: {{ n: 0 }}\nrules: [{{ match: ^n$, set: {{ n: '{{{{state.n + 1}}}}' }}, response: '{word} {{{{state.n}}}}' }}]"
        )
    };
    let applied = test(&server, "t").upload_rules(&counting("old")).unwrap();
    assert_eq!((applied.entries, applied.open_connections), (1, 1));
    say(&mut open, "n", &["old 1"]).await;
    test(&server, "t").upload_rules(&counting("new")).unwrap();
    say(&mut open, "n", &["new 2"]).await;
    say(&mut plain, "n", &["echo: n"]).await;
    // What no rule takes is not echoed: as with rules of a file.
    open.send_text("x").await.unwrap();
    ping(&mut open).await;
}

/// Rules stand before every mode, on every path, behind handlers; what they don't take goes on to the mode.
#[tokio::test]
async fn rules_stand_before_every_mode() {
    let upstream = serve_handler(Programmed::new().answering("upstream: ")).await;
    let files = Files::new();
    let config = json!({
        "proxy_config": { "upstream_url": upstream.url() },
        "paths": [
            { "path": "/ws/rules", "rules_file": files.write("own.yaml", "rules: [{ match: ^(who|own)$, response: own }]") },
            { "path": "/ws/echo", "mode": "echo" },
        ],
    });
    let handler = Programmed::new().on_message(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) if text == "handler" => {
                    ctx.stop();
                    ctx.send_text("handled").await
                }
                _ => Ok(()),
            }
        })
    });
    let builder = WsServer::builder().config(crate::reloading::written(config));
    let server = serve(builder.handler(handler)).await;
    test(&server, "t").upload_rules(&saying("uploaded")).unwrap();
    let mut proxied = connect_to(&server, "t", "/ws").await;
    say(&mut proxied, "who", &["uploaded"]).await;
    say(&mut proxied, "x", &["upstream: x"]).await;
    say(&mut proxied, "handler", &["handled"]).await;
    let mut ruled = connect_to(&server, "t", "/ws/rules").await;
    say(&mut ruled, "who", &["uploaded"]).await;
    say(&mut ruled, "own", &["own"]).await;
    let mut echoing = connect_to(&server, "t", "/ws/echo").await;
    say(&mut echoing, "who", &["uploaded"]).await;
}

/// A replay is for new connections: those that are open go on as they began, also when another one is uploaded in the middle of
/// it. Uploaded rules answer beside it.
#[tokio::test]
async fn a_replay_is_for_new_connections() {
    let server = serve(WsServer::builder()).await;
    let realm = test(&server, "t");
    let script = |word: &str| format!("{{\"text\":\"{word} 1\"}}\n{{\"waitFor\":\"^next$\",\"text\":\"{word} 2\"}}");
    let mut before = connect_to(&server, "t", "/ws").await;
    assert_eq!(realm.upload_replay(&script("old")).unwrap().entries, 2);
    let mut old = connect_to(&server, "t", "/ws").await;
    hear(&mut old, &["old 1"]).await;
    realm.upload_replay(&script("new")).unwrap();
    realm.upload_rules(&saying("uploaded")).unwrap();
    let mut new = connect_to(&server, "t", "/ws/any").await;
    hear(&mut new, &["new 1"]).await;
    say(&mut new, "who", &["uploaded"]).await;
    say(&mut new, "next", &["new 2"]).await;
    // The modes of the old one are as they were, without the rules.
    old.send_text("who").await.unwrap();
    say(&mut old, "next", &["old 2"]).await;
    say(&mut before, "next", &["echo: next"]).await;
    let mut other = server.connect("/ws").await.unwrap();
    say(&mut other, "next", &["echo: next"]).await;
}

/// Conditions count handshakes from when they were set, in the test alone.
#[tokio::test]
async fn conditions_of_handshakes_are_for_new_connections() {
    let server = serve_config(json!({ "conditions": { "faults": [{ "fault": "refuse", "status": 500 }] } })).await;
    let conditions = json!({ "faults": [{ "fault": "refuse", "status": 503, "connections": 2 }] });
    let conditions: Conditions = serde_json::from_value(conditions).unwrap();
    test(&server, "t").set_conditions(conditions).unwrap();
    // It has no number under conditions that come later.
    let mut open = connect_to(&server, "t", "/ws/a").await;
    let none = json!({ "faults": [{ "fault": "refuse", "status": 503, "connections": 2 }] });
    test(&server, "t").set_conditions(serde_json::from_value::<Conditions>(none).unwrap()).unwrap();
    say(&mut open, "x", &["echo: x"]).await;
    connect_to(&server, "t", "/ws/a").await;
    for (id, path, status) in [("t", "/ws/b", "503"), ("other", "/ws/a", "500")] {
        let problem = refused(&server, id, path).await;
        assert!(problem.contains(status), "{id}: {problem}");
    }
    connect_to(&server, "t", "/ws/b").await;
    // None at all.
    test(&server, "t").set_conditions(Conditions::default()).unwrap();
    connect_to(&server, "t", "/ws/b").await;
}

/// What was uploaded is not a part of the configuration: a reload that takes everything else away leaves it.
#[tokio::test]
async fn uploads_survive_reloads() {
    let files = Files::new();
    let old = json!({ "replay_file": files.write("a.jsonl", r#"{"text":"configured"}"#) });
    let live = Live::start(old).await;
    test(&live.server, "t").upload_replay(r#"{"text":"uploaded {{connection.number}}"}"#).unwrap();
    hear(&mut connect_to(&live.server, "t", "/ws").await, &["uploaded 1"]).await;
    live.becomes(json!({ "seed": 3, "paths": [{ "path": "/ws/new", "mode": "echo" }] })).await;
    hear(&mut connect_to(&live.server, "t", "/ws").await, &["uploaded 2"]).await;
    hear(&mut connect_to(&live.server, "t", "/ws/new").await, &["uploaded 1"]).await;
    say(&mut connect_to(&live.server, "other", "/ws").await, "x", &["echo: x"]).await;
}

/// Mistakes are named, and then nothing has changed. An upload cannot make the server read files.
#[tokio::test]
async fn mistakes_change_nothing() {
    let server = serve(WsServer::builder()).await;
    let realm = test(&server, "t");
    realm.upload_rules(&saying("good")).unwrap();
    let mut client = connect_to(&server, "t", "/ws").await;
    for (text, problem) in [
        ("rules: [{ match: '(', respnse: x }]", "respnse"),
        ("rules: [{ schema_file: /etc/hostname, response: x }]", "schema_file"),
        ("rules: [{ schema_file: ../../secret.json, response: x }]", "schema_file"),
    ] {
        let error = realm.upload_rules(text).unwrap_err();
        assert!(matches!(error, TestError::Replay(_)), "{error}");
        assert!(error.to_string().contains(problem), "{error}");
        assert!(error.to_string().starts_with("uploaded rules:"), "{error}");
    }
    let error = realm.upload_replay(r#"{"txt": "x"}"#).unwrap_err().to_string();
    assert!(error.starts_with("uploaded replay:1:"), "{error}");
    say(&mut client, "who", &["good"]).await;
    assert!(matches!(server.handle().unwrap().test("no id").unwrap_err(), TestError::Id(id) if id == "no id"));
}

/// Where the embedder has chosen the scope, an upload would not be seen: that is said.
#[tokio::test]
async fn scopes_of_the_embedder_take_no_uploads() {
    let builder = WsServer::builder().scope_for(|handshake| {
        let scope =
            || std::sync::Arc::new(Scope::new(HandlerRegistry::new().into(), std::sync::Arc::new(RoomManager::new())));
        (handshake.path() == "/ws/chosen").then(scope)
    });
    let server = serve(builder).await;
    let mut chosen = connect_to(&server, "t", "/ws/chosen").await;
    say(&mut chosen, "who", &["echo: who"]).await;
    let error = test(&server, "t").upload_rules(&saying("uploaded")).unwrap_err();
    assert!(matches!(error, TestError::Unmanaged), "{error}");
    // One that it reaches is enough.
    let mut own = connect_to(&server, "t", "/ws").await;
    test(&server, "t").upload_rules(&saying("uploaded")).unwrap();
    say(&mut own, "who", &["uploaded"]).await;
    say(&mut chosen, "who", &["echo: who"]).await;
}
