//! The journal agrees with the metrics, whoever answers.

use ws_proxy::WsProxyConfig;

use super::*;
use crate::answering::answer;
use crate::playing::play;
use crate::scrape::{self, RECEIVED, SENT, all_ended};
use crate::talking::hear;

/// Checks that the server has received and sent so many messages, by its metrics and by its journal, and who wrote the latter.
async fn assert_agrees(server: &TestServer, received: u64, sent: u64, origin: &str) {
    all_ended(server).await;
    let counted = (scrape::value(server, RECEIVED) as u64, scrape::value(server, SENT) as u64);
    assert_eq!(counted, (received, sent), "(received, sent) of the metrics");
    for (direction, expected) in [("inbound", received), ("outbound", sent)] {
        let mut count = 0;
        for message_type in ["text", "binary"] {
            let filter = json!({ "direction": direction, "type": message_type });
            count += journal(server).count(&query(filter)).await.count;
        }
        assert_eq!(count, expected, "{direction} in the journal");
    }
    let of_origin = journal(server).count(&query(json!({ "origin": origin, "direction": "outbound" }))).await;
    assert!(of_origin.count >= sent, "{of_origin:?} written by {origin}, {sent} sent");
}

/// O02
#[tokio::test]
async fn an_echo() {
    let server = serve(WsServer::builder()).await;
    let mut client = server.connect("/ws").await.unwrap();
    for n in 0..50 {
        say(&mut client, &n.to_string(), &[&format!("echo: {n}")]).await;
        client.send(Message::binary(vec![n])).await.unwrap();
        client.recv_binary().await.unwrap();
        client.send(Message::Ping("ping".into())).await.unwrap();
        assert_eq!(client.recv().await.unwrap(), Some(Message::Pong("ping".into())));
    }
    client.close(1000, "").await.unwrap();
    assert_agrees(&server, 100, 100, "handler").await;
    assert_eq!(journal(&server).count(&query(json!({ "type": "ping" }))).await.count, 50);
}

/// O02
#[tokio::test]
async fn a_handler() {
    let chatty = Programmed::new().welcoming("hello").on_message(|ctx, msg| {
        Box::pin(async move {
            ctx.send(msg.clone()).await?;
            ctx.send(msg).await
        })
    });
    let server = serve_handler(chatty).await;
    let mut client = server.connect("/ws").await.unwrap();
    hear(&mut client, &["hello"]).await;
    for n in 0..20 {
        let text = n.to_string();
        say(&mut client, &text, &[&text, &text]).await;
    }
    client.close(1000, "").await.unwrap();
    assert_agrees(&server, 20, 41, "handler").await;
}

/// M10: ten entries are ten messages sent, in the metrics and in the journal.
#[tokio::test]
async fn a_replay() {
    let script: String = (0..10).map(|n| format!("{{\"text\":\"entry {n}\"}}\n")).collect();
    let server = play(&script).await;
    let mut client = server.connect("/ws").await.unwrap();
    for n in 0..10 {
        hear(&mut client, &[&format!("entry {n}")]).await;
    }
    client.close(1000, "").await.unwrap();
    assert_agrees(&server, 0, 10, "replay").await;
    let found = journal(&server).find(&query(json!({ "origin": "replay" }))).await;
    let texts: Vec<_> = found.events.iter().map(|event| event.text().unwrap().to_owned()).collect();
    assert_eq!(texts, (0..10).map(|n| format!("entry {n}")).collect::<Vec<_>>());
}

/// O02
#[tokio::test]
async fn rules() {
    let server = answer("rules: [{ match: '^(.+)!$', response: ['{{1}}', '{{1}}?'] }]").await;
    let mut client = server.connect("/ws").await.unwrap();
    for _ in 0..10 {
        say(&mut client, "hi!", &["hi", "hi?"]).await;
        client.send_text("nobody answers this").await.unwrap();
    }
    say(&mut client, "bye!", &["bye", "bye?"]).await;
    client.close(1000, "").await.unwrap();
    assert_agrees(&server, 21, 22, "rule").await;
    assert_eq!(journal(&server).count(&query(json!({ "handled": "matched" }))).await.count, 11);
    assert_eq!(journal(&server).count(&query(json!({ "handled": "unmatched" }))).await.count, 10);
    assert_eq!(journal(&server).count(&query(json!({ "kind": ["unmatched"] }))).await.count, 10);
}

/// O02: on both sides of a proxy.
#[tokio::test]
async fn a_proxy() {
    let upstream = serve(WsServer::builder()).await;
    let upstream_url = format!("ws://{}/ws", upstream.address());
    let config = WsConfig {
        proxy_config: Some(WsProxyConfig { upstream_url, ..WsProxyConfig::default() }),
        ..WsConfig::default()
    };
    let server = serve(WsServer::builder().config(config)).await;
    let mut client = server.connect("/ws").await.unwrap();
    for n in 0..10 {
        say(&mut client, &n.to_string(), &[&format!("echo: {n}")]).await;
    }
    client.close(1000, "").await.unwrap();
    assert_agrees(&server, 10, 10, "proxy").await;
    assert_agrees(&upstream, 10, 10, "handler").await;
}
