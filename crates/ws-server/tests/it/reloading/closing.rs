//! The policy that closes open connections instead of exchanging what they have, and the moments at which nothing is exchanged.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::Semaphore;
use ws_core::{
    HandlerRegistry, HandlerResult, Handshake, HandshakeDecision, WsContext, WsHandler, WsMessage, close_code,
};
use ws_server::WsServer;
use ws_testing::TestClient;

use super::{Files, Live, ping, written};
use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::scrape::{all_ended, ended_with};
use crate::talking::{hear, say};

async fn closed_for_reload(client: &mut TestClient) {
    let close = client.recv_close().await.unwrap().unwrap();
    assert_eq!((close.code, &*close.reason), (close_code::SERVICE_RESTART, "the handlers were reloaded"));
    assert_eq!(client.recv().await.unwrap(), None);
}

/// L03: under the policy `close`, a connection is closed if what a new one on its path would get is something else; the others
/// stay.
#[tokio::test]
async fn connections_whose_handlers_changed_are_closed() {
    let (files, journal) = (Files::new(), Journal::default());
    let registry = Arc::new(HandlerRegistry::new());
    let told = journal.clone();
    let old = Programmed::at("/ws/rust").answering("old: ").on_disconnect(move |_| {
        told.note("old disconnect");
        Box::pin(async { Ok(()) })
    });
    registry.register(old);
    let rules = |name: &str, answer: &str| files.write(name, &format!("rules: [{{ match: ^x$, response: {answer} }}]"));
    let config = || {
        json!({
            "reload_policy": "close",
            "paths": [
                { "path": "/ws/a", "rules_file": files.path("a.yaml") },
                { "path": "/ws/b", "rules_file": files.path("b.yaml") },
                { "path": "/ws/echo", "mode": "echo" },
                { "path": "/ws/limited", "rate_limit": { "messages": 100, "per_ms": 1000 } },
            ],
        })
    };
    rules("a.yaml", "a");
    rules("b.yaml", "b");
    let live = Live::start_with(WsServer::builder().registry(Arc::clone(&registry)), written(config())).await;
    let mut on_a = live.connect("/ws/a").await;
    let mut rust = live.connect("/ws/rust").await;
    let mut others = Vec::new();
    for path in ["/ws/b", "/ws/echo", "/ws/limited", "/ws", "/ws/else"] {
        others.push(live.connect(path).await);
    }

    live.reload().await.unwrap();
    rules("a.yaml", "new");
    ping(&mut on_a).await;
    live.reload().await.unwrap();
    closed_for_reload(&mut on_a).await;
    for client in others.iter_mut().chain([&mut rust]) {
        ping(client).await;
    }
    say(&mut live.connect("/ws/a").await, "x", &["new"]).await;

    registry.replace(vec![Arc::new(Programmed::at("/ws/rust").answering("new: "))]);
    closed_for_reload(&mut rust).await;
    journal.has("old disconnect").await;
    for client in &mut others {
        ping(client).await;
    }

    // Something else that begins with a connection.
    let mut with_script = config();
    with_script["paths"][1] = json!({ "path": "/ws/b", "replay_file": files.write("b.jsonl", r#"{"text":"hello"}"#) });
    live.becomes(with_script).await;
    closed_for_reload(&mut others[0]).await;
    // The default of a path is a handler, too.
    let mut with_raw = config();
    with_raw["paths"][2] = json!({ "path": "/ws/echo", "mode": "raw_echo" });
    live.becomes(with_raw).await;
    closed_for_reload(&mut others[1]).await;
    for client in &mut others[2..] {
        ping(client).await;
    }
}

/// The policy is part of what a connection keeps from its handshake.
#[tokio::test]
async fn a_connection_keeps_its_policy() {
    let files = Files::new();
    let config = |policy: &str| json!({ "reload_policy": policy, "rules_file": files.path("rules.yaml") });
    files.write("rules.yaml", "rules: [{ response: one }]");
    let live = Live::start(config("keep")).await;
    let mut keeps = live.connect("/ws").await;
    live.becomes(config("close")).await;
    let mut closes = live.connect("/ws").await;
    say(&mut closes, "x", &["one"]).await;
    files.write("rules.yaml", "rules: [{ response: two }]");
    live.reload().await.unwrap();
    closed_for_reload(&mut closes).await;
    say(&mut keeps, "x", &["two"]).await;
    keeps.close(1000, "").await.unwrap();
    all_ended(&live.server).await;
    assert_eq!((ended_with(&live.server, "normal"), ended_with(&live.server, "client_close")), (1.0, 1.0));
}

/// Waits at a door before it lets a handshake, or a greeting, go on.
struct Door {
    in_handshake: bool,
    waits: Arc<Semaphore>,
    opens: Arc<Semaphore>,
}

impl Door {
    async fn pass(&self) {
        self.waits.add_permits(1);
        self.opens.acquire().await.unwrap().forget();
    }
}

#[async_trait]
impl WsHandler for Door {
    async fn on_handshake(&self, _: &Handshake) -> HandlerResult<HandshakeDecision> {
        if self.in_handshake {
            self.pass().await;
        }
        Ok(HandshakeDecision::Pass)
    }

    async fn on_connect(&self, _: &mut WsContext) -> HandlerResult<()> {
        if !self.in_handshake {
            self.pass().await;
        }
        Ok(())
    }

    async fn on_message(&self, _: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
        Ok(())
    }
}

/// L04: who was asked about the handshake greets the connection, though a reload comes in between, or while somebody takes long
/// to greet it. Its first message is for who is there then.
#[tokio::test]
async fn nothing_is_exchanged_before_a_connection_is_greeted() {
    for in_handshake in [true, false] {
        let files = Files::new();
        let (waits, opens) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let registry = Arc::new(HandlerRegistry::new());
        let door = Door { in_handshake, waits: Arc::clone(&waits), opens: Arc::clone(&opens) };
        registry.replace(vec![Arc::new(door), Arc::new(Programmed::new().welcoming("old handler"))]);
        files.write("a.jsonl", r#"{"text":"old script"}"#);
        files.write("rules.yaml", "rules: [{ match: ^x$, response: old rule }]");
        let config = json!({ "replay_file": files.path("a.jsonl"), "rules_file": files.path("rules.yaml") });
        let live = Live::start_with(WsServer::builder().registry(Arc::clone(&registry)), written(config)).await;
        let changes = async {
            waits.acquire().await.unwrap().forget();
            files.write("a.jsonl", r#"{"text":"new script"}"#);
            files.write("rules.yaml", "rules: [{ match: ^x$, response: new rule }]");
            registry.replace(vec![Arc::new(Programmed::new().welcoming("new handler"))]);
            live.reload().await.unwrap();
            opens.add_permits(1);
        };
        let (mut client, ()) = tokio::join!(live.connect("/ws"), changes);
        hear(&mut client, &["old handler", "old script"]).await;
        say(&mut client, "x", &["new rule"]).await;
        hear(&mut live.connect("/ws").await, &["new handler", "new script"]).await;
    }
}

/// A call that runs while everything changes comes to its end as it began, and the next message is for the new.
#[tokio::test]
async fn a_call_that_runs_is_not_cut_off() {
    let files = Files::new();
    files.write("rules.yaml", "rules: [{ match: ^x$, response: [old, { text: old and late, delay_ms: 50 }] }]");
    let (waits, opens) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (waiting, opening) = (Arc::clone(&waits), Arc::clone(&opens));
    let slow = Programmed::new().on_message(move |_, _| {
        let (waits, opens) = (Arc::clone(&waiting), Arc::clone(&opening));
        Box::pin(async move {
            waits.add_permits(1);
            opens.acquire().await.unwrap().forget();
            Ok(())
        })
    });
    let config = json!({ "rules_file": files.path("rules.yaml") });
    let live = Live::start_with(WsServer::builder().handler(slow), written(config)).await;
    let mut client = live.connect("/ws").await;
    client.send_text("x").await.unwrap();
    waits.acquire().await.unwrap().forget();
    files.write("rules.yaml", "rules: [{ match: ^x$, response: new }]");
    live.reload().await.unwrap();
    opens.add_permits(1);
    hear(&mut client, &["old", "old and late"]).await;
    opens.add_permits(1);
    say(&mut client, "x", &["new"]).await;
}
