//! F04: how many messages are taken in a time, and what happens to more, for each whom a limit can be for.

use std::time::{Duration, Instant};

use serde_json::json;
use ws_conditions::{OverLimit, RateLimit};
use ws_core::{Message, WsMessage, close_code};
use ws_server::{RateLimited, WsConfig, WsServer};
use ws_testing::{TestClient, TestServer};

use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::scrape::{self, ERRORS, RECEIVED, all_ended};
use crate::serving::{serve, serve_handler};

/// Longer than a test takes: what is over the limit stays so.
const LONG: Duration = Duration::from_secs(3600);

fn five(over: OverLimit) -> RateLimit {
    RateLimit::new(5, LONG).over(over)
}

/// Echoes text, and answers pings, which are not counted, with a binary message.
fn echo() -> Programmed {
    Programmed::new().on_message(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Ping(_) => ctx.send_binary(vec![1]).await,
                msg => ctx.send(msg).await,
            }
        })
    })
}

/// Sends twenty texts and a ping; gives back what was answered until the ping, or the Close frame, was.
async fn twenty(client: &mut TestClient) -> Vec<Message> {
    for n in 0..20 {
        // A connection that is closed at the sixth may not take the twentieth.
        let _ = client.send_text(&n.to_string()).await;
    }
    let _ = client.send(Message::Ping("".into())).await;
    let mut answers = Vec::new();
    loop {
        match client.recv().await {
            Ok(Some(Message::Ping(_) | Message::Pong(_))) => {}
            Ok(Some(Message::Binary(_))) => return answers,
            Ok(Some(Message::Close(frame))) => {
                answers.push(Message::Close(frame));
                return answers;
            }
            Ok(Some(answer)) => answers.push(answer),
            ended => panic!("{ended:?}"),
        }
    }
}

fn texts(range: std::ops::Range<usize>) -> Vec<Message> {
    range.map(|n| Message::text(n.to_string())).collect()
}

/// What is above the limit is dropped, answered with an error, or closes the connection.
#[tokio::test]
async fn what_is_above_the_limit_is_rejected_by_policy() {
    let error = json!({ "error": "rate limit exceeded", "limit": 5, "per_ms": 3_600_000 }).to_string();
    for over in [OverLimit::Drop, OverLimit::Error, OverLimit::Close] {
        let handler = RateLimited::per_connection(echo(), five(over)).unwrap();
        let guarded = |config| serve(WsServer::builder().config(config).handler(echo()));
        let servers = [
            serve_handler(handler).await,
            guarded(WsConfig { rate_limit: Some(five(over)), ..WsConfig::default() }).await,
            guarded(WsConfig { server_rate_limit: Some(five(over)), ..WsConfig::default() }).await,
        ];
        for server in servers {
            let mut client = server.connect("/ws").await.unwrap();
            let answers = twenty(&mut client).await;
            assert_eq!(answers[..5], texts(0..5), "{over:?}");
            match over {
                OverLimit::Drop => assert_eq!(answers.len(), 5),
                OverLimit::Error => assert_eq!(answers[5..], vec![Message::text(error.clone()); 15]),
                _ => match &answers[5..] {
                    [Message::Close(Some(frame))] => assert_eq!(frame.code, close_code::POLICY_VIOLATION),
                    other => panic!("{other:?}"),
                },
            }
            if over != OverLimit::Close {
                client.close(1000, "").await.unwrap();
                all_ended(&server).await;
                // It is the client that does too much: nothing has failed.
                assert_eq!(scrape::value(&server, ERRORS), 0.0, "{over:?}");
            }
        }
    }
}

/// Above the limit, messages wait for the next window; none is lost, and none comes early.
#[tokio::test]
async fn what_is_above_the_limit_waits() {
    let per = Duration::from_millis(300);
    let limit = RateLimit::new(5, per).over(OverLimit::Delay);
    let server = serve_handler(RateLimited::per_connection(echo(), limit).unwrap()).await;
    let mut client = server.connect("/ws").await.unwrap();
    let start = Instant::now();
    assert_eq!(twenty(&mut client).await, texts(0..20));
    assert!(start.elapsed() >= 3 * per);
}

/// A connection's limit is its own; a shared one is everybody's, and a place at the server is the same.
#[tokio::test]
async fn a_limit_is_for_one_or_for_all() {
    let each = serve_handler(RateLimited::per_connection(echo(), five(OverLimit::Drop)).unwrap()).await;
    let shared = serve_handler(RateLimited::shared(echo(), five(OverLimit::Drop)).unwrap()).await;
    let config = |limit: Option<RateLimit>, server: Option<RateLimit>| WsConfig {
        rate_limit: limit,
        server_rate_limit: server,
        ..WsConfig::default()
    };
    let builder = |config| WsServer::builder().config(config).handler(echo());
    let each_by_config = serve(builder(config(Some(five(OverLimit::Drop)), None))).await;
    let shared_by_config = serve(builder(config(None, Some(five(OverLimit::Drop))))).await;
    let second = async |server: &TestServer, path: &str| {
        let mut first = server.connect("/ws").await.unwrap();
        assert_eq!(twenty(&mut first).await, texts(0..5));
        twenty(&mut server.connect(path).await.unwrap()).await.len()
    };
    assert_eq!(second(&each, "/ws/b").await, 5);
    assert_eq!(second(&shared, "/ws/b").await, 0);
    assert_eq!(second(&each_by_config, "/ws/b").await, 5);
    assert_eq!(second(&shared_by_config, "/ws/b").await, 0);
}

/// A limited handler is one of several: the others get all; a guard stands before them all, and before none answers.
#[tokio::test]
async fn a_limit_concerns_its_handler_alone() {
    let journal = Journal::default();
    let noting = journal.clone();
    let counting = Programmed::new().on_message(move |_, msg| {
        if let WsMessage::Text(_) = msg {
            noting.note("seen");
        }
        Box::pin(async { Ok(()) })
    });
    let limited = RateLimited::per_connection(echo(), five(OverLimit::Drop)).unwrap();
    let server = serve(WsServer::builder().handler(limited).handler(counting)).await;
    assert_eq!(twenty(&mut server.connect("/ws").await.unwrap()).await, texts(0..5));
    assert_eq!(journal.count("seen"), 20);
    assert_eq!(scrape::value(&server, RECEIVED), 20.0);

    let config = WsConfig { rate_limit: Some(five(OverLimit::Close)), ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config)).await;
    let mut client = server.connect("/ws").await.unwrap();
    for _ in 0..20 {
        client.send(Message::Ping("not counted".into())).await.unwrap();
    }
    for n in 0..5 {
        client.send_text("x").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "echo: x", "{n}");
    }
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, close_code::POLICY_VIOLATION);
    drop(client);
    all_ended(&server).await;
    assert_eq!(scrape::value(&server, ERRORS), 0.0);
}

/// A limit of nothing is a mistake.
#[test]
fn a_limit_of_nothing_is_refused() {
    for limit in [RateLimit::new(0, LONG), RateLimit::new(5, Duration::ZERO)] {
        assert!(RateLimited::per_connection(echo(), limit).is_err());
        assert!(RateLimited::shared(echo(), limit).is_err());
        let config = WsConfig { rate_limit: Some(limit), ..WsConfig::default() };
        assert!(WsServer::builder().config(config).build().is_err());
    }
}
