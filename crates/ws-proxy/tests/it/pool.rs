//! Y04: connections that are ready before they are needed, and who gets which.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message as Wire;
use ws_core::Message;
use ws_proxy::{ProxyError, UpstreamPool, WsProxyConfig, WsProxyHandler};
use ws_testing::{TestClient, TestServer};

use crate::eventually::eventually;
use crate::serving::{config, serve_handler};
use crate::upstream::{TestUpstream, close, say};

/// Numbers its connections: greets with the number, and answers with number and text.
async fn numbering() -> TestUpstream {
    let count = Arc::new(AtomicUsize::new(0));
    TestUpstream::start(move |mut socket| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            say(&mut socket, &format!("hello {number}")).await;
            while let Some(Ok(message)) = socket.next().await {
                if let Wire::Text(text) = message {
                    say(&mut socket, &format!("{number}: {text}")).await;
                }
            }
        }
    })
    .await
}

async fn pooled(upstream: &TestUpstream, size: usize, stateless: bool) -> TestServer {
    let config = WsProxyConfig { connection_pool_size: size, stateless, ..config(upstream.url()) };
    serve_handler(WsProxyHandler::new(config)).await
}

async fn with_cookie(server: &TestServer, cookie: &str) -> TestClient {
    TestClient::builder().header("cookie", cookie).connect(&server.url()).await.unwrap()
}

#[tokio::test]
async fn connections_are_ready_for_clients_whose_headers_are_all_the_same() {
    let upstream = numbering().await;
    let server = pooled(&upstream, 2, false).await;
    let mut first = with_cookie(&server, "ann").await;
    assert_eq!(first.recv_text().await.unwrap(), "hello 0");
    // Two more of that kind are ready.
    upstream.has_open(3).await;
    let mut second = with_cookie(&server, "ann").await;
    let greeting = second.recv_text().await.unwrap();
    assert!(["hello 1", "hello 2"].contains(&&*greeting), "{greeting}");
    upstream.has_open(4).await;
    // They are for nobody else.
    let mut other = with_cookie(&server, "ben").await;
    assert_eq!(other.recv_text().await.unwrap(), "hello 4");
    upstream.has_open(7).await;
    let cookies: Vec<_> = upstream.handshakes().iter().map(|seen| seen.all("cookie").join("")).collect();
    assert_eq!(cookies, ["ann", "ann", "ann", "ann", "ben", "ben", "ben"]);
    // What a client had is used up with it.
    for client in [first, second, other] {
        client.close(1000, "").await.unwrap();
    }
    upstream.has_open(4).await;
}

#[tokio::test]
async fn a_connection_that_is_ready_answers_pings_and_is_dropped_when_it_ends() {
    let (pongs, hang_up) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let upstream = TestUpstream::start({
        let (pongs, hang_up) = (Arc::clone(&pongs), Arc::clone(&hang_up));
        move |mut socket| {
            let (pongs, hang_up) = (Arc::clone(&pongs), Arc::clone(&hang_up));
            async move {
                socket.send(Wire::Ping(vec![1].into())).await.unwrap();
                loop {
                    tokio::select! {
                        message = socket.next() => match message {
                            Some(Ok(Wire::Pong(_))) => drop(pongs.fetch_add(1, Ordering::SeqCst)),
                            Some(Ok(Wire::Text(text))) => drop(say(&mut socket, &text).await),
                            Some(Ok(_)) => {}
                            _ => return,
                        },
                        () = hang_up.notified() => return close(socket, 1001, "").await,
                    }
                }
            }
        }
    })
    .await;
    let pool = UpstreamPool::new(&WsProxyConfig { connection_pool_size: 1, ..Default::default() }).unwrap();
    let first = pool.get_connection(upstream.url()).await.unwrap();
    upstream.has_open(2).await;
    eventually("the one that waits has answered its ping", || pongs.load(Ordering::SeqCst) == 1).await;
    assert!(matches!(first.next().await, Ok(Message::Ping(_))));
    eventually("the other one, too", || pongs.load(Ordering::SeqCst) == 2).await;
    drop(first);
    upstream.has_open(1).await;

    hang_up.notify_waiters();
    upstream.has_open(0).await;
    let second = pool.get_connection(upstream.url()).await.unwrap();
    second.forward_message(Message::text("fresh")).await.unwrap();
    while second.next().await.unwrap() != Message::text("fresh") {}
    drop((second, pool));
    upstream.has_open(0).await;
}

#[tokio::test]
async fn a_connection_that_nobody_needs_is_closed() {
    let upstream = TestUpstream::echo().await;
    let idle_timeout = Duration::from_millis(100);
    let config = WsProxyConfig { connection_pool_size: 3, idle_timeout, ..Default::default() };
    let pool = UpstreamPool::new(&config).unwrap();
    let connection = pool.get_connection(upstream.url()).await.unwrap();
    eventually("three more are opened", || upstream.handshakes().len() == 4).await;
    upstream.has_open(1).await;
    connection.close(1000, "").await.unwrap();
    upstream.has_open(0).await;
}

#[tokio::test]
async fn a_stateless_upstream_has_no_more_handshakes_than_the_pool_has_places() {
    let upstream = numbering().await;
    let server = pooled(&upstream, 2, true).await;
    for n in 0..20 {
        let mut client = with_cookie(&server, &format!("client {n}")).await;
        client.send_text(&format!("{n}")).await.unwrap();
        loop {
            let answer = client.recv_text().await.unwrap();
            if let Some((_, text)) = answer.split_once(": ") {
                assert_eq!(text, n.to_string());
                break;
            }
        }
        client.close(1000, "").await.unwrap();
    }
    let handshakes = upstream.handshakes();
    assert!(handshakes.len() <= 2, "{} handshakes", handshakes.len());
    assert!(handshakes.iter().all(|seen| seen.all("cookie").is_empty()), "{handshakes:?}");
}

/// What the upstream still had to say to one client is not said to the next.
#[tokio::test]
async fn a_stateless_connection_is_given_on_only_when_it_is_quiet() {
    let upstream = TestUpstream::start(|mut socket| async move {
        while let Some(Ok(message)) = socket.next().await {
            let Wire::Text(text) = message else { continue };
            for n in 0..100 {
                if !say(&mut socket, &format!("{text} {n}")).await {
                    return;
                }
            }
        }
    })
    .await;
    let server = pooled(&upstream, 1, true).await;
    for client in 0..20 {
        let name = format!("client {client}");
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text(&name).await.unwrap();
        let answer = client.recv_text().await.unwrap();
        assert_eq!(answer, format!("{name} 0"), "the first that it hears is for it");
        // It leaves in the middle.
        client.close(1000, "").await.unwrap();
    }
}

#[tokio::test]
async fn without_statelessness_no_client_gets_what_another_had() {
    let upstream = numbering().await;
    let server = pooled(&upstream, 2, false).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..10 {
        let mut client = server.connect("/ws").await.unwrap();
        assert!(seen.insert(client.recv_text().await.unwrap()), "a connection was given out twice");
        client.close(1000, "").await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_of_the_pool_speaks_listens_and_ends() {
    let upstream = TestUpstream::start(|mut socket| async move {
        let _ = say(&mut socket, "hello").await;
        let _ = socket.next().await;
        close(socket, 4001, "bye").await;
    })
    .await;
    let pool = UpstreamPool::new(&WsProxyConfig::default()).unwrap();
    let connection = pool.get_connection(upstream.url()).await.unwrap();
    assert_eq!(connection.next().await.unwrap(), Message::text("hello"));
    connection.forward_message(Message::text("hello")).await.unwrap();
    assert!(matches!(connection.next().await, Ok(Message::Close(Some(frame))) if frame.code == 4001));
    assert!(matches!(connection.next().await, Err(ProxyError::Ended { .. })));
    assert!(matches!(connection.forward_message(Message::text("late")).await, Err(ProxyError::Ended { .. })));
    assert!(matches!(pool.get_connection("nowhere").await, Err(ProxyError::Url { .. })));
}

/// Several tasks use one connection; each is woken when it can go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_may_share_a_connection() {
    const TASKS: usize = 8;
    const EACH: usize = 200;
    let upstream = TestUpstream::echo().await;
    let pool = UpstreamPool::new(&WsProxyConfig::default()).unwrap();
    let connection = Arc::new(pool.get_connection(upstream.url()).await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let connection = Arc::clone(&connection);
        tasks.spawn(async move {
            for _ in 0..EACH {
                connection.forward_message(Message::binary(vec![1; 10_000])).await.unwrap();
            }
        });
    }
    for _ in 0..TASKS * EACH {
        assert_eq!(connection.next().await.unwrap().len(), 10_000);
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}
