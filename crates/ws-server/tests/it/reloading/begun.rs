//! What begins with a connection, a replay script, the way to an upstream, a story of events, goes on with it, whatever the
//! configuration has in its place now.

use std::sync::Arc;

use serde_json::{Value, json};
use ws_core::{HandlerRegistry, WsMessage};
use ws_rooms::RoomManager;
use ws_server::{Scope, WsConfig, WsServer};
use ws_testing::{TestClient, TestServer};

use super::{Files, Live, connect, ping, written};
use crate::ai::data;
use crate::eventually::eventually;
use crate::journal::Journal;
use crate::log_lines::LogLines;
use crate::programmed::Programmed;
use crate::scrape::{ERRORS, all_ended, ended_with, value};
use crate::serving::serve_handler;
use crate::talking::{hear, say};

/// What answers everywhere.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Echo,
    Rules,
    Replay,
    Upstream(&'static str),
    Ai,
}

const KINDS: [Kind; 6] =
    [Kind::Echo, Kind::Rules, Kind::Replay, Kind::Upstream("one"), Kind::Upstream("two"), Kind::Ai];

impl Kind {
    /// Whether something of it begins with a connection.
    fn begins(self) -> bool {
        !matches!(self, Self::Echo | Self::Rules)
    }
}

/// A server that tags what it is told, and notes pings.
async fn upstream(tag: &'static str, journal: &Journal) -> TestServer {
    let journal = journal.clone();
    serve_handler(Programmed::new().on_message(move |ctx, msg| {
        let journal = journal.clone();
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) => ctx.send_text(&format!("{tag}: {text}")).await,
                WsMessage::Ping(_) => {
                    journal.note(format!("{tag} was pinged"));
                    Ok(())
                }
                _ => Ok(()),
            }
        })
    }))
    .await
}

/// All kinds, and where their parts are.
struct Stage {
    files: Files,
    one: TestServer,
    two: TestServer,
    pings: Journal,
}

impl Stage {
    async fn new() -> Self {
        let (files, pings) = (Files::new(), Journal::default());
        files.write("rules.yaml", "rules: [{ match: ^x$, response: rule }]");
        files.write(
            "script.jsonl",
            &format!("{}{}", "{\"text\":\"hello\"}\n", "{\"waitFor\":\"^x$\",\"text\":\"replayed\"}\n".repeat(5)),
        );
        let (one, two) = (upstream("one", &pings).await, upstream("two", &pings).await);
        Self { files, one, two, pings }
    }

    fn config(&self, kind: Kind) -> Value {
        let proxy = |server: &TestServer| json!({ "proxy_config": { "upstream_url": server.url() } });
        match kind {
            Kind::Echo => json!({}),
            Kind::Rules => json!({ "rules_file": self.files.path("rules.yaml") }),
            Kind::Replay => json!({ "replay_file": self.files.path("script.jsonl") }),
            Kind::Upstream("one") => proxy(&self.one),
            Kind::Upstream(_) => proxy(&self.two),
            Kind::Ai => {
                let ai = json!({ "narrative": "a busy stock market", "event_count": 0, "event_rate": 200 });
                json!({ "ai_config": ai })
            }
        }
    }
}

/// A client that hears how a kind begins and goes on.
struct Heard {
    client: TestClient,
    /// The number of the next event.
    sequence: u64,
}

impl Heard {
    async fn begin(kind: Kind, live: &Live) -> Self {
        let mut heard = Self { client: live.connect("/ws").await, sequence: 1 };
        if kind == Kind::Replay {
            hear(&mut heard.client, &["hello"]).await;
        }
        heard.go_on(kind).await;
        heard
    }

    async fn go_on(&mut self, kind: Kind) {
        match kind {
            Kind::Echo => say(&mut self.client, "x", &["echo: x"]).await,
            Kind::Rules => say(&mut self.client, "x", &["rule"]).await,
            Kind::Replay => say(&mut self.client, "x", &["replayed"]).await,
            Kind::Upstream(tag) => {
                say(&mut self.client, "x", &[&format!("{tag}: x")]).await;
            }
            Kind::Ai => {
                data(&mut self.client, self.sequence, 3).await;
                self.sequence += 3;
            }
        }
    }
}

/// L03: whatever comes in the place of what: what has begun with an open connection goes on, rules and echo follow, and new
/// connections get the new. Nothing fails, and nothing is counted as an error.
#[tokio::test]
async fn what_has_begun_goes_on() {
    let log = LogLines::capture();
    let stage = Stage::new().await;
    for from in KINDS {
        for to in KINDS.into_iter().filter(|to| *to != from) {
            let case = format!("{from:?} to {to:?}");
            let live = Live::start(stage.config(from)).await;
            let mut open = Heard::begin(from, &live).await;
            live.becomes(stage.config(to)).await;
            let follows = !from.begins() && !to.begins();
            open.go_on(if follows { to } else { from }).await;
            if let Kind::Upstream(tag) = from {
                let note = format!("{tag} was pinged");
                let before = stage.pings.count(&note);
                ping(&mut open.client).await;
                eventually(&case, || stage.pings.count(&note) == before + 1).await;
            } else if from != Kind::Ai {
                let before = stage.pings.events().len();
                ping(&mut open.client).await;
                assert_eq!(stage.pings.events().len(), before, "{case}");
            }
            let mut new = Heard::begin(to, &live).await;
            live.becomes(stage.config(from)).await;
            open.go_on(from).await;
            new.go_on(if follows { from } else { to }).await;
            for heard in [open, new] {
                heard.client.close(1000, "").await.unwrap();
            }
            all_ended(&live.server).await;
            assert_eq!(ended_with(&live.server, "client_close"), 2.0, "{case}");
            assert_eq!(value(&live.server, ERRORS), 0.0, "{case}");
        }
    }
    assert_eq!(log.with("ERROR"), Vec::<String>::new());
}

/// L03: a script that is half played goes on with the entries that it began with, beside the new rules.
#[tokio::test]
async fn a_script_is_played_on_as_it_began() {
    let files = Files::new();
    files.write("rules.yaml", "rules: [{ match: ^ask$, response: old rule }]");
    let old = "{\"text\":\"old one\"}\n{\"waitFor\":\"^next$\",\"text\":\"old two\"}";
    let config = json!({ "replay_file": files.write("a.jsonl", old), "rules_file": files.path("rules.yaml") });
    let live = Live::start(config.clone()).await;
    let mut open = live.connect("/ws").await;
    hear(&mut open, &["old one"]).await;
    say(&mut open, "ask", &["old rule"]).await;
    files.write(
        "a.jsonl",
        "{\"step_id\":\"opened\",\"text\":\"new one\"}\n{\"waitFor\":\"^next$\",\"text\":\"new two\"}",
    );
    files.write("rules.yaml", "rules: [{ match: ^ask$, response: new rule }]");
    live.reload().await.unwrap();
    say(&mut open, "ask", &["new rule"]).await;
    say(&mut open, "next", &["old two"]).await;
    let mut new = live.connect("/ws").await;
    hear(&mut new, &["new one"]).await;
    say(&mut new, "next", &["new two"]).await;

    // The same file, enriched with events from now on.
    let mut config = config;
    let replay = json!({ "provider": "embedded", "augmentation_points": ["opened"] });
    config["ai_config"] = json!({ "narrative": "a busy stock market", "event_count": 3, "replay": replay });
    let mut half = live.connect("/ws").await;
    hear(&mut half, &["new one"]).await;
    live.becomes(config).await;
    say(&mut half, "ask", &["new rule"]).await;
    say(&mut half, "next", &["new two"]).await;
    assert_eq!(value(&live.server, ERRORS), 0.0);
}

/// L03: a path that an upstream loses or gets keeps, on open connections, who it has.
#[tokio::test]
async fn a_path_that_changes_hands_keeps_its_open_connections() {
    let real = upstream("real", &Journal::default()).await;
    let config = |local: &str| json!({ "proxy_config": { "upstream_url": real.url(), "rules": [{ "path": local, "proxy": false }] } });
    let live = Live::start(config("/ws/b")).await;
    let (mut a, mut b) = (live.connect("/ws/a").await, live.connect("/ws/b").await);
    say(&mut a, "x", &["real: x"]).await;
    say(&mut b, "x", &["echo: x"]).await;
    live.becomes(config("/ws/a")).await;
    say(&mut a, "x", &["real: x"]).await;
    say(&mut b, "x", &["echo: x"]).await;
    say(&mut live.connect("/ws/a").await, "x", &["echo: x"]).await;
    say(&mut live.connect("/ws/b").await, "x", &["real: x"]).await;
}

/// L03: the verdict on a session whose script is not there any more is told when its connection ends, once.
#[tokio::test]
async fn the_verdict_on_a_session_is_told_once() {
    let (files, journal) = (Files::new(), Journal::default());
    let verdicts = journal.clone();
    let builder = WsServer::builder().on_verdict(move |verdict| verdicts.note(verdict.name()));
    let script = files.write("a.jsonl", "{\"text\":\"hello\"}\n{\"waitFor\":\"^never$\",\"text\":\"never\"}");
    let live = Live::start_with(builder, written(json!({ "replay_file": script }))).await;
    let mut open = live.connect("/ws").await;
    hear(&mut open, &["hello"]).await;
    live.becomes(json!({})).await;
    let mut new = live.connect("/ws").await;
    say(&mut new, "x", &["echo: x"]).await;
    for client in [open, new] {
        client.close(1000, "").await.unwrap();
    }
    all_ended(&live.server).await;
    assert_eq!(journal.events(), [script.display().to_string()]);
}

/// L03: a story goes on, and is heard, when the narrative is another one.
#[tokio::test]
async fn a_story_goes_on() {
    let config = |narrative: &str| {
        let ai = json!({ "narrative": narrative, "event_count": 40, "event_rate": 100 });
        json!({ "ai_config": ai, "seed": 7 })
    };
    let (market, greenhouse) = (config("a busy stock market with AAPL"), config("three sensors in a greenhouse"));
    let whole = Live::start(market.clone()).await;
    let expected = data(&mut whole.connect("/ws").await, 1, 40).await;
    let live = Live::start(market).await;
    let mut open = live.connect("/ws").await;
    let mut heard = data(&mut open, 1, 2).await;
    live.becomes(greenhouse).await;
    heard.extend(data(&mut open, 3, 38).await);
    assert_eq!(heard, expected);
    let new = data(&mut live.connect("/ws").await, 1, 2).await;
    assert_ne!(new, expected[..2]);
}

/// L03: a connection whose scope somebody has chosen is none of the configuration's affair.
#[tokio::test]
async fn a_chosen_scope_is_not_touched() {
    let registry = Arc::new(HandlerRegistry::new());
    let scope = Arc::new(
        Scope::new(Arc::clone(&registry), Arc::new(RoomManager::new()))
            .mode(Arc::new(Programmed::new().answering("mode: "))),
    );
    let builder =
        WsServer::builder().scope_for(move |handshake| (handshake.path() == "/ws/own").then(|| Arc::clone(&scope)));
    let live = Live::start_with(builder, WsConfig::default()).await;
    let (mut own, mut other) = (live.connect("/ws/own").await, live.connect("/ws").await);
    say(&mut own, "x", &["mode: x"]).await;
    let files = Files::new();
    let rules = files.write("rules.yaml", "rules: [{ response: rule }]");
    live.becomes(json!({ "rules_file": rules, "reload_policy": "close" })).await;
    say(&mut own, "x", &["mode: x"]).await;
    say(&mut other, "x", &["rule"]).await;
    let mut late = connect(&live.server, "/ws/own").await;
    live.becomes(json!({})).await;
    say(&mut late, "x", &["mode: x"]).await;
    // Its own registry is.
    registry.register(Programmed::new().answering("registered: "));
    say(&mut own, "x", &["registered: x", "mode: x"]).await;
}
