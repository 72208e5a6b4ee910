//! Who is too slow slows down whoever sends to them, and nobody else; what waits is bounded.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{sleep, timeout};
use ws_core::{HandlerError, WsMessage, handler_fn};
use ws_server::WsServer;

use crate::journal::Journal;
use crate::memory::resident;
use crate::programmed::Programmed;
use crate::raw_client::{Frame, RawClient};
use crate::scrape::{self, ACTIVE, all_ended};
use crate::serving::{serve, serve_handler};

const MIB: u64 = 1024 * 1024;
/// What the queues of a connection and the buffers of two sockets hold at most, with room to spare. Most of it is the
/// system's: Linux lets the buffers of a socket grow to 32 MiB and more.
const IN_BETWEEN: u64 = 64 * MIB;

/// What `value` is when it has stopped to change.
async fn settled(value: impl Fn() -> u64) -> u64 {
    for _ in 0..200 {
        let before = value();
        sleep(Duration::from_millis(250)).await;
        if value() == before {
            return before;
        }
    }
    panic!("it still changes after 50 s");
}

/// Sends `bytes` over and over and reads nothing, until the server takes no more or has taken `limit`; says how much it
/// took.
async fn flood(client: &RawClient, bytes: &[u8], limit: u64) -> u64 {
    let socket = client.socket();
    let mut sent = 0_u64;
    while sent < limit && matches!(timeout(Duration::from_millis(500), socket.writable()).await, Ok(Ok(()))) {
        // A write may take only a part: the next one goes on where it stopped.
        let rest = &bytes[sent as usize % bytes.len()..];
        sent += socket.try_write(rest).unwrap_or(0) as u64;
    }
    sent
}

/// B01: a handler that sends 500 MiB to a client which does not read waits, with a bounded part of it under way; when
/// the client reads, everything arrives.
#[tokio::test]
async fn a_client_that_does_not_read_makes_its_handler_wait() {
    const PIECE: u64 = 64 * 1024;
    const ALL: u64 = 500 * MIB;
    let accepted = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&accepted);
    let handler = Programmed::new().on_connect(move |ctx| {
        let counter = Arc::clone(&counter);
        Box::pin(async move {
            let piece = Bytes::from(vec![7; PIECE as usize]);
            while counter.load(Ordering::Relaxed) < ALL {
                // A copy for each: what is shared would weigh nothing.
                ctx.send_binary(piece.to_vec()).await?;
                counter.fetch_add(PIECE, Ordering::Relaxed);
            }
            Ok(())
        })
    });
    let server = serve_handler(handler).await;
    let before = resident();
    let mut client = RawClient::open(server.address(), "/ws").await;
    let under_way = settled(|| accepted.load(Ordering::Relaxed)).await;
    assert!((PIECE..IN_BETWEEN).contains(&under_way), "{under_way} bytes are under way");

    for _ in 0..ALL / PIECE {
        let frame = client.recv().await.expect("the connection goes on");
        assert_eq!((frame.opcode, frame.payload.len() as u64), (Frame::BINARY, PIECE));
    }
    assert_eq!(accepted.load(Ordering::Relaxed), ALL);
    let grown = resident().saturating_sub(before);
    assert!(grown < ALL / 2, "the process has grown by {} MiB", grown / MIB);
}

/// B01: when the client is gone, a handler that waits for it is dropped.
#[tokio::test]
async fn a_handler_that_waits_for_a_reader_ends_with_it() {
    let journal = Journal::default();
    let noting = journal.clone();
    let server = serve_handler(Programmed::new().on_connect(move |ctx| {
        let dropped = noting.note_on_drop("dropped");
        Box::pin(async move {
            let _dropped = dropped;
            loop {
                ctx.send_binary(vec![0; 64 * 1024]).await?;
            }
        })
    }))
    .await;
    for _ in 0..3 {
        let before = journal.events().len();
        let mut client = RawClient::open(server.address(), "/ws").await;
        client.recv().await.unwrap();
        client.reset();
        all_ended(&server).await;
        assert_eq!(journal.events().len(), before + 1);
    }
}

/// B01: when a handler lags, its client is not read any further.
#[tokio::test]
async fn a_handler_that_lags_makes_its_client_wait() {
    let server = serve_handler(handler_fn(|_, _| Box::pin(pending()))).await;
    let client = RawClient::open(server.address(), "/ws").await;
    let message = Frame::new(Frame::BINARY, vec![0; 10_000]).encode();
    let taken = flood(&client, &message, 500 * MIB).await;
    assert!(taken < IN_BETWEEN, "{taken} bytes were taken");
    // The end of a client that is not read is noticed when the server ends it; here it must not keep the server.
    drop(client);
    server.shutdown(Duration::from_secs(1)).await;
}

/// B01: an echo whose client only talks stops to listen.
#[tokio::test]
async fn an_echo_is_not_kept_for_who_does_not_read() {
    let server = serve(WsServer::builder()).await;
    let client = RawClient::open(server.address(), "/ws").await;
    let taken = flood(&client, &Frame::text(&"x".repeat(10_000)).encode(), 500 * MIB).await;
    assert!(taken < IN_BETWEEN, "{taken} bytes were taken");
    client.reset();
    all_ended(&server).await;
}

/// B01: the answers to pings wait for their reader, too; when it reads, each ping has been answered.
#[tokio::test]
async fn pongs_are_not_kept_for_who_does_not_read() {
    let server = serve(WsServer::builder()).await;
    let mut client = RawClient::open(server.address(), "/ws").await;
    let ping = Frame::new(Frame::PING, vec![7; 125]).encode();
    let taken = flood(&client, &ping, 100 * MIB).await;
    assert!(taken < IN_BETWEEN, "{taken} bytes of pings were taken");
    let whole = taken / ping.len() as u64;
    for _ in 0..whole {
        assert_eq!(client.take(2 + 125).await.unwrap()[..2], [0x8a, 125]);
    }
    let rest = &ping[taken as usize % ping.len()..];
    client.send_bytes(rest).await;
    client.send(Frame::text("still there?")).await;
    let answers = [client.recv().await, client.recv().await].into_iter().flatten();
    assert!(answers.into_iter().any(|frame| frame == Frame::text("echo: still there?").unmasked()));
}

/// B03: a connection whose handler waits, or whose client does not read, delays no other.
#[tokio::test]
async fn a_slow_connection_delays_no_other() {
    let server = serve_handler(Programmed::new().on_message(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) if text == "wait" => pending().await,
                WsMessage::Text(text) if text == "flood" => loop {
                    ctx.send_binary(vec![0; 64 * 1024]).await?;
                },
                WsMessage::Text(text) => ctx.send_text(&text).await,
                _ => Err(HandlerError::Generic("only text".into())),
            }
        })
    }))
    .await;
    let mut waiting = RawClient::open(server.address(), "/ws").await;
    waiting.send(Frame::text("before")).await;
    waiting.send(Frame::text("wait")).await;
    assert_eq!(waiting.recv().await, Some(Frame::text("before").unmasked()));
    let mut flooded = RawClient::open(server.address(), "/ws").await;
    flooded.send(Frame::text("flood")).await;
    flooded.recv().await.unwrap();

    let mut other = server.connect("/ws").await.unwrap();
    for n in 0..1000 {
        other.send_text(&n.to_string()).await.unwrap();
        assert_eq!(other.recv_text().await.unwrap(), n.to_string());
    }
    assert_eq!(scrape::value(&server, ACTIVE), 3.0);
}
