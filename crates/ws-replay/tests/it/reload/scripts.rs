//! Another version of a script, and of the rules beside it, on a connection that is open, on tokio's paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;
use ws_core::Message;
use ws_replay::{CheckOutcome, ReplayHandler, ReplayOptions, ReplayScript, RuleHandler, SessionVerdict};

use crate::rules::client::{Client, rules};

fn script(file: &str) -> ReplayHandler {
    let script = ReplayScript::parse(file, "script.jsonl").unwrap_or_else(|errors| panic!("{errors}"));
    ReplayHandler::new(Arc::new(script), ReplayOptions::default())
}

fn text(at: u64, text: &str) -> (u64, Message) {
    (at, Message::text(text))
}

/// L01.
#[tokio::test(start_paused = true)]
async fn the_script_goes_on_and_its_rules_are_exchanged() {
    let old = script(
        r#"{"text":"old hello"}
           {"match":"^ping$","set":{"n":"{{state.n + 1}}"},"response":"old pong {{state.n}}"}
           {"waitFor":"^go$","text":"old go"}"#,
    )
    .with_rules(rules("rules: [{match: ^beside$, response: old beside}]"));
    let new = script(
        r#"{"text":"new hello"}
           {"match":"^ping$","set":{"n":"{{state.n + 1}}"},"response":"new pong {{state.n}}"}
           {"waitFor":"^go$","text":"new go"}"#,
    )
    .with_rules(rules("rules: [{match: ^beside$, response: 'new beside {{connection.messages}}'}]"));
    let mut client = Client::connect(&old).await;
    assert_eq!(client.hear().await, "old hello");
    assert_eq!(client.ask("ping").await, "old pong 1");
    assert_eq!(client.ask("beside").await, "old beside");
    client.handler = &new;
    assert_eq!(client.ask("ping").await, "new pong 2");
    assert_eq!(client.ask("beside").await, "new beside 4");
    assert_eq!(client.ask("go").await, "old go");
    assert!(client.is_silent_for(1000).await);
    client.leave().await;
    assert_eq!(Client::connect(&new).await.hear().await, "new hello");
}

#[tokio::test(start_paused = true)]
async fn rules_beside_a_script_come_and_go() {
    const FILE: &str = "{\"text\":\"hello\"}\n{\"waitFor\":\"^go$\",\"text\":\"gone\"}";
    let verdicts = Arc::<Mutex<Vec<SessionVerdict>>>::default();
    let kept = Arc::clone(&verdicts);
    let watching = rules(
        "machines: {m: {initial: a, states: {a: {after: {ms: 100, to: a, response: tick}}}}}
correlations: [{name: duty, first: ^first$, then: ^second$}]
rules: [{match: ^late$, response: late, delay_ms: 250}, {match: ^a$, assert: says a}, {match: ^b$, assert: says b}]",
    );
    let with = script(FILE).with_rules(watching).on_verdict(move |verdict| kept.lock().unwrap().push(verdict));
    let without = script(FILE);
    let mut client = Client::connect(&with).await;
    assert_eq!(client.hear().await, "hello");
    for said in ["late", "a", "first"] {
        client.say(said).await;
    }
    assert_eq!(client.next().await, text(100, "tick"));
    client.handler = &without;
    client.say("late").await;
    // What was planned comes; then nothing of them is left.
    assert_eq!(client.next().await, text(250, "late"));
    assert!(client.is_silent_for(1000).await);
    assert_eq!(client.working(), 1);
    let other = script(FILE).with_rules(rules("rules: [{match: ^late$, response: back}]"));
    client.handler = &other;
    assert_eq!(client.ask("late").await, "back");
    assert_eq!(client.ask("go").await, "gone");
    client.leave().await;
    let verdicts = verdicts.lock().unwrap();
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    let checks: Vec<_> = verdict.checks().iter().map(|check| (check.description(), check.outcome())).collect();
    assert_eq!(checks, [("says a", &CheckOutcome::Passed)]);
}

/// They wait for nothing but a message, which never comes to them.
#[tokio::test(start_paused = true)]
async fn rules_that_are_gone_leave_no_work() {
    const FILE: &str = r#"{"waitFor":"never","text":"x"}"#;
    let with = script(FILE).with_rules(rules("correlations: [{name: duty, first: ^first$, then: ^second$}]"));
    let without = script(FILE);
    let mut client = Client::connect(&with).await;
    client.say("first").await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(client.working(), 2);
    client.handler = &without;
    client.say("first").await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(client.working(), 1);
}

/// The mode of a path was changed: a script does not start in the middle, and rules answer.
#[tokio::test(start_paused = true)]
async fn a_connection_that_began_without_the_script_gets_its_rules() {
    let verdicts = Arc::<Mutex<Vec<SessionVerdict>>>::default();
    let kept = Arc::clone(&verdicts);
    let handler = script("{\"text\":\"hello\"}\n{\"match\":\"^ping$\",\"response\":\"pong {{connection.messages}}\"}")
        .with_rules(rules("rules: [{match: ^late$, response: late, delay_ms: 50, assert: says late}]"))
        .on_verdict(move |verdict| kept.lock().unwrap().push(verdict));
    let mut client = Client::open(&handler, "/ws", &Arc::default());
    assert!(client.is_silent_for(1000).await);
    client.be_sent("somebody else").await;
    assert_eq!(client.ask("ping").await, "pong 1");
    client.say("late").await;
    assert_eq!(client.next().await, text(1050, "late"));
    assert!(!client.send(ws_core::WsMessage::Text("pin".into())).await.is_empty());
    client.leave().await;
    client.leave().await;
    let verdicts = verdicts.lock().unwrap();
    let [verdict] = &verdicts[..] else { panic!("{verdicts:?}") };
    assert!(verdict.passed() && verdict.checks().len() == 1, "{verdict}");
    assert_eq!(verdict.to_string(), "script.jsonl: passed: 1 of 1 check passed");
}

/// A script is put beside rules, and taken away again.
#[tokio::test(start_paused = true)]
async fn rules_remember_whether_or_not_there_is_a_script() {
    let file = rules(
        "machines: {door: {initial: shut, states: {shut: {on: {match: ^open$, to: ajar}}, ajar: {after: {ms: 500, to: shut, response: slam}}}}}
rules: [{match: ^where$, response: '{{machine.door}}'}]",
    );
    let alone = RuleHandler::new(Arc::clone(&file), ReplayOptions::default());
    let beside = script(r#"{"text":"hello"}"#).with_rules(Arc::clone(&file));
    let mut client = Client::connect(&alone).await;
    client.say("open").await;
    client.handler = &beside;
    assert_eq!(client.ask("where").await, "ajar");
    assert_eq!(client.next().await, text(500, "slam"));
    client.say("open").await;
    client.handler = &alone;
    assert_eq!(client.ask("where").await, "ajar");
    assert_eq!(client.next().await, text(1000, "slam"));
    assert_eq!(client.working(), 1);
    // Those that another handler follows now do not end with the script's.
    let mut other = Client::connect(&beside).await;
    assert_eq!(other.hear().await, "hello");
    other.handler = &alone;
    other.say("open").await;
    let script_alone = script(r#"{"text":"hello"}"#);
    other.handler = &script_alone;
    other.say("x").await;
    other.handler = &alone;
    assert_eq!(other.ask("where").await, "ajar");
}

/// The very same rules are alone, and then beside a script, which may wait for text that is not JSON.
#[tokio::test(start_paused = true)]
async fn rules_beside_a_script_ask_for_no_json() {
    let file = rules("rules: [{match: $.a, response: a}]");
    let alone = RuleHandler::new(Arc::clone(&file), ReplayOptions::default());
    let beside = script(r#"{"text":"hello"}"#).with_rules(file);
    let mut client = Client::connect(&alone).await;
    assert!(client.ask("no JSON").await.contains("Invalid JSON"));
    client.handler = &beside;
    client.say("no JSON").await;
    assert!(client.is_silent_for(1000).await);
}

#[tokio::test(start_paused = true)]
async fn of_rules_with_one_name_the_last_are_followed() {
    let set =
        |response: &str| rules(&format!("rules: [{{responses: [{response} 1, {response} 2], choose: sequence}}]"));
    let handler = script(r#"{"text":"hello"}"#).with_rules(set("one")).with_rules(set("other"));
    let mut client = Client::connect(&handler).await;
    assert_eq!(client.hear().await, "hello");
    assert_eq!([client.ask("x").await, client.ask("x").await], ["other 1", "other 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_script_without_a_handler_plays_on() {
    let handler = script(
        "{\"text\":\"a\"}\n{\"ts\":100,\"text\":\"b\"}\n{\"waitFor\":\"x\",\"text\":\"c\",\"timeout_ms\":900}\n{\"ts\":200,\"text\":\"d\"}",
    );
    let nobody = RuleHandler::new(rules("rules: [{response: other}]"), ReplayOptions::default());
    let mut client = Client::connect(&handler).await;
    assert_eq!(client.next().await, text(0, "a"));
    client.handler = &nobody;
    assert_eq!(client.next().await, text(100, "b"));
    assert_eq!(client.ask("x").await, "other");
    assert_eq!(client.next().await, text(1100, "d"));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(client.working(), 0);
}
