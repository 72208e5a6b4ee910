//! Who answers pings, and how many.

use std::future::poll_fn;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::io::DuplexStream;
use ws_core::Message;
use ws_wire::{Wire, WireOptions};

fn pair(auto_pong: bool) -> (Wire<DuplexStream>, Wire<DuplexStream>) {
    let (near, far) = tokio::io::duplex(1 << 16);
    let options = WireOptions { auto_pong, ..WireOptions::default() };
    (Wire::client(near, Bytes::new(), options), Wire::server(far, Bytes::new(), options))
}

async fn say(wire: &mut Wire<DuplexStream>, message: Message) {
    wire.feed(message).unwrap();
    poll_fn(|cx| wire.poll_flush(cx)).await.unwrap();
}

async fn hear(wire: &mut Wire<DuplexStream>) -> Message {
    poll_fn(|cx| wire.poll_next(cx)).await.unwrap().unwrap()
}

fn ping(text: &'static str) -> Message {
    Message::Ping(Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn a_ping_is_shown_and_answered_in_its_place() {
    let (mut client, mut server) = pair(true);
    say(&mut client, ping("a")).await;
    assert_eq!(hear(&mut server).await, ping("a"));
    say(&mut server, Message::text("b")).await;
    assert_eq!(hear(&mut client).await, Message::Pong(Bytes::from_static(b"a")));
    assert_eq!(hear(&mut client).await, Message::text("b"));
}

#[tokio::test]
async fn whether_pings_are_answered_can_be_changed() {
    let (mut client, mut server) = pair(false);
    for (auto_pong, text) in [(false, "a"), (true, "b"), (false, "c")] {
        server.set_auto_pong(auto_pong);
        assert_eq!(server.auto_pong(), auto_pong);
        say(&mut client, ping(text)).await;
        assert_eq!(hear(&mut server).await, ping(text));
        poll_fn(|cx| server.poll_flush(cx)).await.unwrap();
    }
    assert_eq!(hear(&mut client).await, Message::Pong(Bytes::from_static(b"b")));
    assert!(poll_fn(|cx| client.poll_next(cx)).now_or_never().is_none());
}

#[tokio::test]
async fn pings_are_answered_up_to_a_number_before_a_flush() {
    let (mut client, mut server) = pair(true);
    for _ in 0..1000 {
        client.feed(ping("?")).unwrap();
    }
    poll_fn(|cx| client.poll_flush(cx)).await.unwrap();
    for expected in (0..1000).step_by(64).map(|answered| 64.min(1000 - answered)) {
        let mut answered = 0;
        while server.may_read() && answered < expected {
            hear(&mut server).await;
            answered += 1;
        }
        assert_eq!(answered, expected);
        assert_eq!(server.may_read(), answered < 64);
        poll_fn(|cx| server.poll_flush(cx)).await.unwrap();
        assert!(server.may_read());
    }
    for _ in 0..1000 {
        assert!(matches!(hear(&mut client).await, Message::Pong(_)));
    }
}

#[tokio::test]
async fn part_of_a_message_is_heard() {
    let (mut near, far) = tokio::io::duplex(100);
    let mut server = Wire::server(far, Bytes::new(), WireOptions::default());
    assert!(!server.take_heard());
    tokio::io::AsyncWriteExt::write_all(&mut near, b"\x81").await.unwrap();
    assert!(poll_fn(|cx| server.poll_next(cx)).now_or_never().is_none());
    assert!(server.take_heard());
    assert!(!server.take_heard());
}
