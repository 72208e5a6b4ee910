//! The journal as a stream of server-sent events.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use ws_testing::TestServer;

use super::Api;
use crate::raw_client::RawClient;

const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody who looks on.
struct Looking(RawClient);

impl Looking {
    async fn on(server: &TestServer, query: &str) -> Self {
        let mut client = RawClient::connect(server.address()).await;
        let host = server.address();
        let request = format!("GET /__admin/events{query} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let response = client.request(&request).await;
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.headers["content-type"], "text/event-stream");
        assert_eq!(response.headers["cache-control"], "no-store");
        Self(client)
    }

    /// The next event with this name.
    async fn next(&mut self, name: &str) -> Value {
        timeout(PATIENCE, async {
            loop {
                let (found, data) = self.event().await;
                if found == name {
                    return serde_json::from_str(&data).unwrap();
                }
            }
        })
        .await
        .expect("an event")
    }

    async fn event(&mut self) -> (String, String) {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let line = self.line().await;
            if let Some(text) = line.strip_prefix("event: ") {
                name = text.to_owned();
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = text.to_owned();
            } else if line.is_empty() && !data.is_empty() {
                return (name, data);
            }
        }
    }

    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            line.extend(self.0.take(1).await.expect("the stream has ended"));
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }
}

#[tokio::test]
async fn who_looks_on_sees_what_happens() {
    let (_api, server) = Api::of_echo().await;
    let mut looking = Looking::on(&server, "").await;
    let stats = looking.next("stats").await;
    assert_eq!((&stats["connections"], &stats["reload"]), (&json!(0), &Value::Null));
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text(&"x".repeat(5000)).await.unwrap();
    client.recv_text().await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let news = looking.next("journal").await;
        assert_eq!(news["skipped"], 0);
        seen.extend(news["events"].as_array().unwrap().iter().cloned());
    }
    let kinds: Vec<_> = seen.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["open", "message", "message"]);
    assert_eq!(
        (seen[1]["text"].as_str().unwrap().len(), &seen[1]["size"], &seen[1]["cut"]),
        (2048, &json!(5000), &json!(true))
    );
    let stats = loop {
        let stats = looking.next("stats").await;
        if stats["received"]["frames"] == 1 {
            break stats;
        }
    };
    assert_eq!((&stats["connections"], &stats["received"]["bytes"]), (&json!(1), &json!(5000)));
    client.close(1000, "").await.unwrap();
    crate::scrape::all_ended(&server).await;
    let stats = loop {
        let stats = looking.next("stats").await;
        if stats["connections"] == 0 {
            break stats;
        }
    };
    assert!(stats["received"]["bytes"].as_u64().unwrap() >= 5000, "what has ended counts: {stats}");
}

#[tokio::test]
async fn who_cannot_follow_is_told_how_much_is_left_out() {
    let (api, server) = Api::of_echo().await;
    let mut client = server.connect("/ws").await.unwrap();
    for n in 0..30 {
        client.send_text(&n.to_string()).await.unwrap();
        client.recv_text().await.unwrap();
    }
    // The connection, 30 messages, and 30 answers.
    let mut looking = Looking::on(&server, "?since=0").await;
    let news = looking.next("journal").await;
    assert_eq!((news["events"].as_array().unwrap().len(), &news["skipped"]), (20, &json!(41)));
    assert_eq!(news["events"][19]["text"], "echo: 29");
    assert_eq!(news["events"][19]["seq"], news["last_seq"]);
    // All that is there, and no more.
    let answer = api.ask("GET", "/events?since=0&follow=false", None).await;
    assert_eq!((answer.status(), answer.content_type()), (200, "text/event-stream"));
}

/// What comes while it is looked for is told of at the next look, so that each event is told or left out once.
#[tokio::test]
async fn what_is_left_out_of_a_burst_is_counted_to_the_event() {
    const MESSAGES: u64 = 8_000;
    let (_api, server) = Api::of_echo().await;
    let mut looking = Looking::on(&server, "?since=0").await;
    let mut client = server.connect("/ws").await.unwrap();
    let burst = tokio::spawn(async move {
        for n in 0..MESSAGES {
            client.send_text(&n.to_string()).await.unwrap();
            // The client stays ahead of the answers, by no more than its socket takes.
            if n >= 50 {
                client.recv_text().await.unwrap();
            }
        }
        client
    });
    let mut told = 0;
    // The connection, the messages, and the answers.
    while told < 1 + 2 * MESSAGES {
        let news = looking.next("journal").await;
        let events = news["events"].as_array().unwrap();
        told += events.len() as u64 + news["skipped"].as_u64().unwrap();
        assert_eq!((&json!(told), &events.last().unwrap()["seq"]), (&news["last_seq"], &news["last_seq"]));
    }
    drop(burst.await.unwrap());
}

/// So many look on and no more; and a shutdown does not wait for them.
#[tokio::test]
async fn those_who_look_on_are_bounded() {
    let (api, server) = Api::of_echo().await;
    let mut looking = Vec::new();
    for _ in 0..16 {
        looking.push(Looking::on(&server, "").await);
    }
    let answer = api.ask("GET", "/events", None).await;
    assert_eq!(answer.response.headers["retry-after"], "1");
    answer.problem(503);
    drop(looking.pop());
    timeout(PATIENCE, async {
        while api.send("GET", "/events?follow=false", "", "").await.status() == 503 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("a place is free again");
    timeout(PATIENCE, server.shutdown(Duration::from_secs(60))).await.expect("the server ends");
}
