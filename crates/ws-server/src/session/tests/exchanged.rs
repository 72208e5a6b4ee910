//! Conditions that become others while a connection is open.

use super::conditions::{Obedient, ms, under};
use super::*;
use crate::assemble::Upload;

/// From now on these are the conditions, as if somebody had uploaded them.
fn upload(shared: &Shared, conditions: &str) {
    let conditions = serde_json::from_str(conditions).unwrap();
    shared.upload(None, Upload::conditions(conditions, None).unwrap()).unwrap();
}

/// What is on its way comes when it was due, and nothing overtakes it.
#[tokio::test(start_paused = true)]
async fn latency_begins_and_ends_with_the_next_message() {
    let running = start(WsConfig::default(), Obedient::default()).await;
    let shared = Arc::clone(&running.shared);
    let (mut client, _rest) = running.client().await;
    client.say("one").await;
    client.next_is_at(ms(0), "one").await;
    upload(&shared, r#"{ "latency": { "base_ms": 500 } }"#);
    client.say("two").await;
    tokio::time::sleep(ms(100)).await;
    upload(&shared, r#"{ "latency": { "base_ms": 50 } }"#);
    client.say("three").await;
    client.next_is_at(ms(500), "two").await;
    client.next_is_at(ms(500), "three").await;
    client.say("four").await;
    client.next_is_at(ms(550), "four").await;
    upload(&shared, "{}");
    client.say("five").await;
    client.next_is_at(ms(550), "five").await;
}

/// Without any conditions, too; the connection is as before then.
#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_survives_the_conditions() {
    let running = start(WsConfig::default(), Obedient::default()).await;
    let shared = Arc::clone(&running.shared);
    let (mut client, _rest) = running.client().await;
    upload(&shared, r#"{ "latency": { "base_ms": 500 } }"#);
    client.say("one").await;
    tokio::time::sleep(ms(1)).await;
    assert!(shared.reset(None, true));
    client.say("two").await;
    client.next_is_at(ms(500), "one").await;
    client.next_is_at(ms(500), "two").await;
    client.say("three").await;
    client.next_is_at(ms(500), "three").await;
}

/// A message that waits for the next one does not wait for one that never comes.
#[tokio::test(start_paused = true)]
async fn what_was_held_is_let_out() {
    let running = start(under(r#"{ "faults": [{ "fault": "reorder", "nth": 1 }] }"#), Obedient::default()).await;
    let shared = Arc::clone(&running.shared);
    let (mut client, _rest) = running.client().await;
    client.say("one").await;
    tokio::time::sleep(ms(100)).await;
    upload(&shared, "{}");
    client.next_is_at(ms(100), "one").await;
}

/// Times and messages are counted from when the connection came under the conditions.
#[tokio::test(start_paused = true)]
async fn an_open_connection_begins_anew() {
    let running = start(WsConfig::default(), Obedient::default()).await;
    let shared = Arc::clone(&running.shared);
    let (mut client, _rest) = running.client().await;
    client.say("one").await;
    client.next_is_at(ms(0), "one").await;
    tokio::time::sleep(ms(1_000)).await;
    let lost = r#"{ "fault": "drop", "nth": 2 }"#;
    let closed = r#"{ "fault": "close", "code": 4001, "reason": "", "after_ms": 500 }"#;
    upload(&shared, &format!(r#"{{ "faults": [{lost}, {closed}] }}"#));
    for text in ["two", "three", "four"] {
        client.say(text).await;
    }
    client.next_is_at(ms(1_000), "two").await;
    client.next_is_at(ms(1_000), "four").await;
    assert_eq!(client.close().await, (ms(1_500), 4001));
}

/// A handshake is under the conditions that there were; the connection is under those that there are.
#[tokio::test(start_paused = true)]
async fn conditions_that_come_before_the_session_is_served_count() {
    let opened = open(WsConfig::default(), Obedient::default());
    upload(&opened.shared, r#"{ "latency": { "base_ms": 500 } }"#);
    let (mut client, _rest) = opened.serve().client().await;
    client.say("one").await;
    client.next_is_at(ms(500), "one").await;
}

#[tokio::test(start_paused = true)]
async fn bandwidth_begins_and_ends_at_once() {
    let running = start(WsConfig::default(), Obedient::default()).await;
    let shared = Arc::clone(&running.shared);
    let (mut client, _rest) = running.client().await;
    upload(&shared, r#"{ "bandwidth_out": { "bytes_per_second": 10, "burst": 1 } }"#);
    client.say("12345678").await;
    // Of its ten bytes, one is free.
    client.next_is_at(ms(900), "12345678").await;
    client.say("12345678").await;
    tokio::time::sleep(ms(100)).await;
    upload(&shared, "{}");
    client.next_is_at(ms(1_000), "12345678").await;
}

/// Under the policy that closes connections they come back for the new conditions.
#[tokio::test(start_paused = true)]
async fn the_policy_to_close_holds_for_conditions_too() {
    let config = WsConfig { reload_policy: ReloadPolicy::Close, ..WsConfig::default() };
    let running = start(config, Obedient::default()).await;
    let shared = Arc::clone(&running.shared);
    let (mut client, _rest) = running.client().await;
    client.say("one").await;
    client.next_is_at(ms(0), "one").await;
    upload(&shared, r#"{ "latency": { "base_ms": 500 } }"#);
    assert_eq!(client.close().await.1, 1012);
}
