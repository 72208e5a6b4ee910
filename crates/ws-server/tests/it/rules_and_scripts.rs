//! Who answers what, where rules meet a script, handlers, or a real server; and what hooks make of the answers of rules.

use std::sync::Arc;
use std::time::Duration;

use ws_core::{HandlerRegistry, Message, Origin, Verdict, WsMessage};
use ws_patterns::{MessagePattern, MessageRouter};
use ws_proxy::{Fallback, WsProxyConfig};
use ws_replay::{ReplayHandler, ReplayOptions, ReplayScript, RuleHandler, RuleSet};
use ws_server::{PathConfig, PathMode, WsConfig, WsServer};
use ws_testing::TestServer;

use crate::answering::{answer_with, play_and_answer, rules_file};
use crate::journal::Journal;
use crate::log_lines::LogLines;
use crate::playing::{file, play, play_with};
use crate::programmed::Programmed;
use crate::scrape::{self, ERRORS, RECEIVED, SENT};
use crate::serving::serve;
use crate::talking::{client_saying, hear, say};

/// A message that the open wait takes is not answered by rules; what a rule takes is not there for later waits; rules among the
/// entries go before those of the rules file.
#[tokio::test]
async fn a_script_goes_before_its_rules() {
    let script = r#"{"text":"hello"}
        {"match":"^ping$","response":"pong of the script"}
        {"waitFor":"^(go|both)$","set":{"go":"{{1}}"},"text":"gone"}
        {"waitFor":"^ping$","text":"bye"}"#;
    let rules = "
rules:
  - { match: ^(ping|both)$, response: the rules }
  - { match: ^state$, response: '{{state.go}}' }";
    let server = play_and_answer(WsServer::builder(), script, rules).await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &["hello"]).await;
    say(&mut client, "ping", &["pong of the script"]).await;
    say(&mut client, "both", &["gone"]).await;
    say(&mut client, "both", &["the rules"]).await;
    say(&mut client, "state", &["both"]).await;
    say(&mut client, "ping", &["bye"]).await;
    say(&mut client, "ping", &["pong of the script"]).await;
    assert_eq!(server.handle().unwrap().unmatched(), []);
    assert_eq!((scrape::value(&server, SENT), scrape::value(&server, RECEIVED)), (7.0, 6.0));
}

/// I03: beside a script, JSON is required only where the file says so, and never of what the script waits for.
#[tokio::test]
async fn what_a_script_waits_for_need_not_be_json() {
    let script = r#"{"waitFor":"^READY$","text":"go"}"#;
    for (require, refused) in [("", false), ("require: json", true)] {
        let rules = format!("{require}\nrules: [{{ match: $.a, response: a }}]");
        let server = play_and_answer(WsServer::builder(), script, &rules).await;
        let mut client = client_saying(&server, &["{"]).await;
        if refused {
            hear(&mut client, &[r#"{"error":"Invalid JSON format"}"#]).await;
        }
        say(&mut client, "READY", &["go"]).await;
        say(&mut client, r#"{"a":1}"#, &["a"]).await;
    }
}

/// C01, C02: handlers see each message before rules do. What one marks as its own is not answered by rules; what one keeps from
/// the others comes to none of them.
#[tokio::test]
async fn handlers_go_before_rules() {
    let handler = Programmed::new().on_message(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) if text == "mine" => {
                    ctx.mark_matched();
                    ctx.send_text("handler").await
                }
                WsMessage::Text(text) if text == "mine alone" => {
                    ctx.stop();
                    ctx.send_text("handler alone").await
                }
                _ => Ok(()),
            }
        })
    });
    let rules = "
rules: [{ response: 'rule {{connection.messages}} {{machine.m}}' }]
machines: { m: { initial: a, states: { a: { on: { match: ^mine, to: b } }, b: } } }";
    let server = answer_with(WsServer::builder().handler(handler), WsConfig::default(), rules).await;
    let mut client = server.connect("/ws").await.unwrap();
    say(&mut client, "mine alone", &["handler alone"]).await;
    say(&mut client, "x", &["rule 1 a"]).await;
    say(&mut client, "mine", &["handler"]).await;
    // It counts all the same, and machines have seen it.
    say(&mut client, "x", &["rule 3 b"]).await;
}

/// P07: what a router answers is not answered by rules, and what neither of them takes is told with the nearest of both.
#[tokio::test]
async fn a_router_goes_before_rules() {
    let mut router = MessageRouter::new();
    router.on(MessagePattern::exact("ping"), |_| Some("router".to_owned()));
    let rules = "rules: [{ match: ^p, response: rule }]";
    let server = answer_with(WsServer::builder().handler(router), WsConfig::default(), rules).await;
    let mut client = client_saying(&server, &["ing"]).await;
    say(&mut client, "ping", &["router"]).await;
    say(&mut client, "pang", &["rule"]).await;
    let unmatched = server.handle().unwrap().unmatched();
    assert_eq!(unmatched.len(), 1, "{unmatched:?}");
    assert_eq!(unmatched[0].unmatched.near_misses.len(), 2);
}

/// C03: what rules send goes through the hooks of handlers in the order of their registration: answers, delayed ones, and what
/// goes to rooms. An answer that is dropped holds up nothing.
#[tokio::test]
async fn hooks_see_what_rules_send() {
    let journal = Journal::default();
    let noting = journal.clone();
    let first = Programmed::new().on_outbound(|_, message, _| match message.as_text() {
        Some("secret") => Verdict::Drop,
        Some("twice") => Verdict::Several(vec![Message::text("one"), Message::text("two")]),
        _ => Verdict::Pass,
    });
    let second = Programmed::new().on_outbound(move |_, message, origin| {
        noting.note(format!("{} by {origin:?}", message.as_text().unwrap_or("binary")));
        match message.as_text() {
            Some(text) if origin == Origin::Rule => Verdict::Replace(Message::text(text.to_uppercase())),
            _ => Verdict::Pass,
        }
    });
    let rules = "
rules:
  - match: ^go$
    join: all
    room: all
    response:
      - secret
      - twice
      - { binary: AQ== }
      - { text: secret, delay_ms: 10 }
      - { text: later, delay_ms: 10 }
      - { text: to all, to: room, delay_ms: 10 }";
    let builder = WsServer::builder().handler(first).handler(second);
    let server = answer_with(builder, WsConfig::default(), rules).await;
    let mut client = client_saying(&server, &["go"]).await;
    hear(&mut client, &["ONE", "TWO"]).await;
    assert_eq!(client.recv_binary().await.unwrap(), [1]);
    hear(&mut client, &["LATER", "to all"]).await;
    assert_eq!(journal.events(), ["one by Rule", "two by Rule", "binary by Rule", "later by Rule", "to all by Room"]);
    assert_eq!(scrape::value(&server, SENT), 5.0);
}

/// A script and its rules share what the connection remembers: only what neither of them sets or reads is doubtful.
#[tokio::test]
async fn the_log_doubts_no_names_that_the_other_file_knows() {
    let log = LogLines::capture();
    let script = r#"{"waitFor":"^I am (.+)$","set":{"name":"{{1}}","unread":1},"text":"{{state.mood}}"}"#;
    let rules = "
rules:
  - { match: ^who$, response: '{{state.name}} {{state.unset}}' }
  - { match: ^well$, set: { mood: well } }";
    let server = play_and_answer(WsServer::builder(), script, rules).await;
    let mut client = client_saying(&server, &["well", "I am Ada"]).await;
    hear(&mut client, &["well"]).await;
    let doubts = log.with("in this file");
    assert_eq!(doubts.len(), 2, "{doubts:?}");
    assert!(doubts[0].contains("`state.unset` is read and never set"), "{doubts:?}");
    assert!(doubts[1].contains("`state.unread` is set and never read"), "{doubts:?}");
}

/// What neither the open wait nor a rule takes is told once, with what came nearest of both; what came while no wait was open is
/// kept and not told.
#[tokio::test]
async fn what_neither_takes_is_told_with_the_nearest_of_both() {
    let log = LogLines::capture();
    let script = r#"{"waitFor":"^early$","text":"ready"}
                    {"ts":100,"text":"open"}
                    {"ts":100,"waitFor":"^order tea$","text":"tea"}"#;
    let rules = "rules: [{ name: cake, match: ^order cake$, response: cake }]";
    let server = play_and_answer(WsServer::builder(), script, rules).await;
    let mut client = client_saying(&server, &["early", "order tea"]).await;
    // It came before the wait was open, and counts for it.
    hear(&mut client, &["ready", "open", "tea"]).await;
    assert_eq!(server.handle().unwrap().unmatched(), []);
    let server = play_and_answer(WsServer::builder(), r#"{"waitFor":"^order tea$","text":"tea"}"#, rules).await;
    let mut client = client_saying(&server, &["order te", "order cake"]).await;
    hear(&mut client, &["cake"]).await;
    let unmatched = server.handle().unwrap().unmatched();
    assert_eq!(unmatched.len(), 1, "{unmatched:?}");
    let by: Vec<_> = unmatched[0].unmatched.near_misses.iter().map(|miss| miss.expected_by.clone()).collect();
    assert!(by.len() == 2 && by[0].ends_with(".jsonl:1") && by[1].ends_with(".yaml:1: cake"), "{by:?}");
    assert_eq!(log.with("nothing matches \"order te\"").len(), 1);
}

/// A server that upper-cases, and what it was sent.
async fn upstream() -> (TestServer, Journal) {
    let journal = Journal::default();
    let noting = journal.clone();
    let handler = Programmed::new().on_message(move |ctx, msg| {
        let noting = noting.clone();
        Box::pin(async move {
            noting.note(format!("{msg:?}"));
            match msg {
                WsMessage::Text(text) => ctx.send_text(&format!("upstream: {text}")).await,
                WsMessage::Binary(data) => ctx.send_binary(data).await,
                _ => Ok(()),
            }
        })
    });
    (serve(WsServer::builder().handler(handler)).await, journal)
}

fn proxy_to(upstream: &TestServer) -> WsProxyConfig {
    WsProxyConfig { upstream_url: format!("ws://{}/ws", upstream.address()), ..WsProxyConfig::default() }
}

/// Rules before a real server: what they take is answered here and does not go up; all else does, also what is not JSON where
/// all rules look at JSON. Correlations see what the upstream answers. Nothing of that is unmatched.
#[tokio::test]
async fn rules_answer_before_a_real_server() {
    let (upstream, journal) = upstream().await;
    let rules = "
rules:
  - { match: $.mocked, response: mocked }
  - { match: { type: ping }, response: pinged }
  - { match: { json: { type: count } }, response: '{{correlation.answered.fulfilled}} answers' }
correlations:
  - { name: answered, request: '$.real', answer: '^upstream' }";
    let config = WsConfig { proxy_config: Some(proxy_to(&upstream)), ..WsConfig::default() };
    let server = answer_with(WsServer::builder(), config, rules).await;
    let mut client = server.connect("/ws").await.unwrap();
    say(&mut client, r#"{"mocked":1}"#, &["mocked"]).await;
    say(&mut client, r#"{"real":1}"#, &[r#"upstream: {"real":1}"#]).await;
    say(&mut client, "no JSON", &["upstream: no JSON"]).await;
    client.send(Message::binary(vec![1])).await.unwrap();
    assert_eq!(client.recv_binary().await.unwrap(), [1]);
    client.send(Message::Ping(vec![2].into())).await.unwrap();
    // It is the upstream that answers pings, whatever rules say to them.
    hear(&mut client, &["pinged"]).await;
    assert_eq!(client.recv().await.unwrap(), Some(Message::Pong(vec![2].into())));
    say(&mut client, r#"{"type":"count"}"#, &["1 answers"]).await;
    assert_eq!(journal.events(), [r#"Text("{\"real\":1}")"#, r#"Text("no JSON")"#, "Binary([1])", "Ping([2])"]);
    assert_eq!(server.handle().unwrap().unmatched(), []);
    assert_eq!((scrape::value(&server, RECEIVED), scrape::value(&server, SENT)), (5.0, 6.0));
}

/// While the upstream is down, the script that stands in gets what no rule takes.
#[tokio::test]
async fn rules_answer_before_a_script_that_stands_in() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let down = WsProxyConfig {
        upstream_url: format!("ws://{closed}/ws"),
        fallback: Fallback::Local,
        retry_attempts: 0,
        ..WsProxyConfig::default()
    };
    let rules = rules_file("rules: [{ match: ^ping$, response: 'pong {{state.user}}' }]");
    let config =
        WsConfig { proxy_config: Some(down), rules_file: Some(rules.path().to_owned()), ..WsConfig::default() };
    let script = r#"{"text":"standing in"}
                    {"waitFor":"^I am (.+)$","set":{"user":"{{1}}"},"text":"hello {{1}}"}
                    {"match":"^help$","response":"rule of the script"}"#;
    let server = play_with(WsServer::builder(), config, script).await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &["standing in"]).await;
    say(&mut client, "ping", &["pong "]).await;
    say(&mut client, "I am Ann", &["hello Ann"]).await;
    say(&mut client, "ping", &["pong Ann"]).await;
    say(&mut client, "help", &["rule of the script"]).await;
}

/// A path may have rules of its own, alone, with a script, or before a real server; elsewhere those of the server hold.
#[tokio::test]
async fn paths_have_rules_of_their_own() {
    let (upstream, _) = upstream().await;
    let own = rules_file("rules: [{ match: ^a$, response: own a }]");
    let everywhere = "rules: [{ match: '^[ab]$', response: 'everywhere {{request.ws.message}}' }]";
    let script = file(r#"{"waitFor":"^[ab]b?$","text":"script"}"#);
    let path = |path: &str| PathConfig::new(path.parse().unwrap()).rules_file(own.path());
    let paths = vec![
        path("/ws/rules"),
        path("/ws/script").mode(PathMode::Replay(script.path().to_owned())),
        path("/ws/real").mode(PathMode::Proxy(Box::new(proxy_to(&upstream)))),
        PathConfig::new("/ws/echo".parse().unwrap()).mode(PathMode::Echo),
    ];
    let config = WsConfig { paths, ..WsConfig::default() };
    let server = answer_with(WsServer::builder(), config, everywhere).await;
    for (path, a, b) in [
        ("/ws", "everywhere a", Some("everywhere b")),
        ("/ws/rules", "own a", None),
        ("/ws/script", "script", None),
        ("/ws/real", "own a", Some("upstream: b")),
        ("/ws/echo", "echo: a", Some("echo: b")),
    ] {
        let mut client = server.connect(path).await.unwrap();
        say(&mut client, "a", &[a]).await;
        say(&mut client, "b", b.as_slice()).await;
        // Nothing else has come.
        client.send(Message::Ping(vec![1].into())).await.unwrap();
        assert_eq!(client.recv().await.unwrap(), Some(Message::Pong(vec![1].into())), "{path}");
    }
}

/// Rules beside an echo, which answers everything, are a mistake, in a program as in a file.
#[tokio::test]
async fn rules_beside_an_echo_are_refused() {
    let own = rules_file("rules: [{ match: ^a$, response: own a }]");
    for mode in [PathMode::Echo, PathMode::RawEcho] {
        let path = PathConfig::new("/ws/a".parse().unwrap()).mode(mode).rules_file(own.path());
        let config = WsConfig { paths: vec![path], ..WsConfig::default() };
        let error = WsServer::builder().config(config).build().err().unwrap().to_string();
        assert!(error.contains("/ws/a") && error.contains("echo"), "{error}");
    }
}

fn rule_handler(rules: &str) -> Arc<RuleHandler> {
    let rules = RuleSet::parse(rules, "rules.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    Arc::new(RuleHandler::new(Arc::new(rules), ReplayOptions::default()))
}

fn replay_handler(script: &str) -> Arc<ReplayHandler> {
    let script = ReplayScript::parse(script, "script.jsonl").unwrap_or_else(|errors| panic!("{errors}"));
    Arc::new(ReplayHandler::new(Arc::new(script), ReplayOptions::default()))
}

/// L02: when rules and a script are exchanged, an open connection goes on with the script that it began with, and is answered by
/// the new rules, with all that the old ones remember and watch, also what handlers send; new connections get the new ones.
#[tokio::test]
async fn open_connections_get_new_rules_and_keep_their_script() {
    let offering = || {
        Arc::new(Programmed::new().on_message(|ctx, msg| {
            Box::pin(async move {
                match msg {
                    WsMessage::Text(text) if text == "offer" => ctx.send_text("an offer").await,
                    _ => Ok(()),
                }
            })
        }))
    };
    let old = "
state: { n: 0 }
rules: [{ match: ^count$, set: { n: '{{state.n + 1}}' }, response: 'old {{state.n}}' }]
machines: { m: { initial: a, states: { a: { on: { match: ^move$, to: b } }, b: { on: { match: ^where$, response: old b } } } } }
correlations: [{ name: taken, first: { match: offer, direction: out }, then: ^take$, on_fulfilled: { response: taken } }]";
    let new = "
state: { n: 100, more: 1 }
rules: [{ match: ^count$, set: { n: '{{state.n + 1}}' }, response: 'new {{state.n}} {{state.more}}' }]
machines: { m: { initial: a, states: { a: { }, b: { on: { match: ^where$, response: new b } } } } }
correlations: [{ name: taken, first: { match: offer, direction: out }, then: ^take$, on_fulfilled: { response: taken now } }]";
    let old_script = r#"{"waitFor":"^next$","text":"old script"}
                        {"waitFor":"^next$","text":"old script again"}"#;
    let registry = Arc::new(HandlerRegistry::new());
    registry.replace(vec![offering(), replay_handler(old_script), rule_handler(old)]);
    let server = serve(WsServer::builder().registry(Arc::clone(&registry))).await;
    let mut open = server.connect("/ws").await.unwrap();
    say(&mut open, "count", &["old 1"]).await;
    say(&mut open, "next", &["old script"]).await;
    say(&mut open, "move", &[]).await;
    say(&mut open, "where", &["old b"]).await;
    say(&mut open, "offer", &["an offer"]).await;

    registry.replace(vec![
        offering(),
        replay_handler(r#"{"waitFor":"^next$","text":"new script"}"#),
        rule_handler(new),
    ]);
    say(&mut open, "take", &["taken now"]).await;
    say(&mut open, "count", &["new 2 1"]).await;
    say(&mut open, "where", &["new b"]).await;
    say(&mut open, "next", &["old script again"]).await;
    let mut fresh = server.connect("/ws").await.unwrap();
    say(&mut fresh, "where", &[]).await;
    say(&mut fresh, "count", &["new 101 1"]).await;
    say(&mut fresh, "next", &["new script"]).await;

    // Without them, nothing answers any more, and nothing fails.
    registry.replace(vec![offering()]);
    say(&mut open, "count", &[]).await;
    say(&mut open, "offer", &["an offer"]).await;
    registry.replace(vec![rule_handler(old)]);
    say(&mut open, "count", &["old 3"]).await;
    assert_eq!(scrape::value(&server, ERRORS), 0.0);
}

/// What a script in a file and a registered rule handler remember is one and the same.
#[tokio::test]
async fn a_registered_rule_handler_shares_the_memory_of_the_script() {
    let script = r#"{"set":{"who":"the script"},"text":"hello"}
                    {"waitFor":"^bye","text":"bye {{state.who}} {{machine.m}}"}"#;
    let rules = "
rules:
  - { match: ^who$, response: '{{state.who}}' }
  - { match: ^I am (.+)$, set: { who: '{{1}}' } }
machines: { m: { initial: a, states: { a: { on: { match: ^I, to: b } }, b: } } }";
    let rules = RuleSet::parse(rules, "rules.yaml").unwrap();
    let handler = RuleHandler::new(Arc::new(rules), ReplayOptions::default());
    let server = play_with(WsServer::builder().handler(handler), WsConfig::default(), script).await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &["hello"]).await;
    say(&mut client, "who", &["the script"]).await;
    say(&mut client, "I am Ann", &[]).await;
    say(&mut client, "bye", &["bye Ann b"]).await;
}

/// A script without entries plays nothing; its rules answer.
#[tokio::test]
async fn a_file_of_lines_that_are_all_rules_answers() {
    let server = play(
        r#"{"state":{"n":1}}
           {"dir":"in","text":"ping","response":"pong {{state.n}}"}
           {"match":{"json":{"a":[1]}},"responses":["one","two"],"cycle":true}"#,
    )
    .await;
    let mut client = client_saying(&server, &["pin"]).await;
    say(&mut client, "ping", &["pong 1"]).await;
    for answer in ["one", "two", "one"] {
        say(&mut client, r#"{"a":[1.0],"b":2}"#, &[answer]).await;
    }
    client.expect_silence(Duration::from_millis(50)).await.unwrap();
}
