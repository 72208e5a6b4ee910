//! A side that does not read stops the other, and nobody for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message as Wire;
use ws_core::Message;

use crate::eventually::eventually;
use crate::serving::proxy_to;
use crate::upstream::TestUpstream;

const SIZE: usize = 64 * 1024;
const COUNT: usize = 2000;
/// More than sockets, queues and buffers on the way can hold, and much less than all.
const MOST_ON_THE_WAY: usize = 600;

#[tokio::test]
async fn an_upstream_that_does_not_read_stops_the_client() {
    let go = Arc::new(Semaphore::new(0));
    let upstream = TestUpstream::start({
        let go = Arc::clone(&go);
        move |mut socket| {
            let go = Arc::clone(&go);
            async move {
                let _ = go.acquire().await;
                let mut read = 0;
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_binary() {
                        assert_eq!(message.len(), SIZE);
                        read += 1;
                    }
                    if read == COUNT {
                        socket.send(Wire::text("all")).await.unwrap();
                    }
                }
            }
        }
    })
    .await;
    let server = proxy_to(upstream.url()).await;
    let mut client = server.connect("/ws").await.unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let sending = tokio::spawn({
        let sent = Arc::clone(&sent);
        async move {
            for _ in 0..COUNT {
                client.send(Message::binary(vec![1; SIZE])).await.unwrap();
                sent.fetch_add(1, Ordering::SeqCst);
            }
            client
        }
    });
    // It has come to a stop when it does not move for a while.
    let mut before = 0;
    loop {
        sleep(Duration::from_millis(200)).await;
        let now = sent.load(Ordering::SeqCst);
        if now == before && now > 0 {
            break;
        }
        before = now;
    }
    assert!(before < MOST_ON_THE_WAY, "{before} of {COUNT} messages were taken for an upstream that reads nothing");
    go.add_permits(1);
    let mut client = sending.await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "all");
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_upstream() {
    let sent = Arc::new(AtomicUsize::new(0));
    let upstream = TestUpstream::start({
        let sent = Arc::clone(&sent);
        move |mut socket| {
            let sent = Arc::clone(&sent);
            async move {
                for _ in 0..COUNT {
                    if socket.send(Wire::binary(vec![1; SIZE])).await.is_err() {
                        return;
                    }
                    sent.fetch_add(1, Ordering::SeqCst);
                }
                while let Some(Ok(_)) = socket.next().await {}
            }
        }
    })
    .await;
    let server = proxy_to(upstream.url()).await;
    let mut client = server.connect("/ws").await.unwrap();
    let mut before = 0;
    loop {
        sleep(Duration::from_millis(200)).await;
        let now = sent.load(Ordering::SeqCst);
        if now == before && now > 0 {
            break;
        }
        before = now;
    }
    assert!(before < MOST_ON_THE_WAY, "{before} of {COUNT} messages were taken for a client that reads nothing");
    for _ in 0..COUNT {
        assert_eq!(client.recv_binary().await.unwrap().len(), SIZE);
    }
}

/// Both directions are full, and both sides read again: nothing is stuck.
#[tokio::test]
async fn two_full_directions_come_free_again() {
    let (go, read) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let upstream = TestUpstream::start({
        let (go, read) = (Arc::clone(&go), Arc::clone(&read));
        move |socket| {
            let (go, read) = (Arc::clone(&go), Arc::clone(&read));
            async move {
                let (mut sink, mut stream) = socket.split();
                let writing = async {
                    for _ in 0..COUNT {
                        sink.send(Wire::binary(vec![1; SIZE])).await.unwrap();
                    }
                };
                let reading = async {
                    let _ = go.acquire().await;
                    while let Some(Ok(message)) = stream.next().await {
                        read.fetch_add(usize::from(message.is_binary()), Ordering::SeqCst);
                    }
                };
                tokio::join!(writing, reading);
            }
        }
    })
    .await;
    let server = proxy_to(upstream.url()).await;
    let (socket, _) = tokio_tungstenite::connect_async(server.url()).await.unwrap();
    let (mut sink, mut stream) = socket.split();
    let sending = tokio::spawn(async move {
        for _ in 0..COUNT {
            sink.send(Wire::binary(vec![1; SIZE])).await.unwrap();
        }
        sink
    });
    // Until both are full.
    sleep(Duration::from_millis(500)).await;
    go.add_permits(1);
    let receiving = async {
        for _ in 0..COUNT {
            assert_eq!(stream.next().await.unwrap().unwrap().len(), SIZE);
        }
    };
    timeout(Duration::from_secs(30), receiving).await.unwrap();
    let _sink = sending.await.unwrap();
    eventually("all went up", || read.load(Ordering::SeqCst) == COUNT).await;
}
