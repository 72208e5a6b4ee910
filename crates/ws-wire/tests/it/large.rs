//! Large messages, on transports that take them in one way or another.

use std::future::poll_fn;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use ws_core::{Message, RawFrame};
use ws_wire::{Wire, WireOptions};

const LENGTHS: [usize; 9] = [0, 125, 126, 4095, 4096, 65_535, 65_536, 200_001, 3_000_000];

/// Sends messages of many sizes both ways at once, and expects each as it was.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(near: S, far: S) {
    let client = Wire::client(near, Bytes::new(), WireOptions::default());
    let server = Wire::server(far, Bytes::new(), WireOptions::default());
    tokio::join!(say_and_hear(client), say_and_hear(server));
}

async fn say_and_hear<S: AsyncRead + AsyncWrite + Unpin>(mut wire: Wire<S>) {
    let said = LENGTHS.iter().flat_map(|&length| {
        let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        [Message::text("é".repeat(length / 2)), Message::binary(bytes)]
    });
    let said: Vec<Message> = said.collect();
    let (mut next, mut heard) = (said.iter().cloned(), Vec::new());
    poll_fn(|cx| {
        while wire.poll_ready(cx).is_ready()
            && let Some(message) = next.next()
        {
            wire.feed(message).unwrap();
        }
        let flushed = wire.poll_flush(cx);
        while heard.len() < said.len()
            && let std::task::Poll::Ready(message) = wire.poll_next(cx)
        {
            heard.push(message.unwrap().unwrap());
        }
        if heard.len() < said.len() || next.len() > 0 { std::task::Poll::Pending } else { flushed }
    })
    .await
    .unwrap();
    assert!(heard == said, "something else was heard");
}

#[tokio::test]
async fn large_messages_go_through_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (near, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    exchange(near.unwrap(), accepted.unwrap().0).await;
}

#[tokio::test]
async fn large_messages_go_through_a_transport_that_takes_one_piece_at_a_time() {
    let (near, far) = tokio::io::duplex(1000);
    exchange(near, far).await;
}

#[tokio::test]
async fn a_large_message_may_come_in_fragments_with_a_ping_between() {
    let (near, far) = tokio::io::duplex(1 << 20);
    let mut client = Wire::client(near, Bytes::new(), WireOptions::default());
    let mut server = Wire::server(far, Bytes::new(), WireOptions::default());
    let part = Bytes::from(vec![b'a'; 100_000]);
    client.feed_raw(&RawFrame { fin: false, ..RawFrame::new(RawFrame::TEXT, part.clone()) });
    client.feed_raw(&RawFrame::new(RawFrame::PING, &b"here"[..]));
    client.feed_raw(&RawFrame::new(RawFrame::CONTINUATION, part));
    poll_fn(|cx| client.poll_flush(cx)).await.unwrap();
    let mut heard = async || poll_fn(|cx| server.poll_next(cx)).await.unwrap().unwrap();
    assert_eq!(heard().await, Message::Ping(Bytes::from_static(b"here")));
    assert!(matches!(heard().await, Message::Text(text) if text.len() == 200_000));
}
