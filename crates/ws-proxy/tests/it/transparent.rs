//! Y01, A09, O02: everything goes through, in order, both ways, and is counted once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message as Wire;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use ws_core::Message;

use crate::eventually::eventually;
use crate::scrape::{ERRORS, RECEIVED, SENT, value};
use crate::serving::proxy_to;
use crate::upstream::TestUpstream;

/// Y01, O02.
#[tokio::test]
async fn ten_thousand_messages_come_back_in_order() {
    const COUNT: usize = 10_000;
    const WINDOW: usize = 100;
    let upstream = TestUpstream::echo().await;
    let server = proxy_to(upstream.url()).await;
    let mut client = server.connect("/ws").await.unwrap();
    let nth = |n: usize| match n % 3 {
        0 => Message::text(format!("{n} h\u{e9}\u{1f600}")),
        1 => Message::binary(n.to_be_bytes().repeat(n % 50)),
        _ => Message::text(""),
    };
    for n in 0..COUNT + WINDOW {
        if n < COUNT {
            client.send(nth(n)).await.unwrap();
        }
        if n >= WINDOW {
            assert_eq!(client.recv().await.unwrap(), Some(nth(n - WINDOW)), "message {}", n - WINDOW);
        }
    }
    assert_eq!((value(&server, RECEIVED), value(&server, SENT)), (COUNT as f64, COUNT as f64));
    assert_eq!(value(&server, ERRORS), 0.0);
}

#[tokio::test]
async fn messages_of_all_sizes_go_through_both_ways() {
    let upstream = TestUpstream::echo().await;
    let server = proxy_to(upstream.url()).await;
    let mut client = server.connect("/ws").await.unwrap();
    for size in [0, 1, 125, 126, 65_535, 65_536, 3 * 1024 * 1024] {
        let message = Message::binary((0..size).map(|n| n as u8).collect::<Vec<_>>());
        client.send(message.clone()).await.unwrap();
        assert!(client.recv().await.unwrap() == Some(message), "size {size}");
    }
}

/// A message in fragments, with a ping between them.
#[tokio::test]
async fn fragments_arrive_as_one_message() {
    let upstream = TestUpstream::start(|mut socket| async move {
        for (part, opcode, is_last) in
            [("on", Data::Text, false), ("e ", Data::Continue, false), ("two", Data::Continue, true)]
        {
            let frame = Frame::message(part, OpCode::Data(opcode), is_last);
            socket.send(Wire::Frame(frame)).await.unwrap();
        }
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let server = proxy_to(upstream.url()).await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "one two");
}

/// A09: exactly one pong, the upstream's, in order with what stands around the ping.
#[tokio::test]
async fn a_ping_goes_up_and_one_pong_comes_back() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let upstream = TestUpstream::start({
        let seen = Arc::clone(&seen);
        move |mut socket| {
            let seen = Arc::clone(&seen);
            async move {
                while let Some(Ok(message)) = socket.next().await {
                    if let Wire::Ping(data) = &message {
                        seen.lock().unwrap().push(data.to_vec());
                    }
                    if message.is_text() {
                        socket.send(message).await.unwrap();
                    }
                }
            }
        }
    })
    .await;
    let server = proxy_to(upstream.url()).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send(Message::Ping(vec![1, 2, 3].into())).await.unwrap();
    client.send_text("behind").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), Some(Message::Pong(vec![1, 2, 3].into())));
    assert_eq!(client.recv().await.unwrap(), Some(Message::text("behind")));
    assert_eq!(*seen.lock().unwrap(), [[1, 2, 3]]);
}

#[tokio::test]
async fn the_upstreams_ping_comes_down_and_the_clients_pongs_go_up() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let upstream = TestUpstream::start({
        let seen = Arc::clone(&seen);
        move |mut socket| {
            let seen = Arc::clone(&seen);
            async move {
                socket.send(Wire::Ping(vec![7].into())).await.unwrap();
                while let Some(Ok(message)) = socket.next().await {
                    if let Wire::Pong(data) = message {
                        seen.lock().unwrap().push(data.to_vec());
                    }
                }
            }
        }
    })
    .await;
    let server = proxy_to(upstream.url()).await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), Some(Message::Ping(vec![7].into())));
    // The answer goes ahead of the next message.
    client.send_text("and now").await.unwrap();
    // One that nobody asked for.
    client.send(Message::Pong(vec![8].into())).await.unwrap();
    eventually("both pongs went up", || *seen.lock().unwrap() == [[7], [8]]).await;
}

#[tokio::test]
async fn what_the_upstream_says_right_behind_its_handshake_is_not_lost() {
    let upstream = TestUpstream::start(|mut socket| async move {
        for n in 0..100 {
            socket.feed(Wire::text(n.to_string())).await.unwrap();
        }
        socket.flush().await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let server = proxy_to(upstream.url()).await;
    for _ in 0..10 {
        let mut client = server.connect("/ws").await.unwrap();
        for n in 0..100 {
            assert_eq!(client.recv_text().await.unwrap(), n.to_string());
        }
        client.expect_silence(Duration::from_millis(10)).await.unwrap();
    }
}
